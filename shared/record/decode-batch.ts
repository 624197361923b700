import type { BatchHeader } from "./batch-header.ts";
import type { LogRecord } from "./record.ts";
import { RecordReader } from "./record-reader.ts";

export interface DecodeLimits {
  /** Bytes that the records may take once decompressed; 64 MiB unless told. */
  readonly maxDecompressedBytes?: number;
}

/**
 * The records of the batch at `at`. Keys, values and header values are views into `bytes` where it is not compressed.
 * Errors: CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE; time and memory stay within the limits.
 */
export function decodeRecords(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  limits: DecodeLimits = {},
): LogRecord[] {
  const reader = new RecordReader(bytes, at, header, limits.maxDecompressedBytes);
  const records = new Array<LogRecord>(header.recordCount);
  for (let index = 0; reader.next(); index++) records[index] = reader.record();
  return records;
}
