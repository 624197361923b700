import { MAX_JSON_DEPTH } from "../kafka/limits.ts";
import { badRequest, HttpError } from "./http-error.ts";

/** JSON.parse's reviver gets each value's source text (ES2025); the types do not know it yet. */
type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
interface RawJson {
  readonly rawJSON: string;
}
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON(text: string): RawJson;
  isRawJSON(value: unknown): value is RawJson;
};

/** Numbers that a double may not hold exactly (more than 15 digits), or that it prints in another way. */
const RISKY_NUMBER = /[\d.]{16}|\.\d*0(?!\d)|\d[eE][-+\d]|-0(?![\d.])/;

/**
 * Parses one JSON text. Numbers that a double would change stay what they are in the text: JSON.stringify writes them
 * back as they came. Errors: 400.
 */
export function parseJson(text: string): unknown {
  try {
    return RISKY_NUMBER.test(text) ? JSON.parse(text, keepSource as never) : JSON.parse(text);
  } catch (error) {
    throw badRequest(`malformed JSON: ${(error as Error).message}`);
  }
}

const keepSource: SourceReviver = (_key, value, { source }) =>
  typeof value === "number" && source !== undefined && JSON.stringify(value) !== source ? rawJSON(source) : value;

/** Fields that hold what is stored. */
const STORED: ReadonlySet<string> = new Set(["data", "key", "value"]);

/**
 * Parses the JSON of a request. What is to be stored, in `data`, `key` and `value`, keeps its numbers as parseJson does; the request's
 * own are numbers, however they are written: 1.0 is a partition. Errors: 400.
 */
export function parseRequest(text: string): unknown {
  const parsed = parseJson(text);
  return isRawJSON(parsed) ? Number(parsed.rawJSON) : withOwnNumbers(parsed, MAX_JSON_DEPTH);
}

function withOwnNumbers(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth === 0) return value;
  const fields = value as Record<string, unknown>;
  for (const [name, inner] of Object.entries(fields)) {
    if (STORED.has(name)) continue;
    if (isRawJSON(inner)) fields[name] = Number(inner.rawJSON);
    else withOwnNumbers(inner, depth - 1);
  }
  return value;
}

/** UTF-8 text of a body. Errors: 400 for what is not UTF-8. */
export function bodyText(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw badRequest("the body is not UTF-8");
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x7b, 0x5b]);
const CLOSING = new Set([0x7d, 0x5d]);
/** White space of JSON, and the record separator. */
const BETWEEN = new Set([" ", "\t", "\r", "\n", "\u001e"]);

/**
 * Cuts a text into the JSON objects that stand in it one after the other, with or without white space (or RS, RFC 7464)
 * between them. Errors: 400 for anything else, for depth beyond MAX_JSON_DEPTH and for more than `maxCount` objects.
 */
export function splitObjects(text: string, maxCount: number): string[] {
  const objects: string[] = [];
  let start = -1;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (depth === 0) {
      if (BETWEEN.has(text[at]!)) continue;
      if (text[at] !== "{") throw badRequest(`expected a JSON object at character ${at}`);
      if (objects.length === maxCount) throw tooManyObjects(maxCount);
      start = at;
      depth = 1;
    } else if (char === QUOTE) at = endOfString(text, at + 1);
    else if (OPENING.has(char)) {
      if (++depth > MAX_JSON_DEPTH) throw badRequest(`JSON nested deeper than ${MAX_JSON_DEPTH} levels`);
    } else if (CLOSING.has(char) && --depth === 0) objects.push(text.slice(start, at + 1));
  }
  if (depth > 0) throw badRequest("malformed JSON: it ends in the middle of an object");
  return objects;
}

function tooManyObjects(maxCount: number): HttpError {
  return maxCount === 1
    ? badRequest("more than one JSON object", "this takes one in a request")
    : badRequest(`more than ${maxCount} objects in one request`, "send them in several requests");
}

/** Where the string ends whose first character is at `from`: at the next quote behind an even number of backslashes. */
function endOfString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (before >= from && text.charCodeAt(before) === BACKSLASH) before--;
    if ((quote - before) % 2 === 1) return quote;
  }
  return text.length;
}

/** Nothing was sent where something must be: 422 (42206), as with Confluent. */
export function emptyBody(hint: string): HttpError {
  return new HttpError(422, 42206, "Payload error. Request body is empty. Data is required.", hint);
}

/** The one JSON object of a body. Errors: 400; 422 for an empty one. */
export function singleObject(body: Uint8Array): unknown {
  const [text] = splitObjects(bodyText(body), 1);
  if (text === undefined) throw emptyBody("send a JSON object");
  return parseRequest(text);
}
