import type { RecordToProduce } from "../broker/assign-partitions.ts";
import { MAX_HEADERS_PER_RECORD } from "../kafka/limits.ts";
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
  const bytes = Buffer.from(text, "base64");
  const isBase64 =
    /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) && Math.floor((text.replace(/=+$/, "").length * 3) / 4) === bytes.length;
  if (!isBase64) throw badRequest(`${what} is not base64`);
  return bytes;
}

/** Errors: 400; 422 (42206) for types that need a schema registry. */
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

function encodeData(given: ProduceRecord["key"], what: string): EncodedData | undefined {
  if (given === null || given === undefined) return undefined;
  const { data, type: typed, schema, schema_id, schema_version, subject, format } = given;
  const needsRegistry = [schema, schema_id, schema_version, subject, format].some(
    (field) => field !== undefined && field !== null,
  );
  const type = (typed ?? (needsRegistry ? "AVRO" : "BINARY")).toUpperCase();
  if (["AVRO", "JSONSCHEMA", "PROTOBUF"].includes(type) || needsRegistry) {
    throw new HttpError(
      422,
      42206,
      `${what}: schemas are not supported`,
      "send BINARY, JSON or STRING data without a schema",
    );
  }
  if (type !== "BINARY" && type !== "JSON" && type !== "STRING") {
    throw badRequest(`${what}: unknown type ${JSON.stringify(typed)}`, "types are BINARY, JSON and STRING");
  }
  if (data === null || data === undefined) return { type, bytes: null };
  if (type === "JSON") return { type, bytes: Buffer.from(JSON.stringify(data)) };
  if (typeof data !== "string") throw badRequest(`${what}: ${type} data must be a string`);
  return { type, bytes: type === "STRING" ? Buffer.from(data) : base64Bytes(data, `${what}: data`) };
}

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

/** Depth is bounded on the way in by HTTP; other clients may have sent any, which JSON.stringify must survive. */
function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    const value = parseJson(text);
    JSON.stringify(value);
    return { value };
  } catch {
    return undefined;
  }
}
