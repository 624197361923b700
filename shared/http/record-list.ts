import type { Fetched } from "../broker/fetch.ts";
import { MAX_RESPONSE_BYTES } from "../kafka/limits.ts";
import { decodeRecords } from "../record/decode-batch.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import type { LogRecord } from "../record/record.ts";
import { HttpError } from "./http-error.ts";
import { RECORD_BATCHES_TYPE } from "./http-message.ts";
import { type DataType, decodeData } from "./record-data.ts";

/** Bytes of records in one answer: all that it may have, less room for what stands around them. */
export const MAX_RECORD_LIST_BYTES = MAX_RESPONSE_BYTES - 16 * 1024;

export interface Formats {
  readonly key?: DataType | undefined;
  readonly value?: DataType | undefined;
}

const BINARY: Formats = { key: "BINARY", value: "BINARY" };

export interface RecordList {
  readonly texts: readonly string[];
  /** Where the next fetch goes on. */
  readonly nextOffset: number;
}

/** What an answer has room for that holds more than one partition's records. */
export interface Room {
  readonly maxBytes: number;
  /** There is something in the answer already: a record that does not fit is left for the next. */
  readonly mustFit: boolean;
  /** Bytes that each record takes beside its own text. */
  readonly each: number;
}

const WHOLE_ANSWER: Room = { maxBytes: MAX_RECORD_LIST_BYTES, mustFit: false, each: 0 };

/**
 * The fetched records from `offset` on, each as JSON text; those that would make the answer too large are left for the next
 * fetch. A batch may decompress to many times what an answer holds, and a single record too: it is BINARY if that makes it
 * small enough. Control batches are no records. Errors: 406 for a record that no JSON answer holds.
 */
export function recordList(fetched: Fetched, offset: number, formats: Formats, room = WHOLE_ANSWER): RecordList {
  const texts: string[] = [];
  let left = room.maxBytes;
  for (const { header, at } of batchHeaders(fetched.batches)) {
    if (header.isControl) continue;
    for (const record of decodeRecords(fetched.batches, at, header)) {
      if (record.offset < offset) continue;
      const text = textWithin(record, formats, left - room.each);
      if (text === undefined) {
        const isLeft = texts.length > 0 || room.mustFit;
        return isLeft ? { texts, nextOffset: record.offset } : alone(record, room.maxBytes - room.each);
      }
      left -= Buffer.byteLength(text) + room.each + 1;
      texts.push(text);
    }
  }
  return { texts, nextOffset: fetched.nextOffset };
}

/** A record that is too large as it was asked for, with nothing beside it. */
function alone(record: LogRecord, maxBytes: number): RecordList {
  const text = textWithin(record, BINARY, maxBytes);
  if (text === undefined) throw tooLargeForJson(record.offset);
  return { texts: [text], nextOffset: record.offset + 1 };
}

/** undefined: it takes more than that. A record of more bytes is not even tried: its text may be six times as large. */
function textWithin(record: LogRecord, formats: Formats, maxBytes: number): string | undefined {
  if ((record.key?.length ?? 0) + (record.value?.length ?? 0) > maxBytes) return undefined;
  const text = JSON.stringify(recordBody(record, formats));
  return Buffer.byteLength(text) <= maxBytes ? text : undefined;
}

function recordBody({ offset, timestamp, key, value, headers }: LogRecord, formats: Formats) {
  return {
    offset,
    timestamp,
    key: decodeData(key, formats.key),
    value: decodeData(value, formats.value),
    headers: headers.map((header) => ({
      name: header.key,
      value: header.value === null ? null : Buffer.from(header.value).toString("base64"),
    })),
  };
}

function tooLargeForJson(offset: number): HttpError {
  return new HttpError(
    406,
    406,
    `the record at offset ${offset} is too large for a JSON answer`,
    `ask with Accept: ${RECORD_BATCHES_TYPE}, or go on behind it: ?offset=${offset + 1}`,
  );
}
