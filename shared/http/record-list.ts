import type { Fetched } from "../broker/fetch.ts";
import { decodeRecords } from "../record/decode-batch.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import type { LogRecord } from "../record/record.ts";
import { HttpError } from "./http-error.ts";
import { RECORD_BATCHES_TYPE } from "./http-message.ts";
import { type DataType, decodeData } from "./record-data.ts";

/**
 * Bytes of records in one answer: the 6 MB that Lambda may answer with, less room for the rest of it.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const MAX_RECORD_LIST_BYTES = 6 * 1024 * 1024 - 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export interface Formats {
  readonly key?: DataType | undefined;
  readonly value?: DataType | undefined;
}

/**
 * The fetched records from `offset` on, each as JSON text; those that would make the answer too large are left for the
 * next fetch. Control batches are no records. Errors: 406 for one record that is too large by itself.
 */
export function recordList(
  fetched: Fetched,
  offset: number,
  formats: Formats,
): { readonly texts: readonly string[]; readonly nextOffset: number } {
  const texts: string[] = [];
  let left = MAX_RECORD_LIST_BYTES;
  for (const { header, at } of batchHeaders(fetched.batches)) {
    if (header.isControl) continue;
    for (const record of decodeRecords(fetched.batches, at, header)) {
      if (record.offset < offset) continue;
      const text = JSON.stringify(recordBody(record, formats));
      left -= sizeInAnswer(text) + 1;
      if (left < 0 && texts.length === 0) throw tooLargeForJson(record.offset);
      if (left < 0) return { texts, nextOffset: record.offset };
      texts.push(text);
    }
  }
  return { texts, nextOffset: fetched.nextOffset };
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

/** Bytes of a text within Lambda's answer, where the body is a JSON string again: quotes and backslashes take two. */
function sizeInAnswer(text: string): number {
  let escapes = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE || char === BACKSLASH) escapes++;
  }
  return Buffer.byteLength(text) + escapes;
}

function tooLargeForJson(offset: number): HttpError {
  return new HttpError(
    406,
    406,
    `the record at offset ${offset} is too large for a JSON answer`,
    `ask with Accept: ${RECORD_BATCHES_TYPE}`,
  );
}
