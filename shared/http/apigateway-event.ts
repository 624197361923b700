import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import type { HttpRequest, HttpResponse } from "./http-message.ts";
import { RECORD_BATCHES_TYPE } from "./http-message.ts";

/** Media types whose bodies API Gateway hands over in base64, both ways. */
export const BINARY_MEDIA_TYPES: readonly string[] = [RECORD_BATCHES_TYPE];

/** An event of API Gateway's REST API (v1) as a request. A header that comes several times is a list (RFC 9110, 5.3). */
export function requestFromEvent(event: APIGatewayProxyEvent, signal?: AbortSignal): HttpRequest {
  return {
    method: event.httpMethod,
    path: event.path,
    query: lists(event.multiValueQueryStringParameters, event.queryStringParameters),
    headers: headersOf(event),
    body: Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8"),
    ...(signal === undefined ? {} : { signal }),
  };
}

const HOST = /^([\w.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/;

/**
 * Scheme and host as the client sees them, and the stage where API Gateway's own host name puts it into the path. The
 * headers are the client's: what is no host is not repeated.
 */
export function originOfEvent(event: APIGatewayProxyEvent): string {
  const headers = headersOf(event);
  const { domainName = "localhost", stage } = event.requestContext;
  const given = headers.get("host") ?? "";
  const host = HOST.test(given) && URL.canParse(`http://${given}`) ? given : domainName;
  const scheme = headers.get("x-forwarded-proto") === "http" ? "http" : "https";
  return `${scheme}://${host}${host.includes(".execute-api.") ? `/${stage}` : ""}`;
}

function headersOf({ headers, multiValueHeaders }: APIGatewayProxyEvent): Map<string, string> {
  const named = new Map<string, string>();
  for (const [name, values] of lists(multiValueHeaders, headers)) named.set(name.toLowerCase(), values.join(", "));
  return named;
}

/** Events that are made by hand often lack one of the two. */
function lists(
  multiple: Record<string, string[] | undefined> | null,
  single: Record<string, string | undefined> | null,
): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(single ?? {})) if (value !== undefined) found.set(name, [value]);
  for (const [name, values] of Object.entries(multiple ?? {})) if (values !== undefined) found.set(name, values);
  return found;
}

/** A response as API Gateway's REST API takes it. */
export function resultFromResponse({ status, headers, body }: HttpResponse): APIGatewayProxyResult {
  if (typeof body === "string") return { statusCode: status, headers: { ...headers }, body, isBase64Encoded: false };
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("base64");
  return { statusCode: status, headers: { ...headers }, body: text, isBase64Encoded: true };
}
