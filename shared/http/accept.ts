import { HttpError } from "./http-error.ts";
import { type HttpRequest, mediaType } from "./http-message.ts";

/** The offered media type that the Accept header likes best. Errors: 406. */
export function negotiate(request: HttpRequest, offered: readonly string[]): string {
  const accept = request.headers.get("accept")?.trim();
  if (accept === undefined || accept === "") return offered[0]!;
  let best: { readonly type: string; readonly quality: number } | undefined;
  for (const range of accept.split(",").slice(0, 100)) {
    const wanted = mediaType(range);
    const quality = Number(/;\s*q=([\d.]+)/.exec(range)?.[1] ?? 1);
    const type = offered.find((candidate) => matches(wanted, candidate));
    if (type !== undefined && quality > 0 && (best === undefined || quality > best.quality)) best = { type, quality };
  }
  if (best !== undefined) return best.type;
  throw new HttpError(406, 406, "HTTP 406 Not Acceptable", `this answers with ${offered.join(" or ")}`);
}

function matches(wanted: string, offered: string): boolean {
  return wanted === "*/*" || wanted === offered || (wanted.endsWith("/*") && offered.startsWith(wanted.slice(0, -1)));
}
