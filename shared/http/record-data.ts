import type { RecordToProduce } from "../broker/assign-partitions.ts";
import { MAX_HEADERS_PER_RECORD, MAX_JSON_DEPTH } from "../kafka/limits.ts";
import { badRequest, HttpError } from "./http-error.ts";
import { parseJson } from "./json-text.ts";
import type { ProduceRecord } from "./schema/record-schema.ts";

export type DataType = "BINARY" | "STRING" | "JSON";

/** A key's or a value's bytes, and the type it was given in. */
export interface EncodedData {
  readonly type: DataType;
  readonly bytes: Uint8Array | null;
}

/** A record of a v3 request as it is produced, with the types to tell of in the answer. */
export interface EncodedRecord {
  readonly record: RecordToProduce;
  readonly key: EncodedData | undefined;
  readonly value: EncodedData | undefined;
}

/** Errors: 400 for what is not base64. Both alphabets, with or without padding. */
export function base64Bytes(text: string, what: string): Uint8Array {
  const isBase64 = /^[A-Za-z0-9+/_-]*={0,2}$/.test(text);
  const symbols = isBase64 ? text.replace(/=+$/, "").length : 0;
  // A lone symbol at the end is six bits of a byte: something was cut off.
  if (!isBase64 || symbols % 4 === 1) throw badRequest(`${what} is not base64`);
  return Buffer.from(text, "base64");
}

/** Errors: 400; 422 (42206) for data that needs a schema registry. */
export function encodeRecord(given: ProduceRecord): EncodedRecord {
  const key = encodeData(given.key, "key");
  const value = encodeData(given.value, "value");
  const headers = (given.headers ?? []).map(({ name, value: header }) => ({
    key: name,
    value: header === null || header === undefined ? null : base64Bytes(header, `header ${JSON.stringify(name)}`),
  }));
  if (headers.length > MAX_HEADERS_PER_RECORD)
    throw badRequest(`a record has at most ${MAX_HEADERS_PER_RECORD} headers`);
  const { partition_id: partition, timestamp } = given;
  const record: RecordToProduce = {
    key: key?.bytes ?? null,
    value: value?.bytes ?? null,
    headers,
    ...(partition === null || partition === undefined ? {} : { partition }),
    ...(timestamp === null || timestamp === undefined ? {} : { timestamp: new Date(timestamp).getTime() }),
  };
  return { record, key, value };
}

const TYPES: ReadonlySet<string> = new Set(["BINARY", "JSON", "STRING"] satisfies DataType[]);
const SCHEMA_TYPES = new Set(["AVRO", "JSONSCHEMA", "PROTOBUF"]);

function encodeData(given: ProduceRecord["key"], what: string): EncodedData | undefined {
  if (given === null || given === undefined) return undefined;
  const { data, type: typed, schema, schema_id, schema_version, subject, subject_name_strategy } = given;
  const type = typed?.toUpperCase();
  const ofRegistry = [schema, schema_id, schema_version, subject, subject_name_strategy];
  const isNull = data === null || data === undefined;
  // Without a type Confluent asks its registry; taking it for base64 would store other bytes than were meant.
  const isUntyped = type === undefined && !isNull;
  if (isUntyped || SCHEMA_TYPES.has(type ?? "") || ofRegistry.some((field) => field !== null && field !== undefined)) {
    throw needsRegistry(what, isUntyped);
  }
  if (type !== undefined && !TYPES.has(type)) {
    throw badRequest(
      `${what}: unknown type ${JSON.stringify(typed?.slice(0, 100))}`,
      "types are BINARY, JSON and STRING",
    );
  }
  if (isNull) return type === undefined ? undefined : { type: type as DataType, bytes: null };
  if (type === "JSON") return { type, bytes: Buffer.from(JSON.stringify(data)) };
  if (typeof data !== "string") throw badRequest(`${what}: ${type} data must be a string`);
  if (type === "BINARY") return { type, bytes: base64Bytes(data, `${what}: data`) };
  if (!data.isWellFormed()) throw badRequest(`${what}: data must be Unicode: it has half of a surrogate pair`);
  return { type: "STRING", bytes: Buffer.from(data) };
}

function needsRegistry(what: string, isUntyped: boolean): HttpError {
  const message = `${what}: ${isUntyped ? "data without a type needs a schema" : "schemas are not supported"}`;
  const hint = 'say "type": "BINARY" (base64), "JSON" or "STRING", and no schema';
  return new HttpError(422, 42206, `Payload error. ${message}`, hint);
}

/** Data stands four levels deep in a records:batch request. */
const MAX_DATA_DEPTH = MAX_JSON_DEPTH - 4;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Bytes as they can be produced again: `{type, data}`, or null. Without a format the type is told from the bytes: a JSON
 * object or array is JSON, other UTF-8 text STRING, the rest BINARY. What does not fit a given format is BINARY.
 */
export function decodeData(
  bytes: Uint8Array | null,
  format: DataType | undefined,
): { type: DataType; data: unknown } | null {
  if (bytes === null) return null;
  const text = format === "BINARY" ? undefined : textOf(bytes);
  if (text === undefined) return { type: "BINARY", data: Buffer.from(bytes).toString("base64") };
  if (format === "STRING") return { type: "STRING", data: text };
  const json = format === "JSON" || /^\s*[[{]/.test(text) ? jsonOf(text) : undefined;
  if (json !== undefined) return { type: "JSON", data: json.value };
  return format === "JSON"
    ? { type: "BINARY", data: Buffer.from(bytes).toString("base64") }
    : { type: "STRING", data: text };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Undefined for what is not JSON, and for JSON that could not be produced again: null, or nested too deep. */
function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    const value = parseJson(text);
    // Produced again as JSON it would be no value at all.
    if (value === null) return undefined;
    const openings = text.match(/[[{]/g)?.length ?? 0;
    return openings <= MAX_DATA_DEPTH || isWithin(value, MAX_DATA_DEPTH) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

function isWithin(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isWithin(inner, depth - 1));
}
