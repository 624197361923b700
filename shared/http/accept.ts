import { HttpError } from "./http-error.ts";
import { mediaType } from "./http-message.ts";

const MAX_RANGES = 100;

interface Preference {
  readonly quality: number;
  /** A type told by name counts for more than one that a wildcard lets in. */
  readonly specificity: number;
}

/** The offered media type that an Accept header likes best; the first of equals (RFC 9110, 12.5.1). Errors: 406. */
export function negotiate(accept: string | undefined, offered: readonly string[]): string {
  if (accept === undefined || accept.trim() === "") return offered[0]!;
  const ranges = accept.split(",").slice(0, MAX_RANGES);
  let best: (Preference & { readonly type: string }) | undefined;
  for (const type of offered) {
    const found = preferenceFor(type, ranges);
    if (found.quality > 0 && (best === undefined || isBetter(found, best))) best = { type, ...found };
  }
  if (best !== undefined) return best.type;
  throw new HttpError(406, 406, "HTTP 406 Not Acceptable", `this answers with ${offered.join(" or ")}`);
}

/** The most specific range that covers a type has the say. */
function preferenceFor(type: string, ranges: readonly string[]): Preference {
  let found: Preference = { quality: 0, specificity: -1 };
  for (const range of ranges) {
    const specificity = specificityOf(mediaType(range), type);
    if (specificity > found.specificity) found = { quality: qualityOf(range), specificity };
  }
  return found;
}

function specificityOf(wanted: string, type: string): number {
  if (wanted === type) return 2;
  if (wanted === "*/*") return 0;
  return wanted.endsWith("/*") && type.startsWith(wanted.slice(0, -1)) ? 1 : -1;
}

function qualityOf(range: string): number {
  const given = /;\s*q\s*=\s*([^;\s]*)/i.exec(range)?.[1];
  if (given === undefined) return 1;
  return /^[01](\.\d{0,3})?$/.test(given) ? Number(given) : 0;
}

function isBetter(one: Preference, other: Preference): boolean {
  return one.quality === other.quality ? one.specificity > other.specificity : one.quality > other.quality;
}
