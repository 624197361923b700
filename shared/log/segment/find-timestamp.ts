import { decodeRecords } from "../../record/decode-batch.ts";
import { batchHeaders } from "../../record/read-batch-header.ts";
import type { LogRecord } from "../../record/record.ts";

/**
 * The first record at or after `timestamp` (milliseconds since the epoch) with an offset >= `fromOffset` in whole batches;
 * undefined: none. Control records are nobody's. Errors: as decodeRecords.
 */
export function findTimestamp(batches: Uint8Array, timestamp: number, fromOffset: number): LogRecord | undefined {
  for (const { header, at } of batchHeaders(batches)) {
    if (header.maxTimestamp < timestamp || header.lastOffset < fromOffset || header.isControl) continue;
    const records = decodeRecords(batches, at, header);
    const found = records.find((record) => record.timestamp >= timestamp && record.offset >= fromOffset);
    if (found !== undefined) return found;
  }
  return undefined;
}
