import { HttpError } from "./http-error.ts";
import { type HttpRequest, JSON_TYPE, mediaType } from "./http-message.ts";

const UTF8 = new Set(["utf-8", "utf8", "us-ascii", "ascii"]);

/**
 * Whether a route can read the body. A missing media type passes for JSON where a route takes JSON, as it does with
 * Confluent. Errors: 415 for another media type, a charset that is not UTF-8, a body that is compressed as a whole.
 */
export function checkContentType(accepts: readonly string[], { headers, body }: HttpRequest): void {
  if (accepts.length === 0) return;
  const header = headers.get("content-type");
  const type = mediaType(header);
  const isTaken = accepts.includes(type) || (type === "" && (accepts.includes(JSON_TYPE) || body.length === 0));
  if (!isTaken) throw unsupported(`send ${accepts.join(" or ")}`);
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(header ?? "")?.[1];
  if (charset !== undefined && !UTF8.has(charset.toLowerCase())) throw unsupported("send UTF-8");
  const coding = headers.get("content-encoding")?.trim().toLowerCase() || "identity";
  if (coding !== "identity") {
    throw unsupported(
      "send the body as it is, without Content-Encoding; RecordBatches may be compressed in themselves",
    );
  }
}

function unsupported(hint: string): HttpError {
  return new HttpError(415, 415, "HTTP 415 Unsupported Media Type", hint);
}
