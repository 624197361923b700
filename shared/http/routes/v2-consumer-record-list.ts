import type { InstanceFormat } from "../../broker/consumers/instance.ts";
import type { HandedOut } from "../../broker/consumers/poll-instance.ts";
import type { Fetched } from "../../broker/fetch.ts";
import type { FetchedPartition } from "../../broker/groups/fetch-partitions.ts";
import type { Position } from "../../broker/groups/start-positions.ts";
import { decodeRecords } from "../../record/decode-batch.ts";
import { batchHeaders } from "../../record/read-batch-header.ts";
import type { LogRecord } from "../../record/record.ts";
import { HttpError } from "../http-error.ts";
import { MAX_RECORD_LIST_BYTES } from "../record-list.ts";
import { unprocessable } from "./v2-consumer-answer.ts";

export interface V2RecordList {
  readonly format: InstanceFormat;
  readonly texts: readonly string[];
}

/** What is left of an answer: bytes of its text, and unencoded bytes of keys and values. */
interface Room {
  text: number;
  data: number;
}

/**
 * Records of many partitions as an answer of the REST Proxy v2: as many as it holds, and as max_bytes says, the first always. It ends before a
 * record that it has no room for, or that is not what the instance's format says. Errors: 422 (42203) if that is the first, 413 if no answer
 * holds it: a client may seek behind it.
 */
export function v2RecordList(
  found: readonly FetchedPartition[],
  format: InstanceFormat,
  maxBytes: number,
): HandedOut<V2RecordList> {
  const texts: string[] = [];
  const ends = new Map<string, Position>();
  const room: Room = { text: MAX_RECORD_LIST_BYTES, data: maxBytes };
  for (const { position, fetched } of found) {
    if (!fetched.ok) continue;
    const { topic, partition } = position;
    const nextOffset = take(fetched.value, position, format, room, texts);
    ends.set(`${partition}#${topic}`, { topic, partition, offset: nextOffset });
    if (nextOffset < fetched.value.nextOffset) break;
  }
  return { answer: { format, texts }, positions: [...ends.values()] };
}

/** Adds one partition's records to the texts; answers the offset of the first that was left, or where the fetch ended. */
function take(fetched: Fetched, position: Position, format: InstanceFormat, room: Room, texts: string[]): number {
  for (const { header, at } of batchHeaders(fetched.batches)) {
    if (header.isControl) continue;
    for (const record of decodeRecords(fetched.batches, at, header)) {
      if (record.offset < position.offset) continue;
      const dataBytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
      if (texts.length > 0 && dataBytes > room.data) return record.offset;
      const text = textOf(record, position, format, room.text, texts.length === 0);
      if (text === undefined) return record.offset;
      texts.push(text);
      room.data -= dataBytes;
      room.text -= Buffer.byteLength(text) + 1;
    }
  }
  return fetched.nextOffset;
}

/** undefined: it cannot be in this answer. Errors: for the first one, which could be in no other either. */
function textOf(
  { key, value, offset }: LogRecord,
  { topic, partition }: Position,
  format: InstanceFormat,
  maxBytes: number,
  isFirst: boolean,
): string | undefined {
  const where = `${topic}-${partition} at offset ${offset}`;
  const next = JSON.stringify({ offsets: [{ topic, partition, offset: offset + 1 }] });
  // In base64 it is larger still, and as JSON no smaller.
  const isTooLarge = (key?.length ?? 0) + (value?.length ?? 0) > maxBytes;
  if (!isTooLarge) {
    const [keyText, valueText] = [dataText(key, format), dataText(value, format)];
    if (keyText === undefined || valueText === undefined) {
      if (!isFirst) return undefined;
      const what = keyText === undefined ? "key" : "value";
      throw unprocessable(
        42203,
        `Conversion of JSON to Object failed: the ${what} of ${where} is not JSON`,
        `POST positions ${next} to go on behind it, or read with an instance of format binary`,
      );
    }
    const text = `{"topic":${JSON.stringify(topic)},"key":${keyText},"value":${valueText},"partition":${partition},"offset":${offset}}`;
    if (Buffer.byteLength(text) <= maxBytes) return text;
  }
  if (!isFirst) return undefined;
  const message = `the record of ${where} is too large for a JSON answer`;
  throw new HttpError(413, 413, message, `POST positions ${next} to go on behind it, or fetch RecordBatches`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A key or a value as JSON text: in the json format just what was produced, its numbers with all their digits. undefined: it is not JSON. */
function dataText(bytes: Uint8Array | null, format: InstanceFormat): string | undefined {
  if (bytes === null) return "null";
  if (format === "binary") return `"${Buffer.from(bytes).toString("base64")}"`;
  try {
    const text = utf8.decode(bytes);
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}
