import type { BatchHeader } from "./batch-header.ts";
import { compress } from "./compression.ts";
import { crc32c } from "./crc32c.ts";
import { readInt16, readInt64, writeInt16, writeInt32, writeInt64 } from "./int64.ts";
import { AT, COMPRESSION_MASK, CRC_FROM, DELETE_HORIZON_BIT, LOG_OVERHEAD, RECORD_BATCH_OVERHEAD } from "./layout.ts";
import { RecordReader } from "./record-reader.ts";

/** Timestamps this far from the delete horizon have no delta that our varints hold. */
const MAX_TIMESTAMP_DELTA = 2 ** 52 - 1;

/** Until when the tombstones of the batch at `at` are kept, in milliseconds since the epoch; undefined: that was not set yet. */
export function deleteHorizonOf(bytes: Uint8Array, at: number): number | undefined {
  const isSet = (readInt16(bytes, at + AT.attributes) & DELETE_HORIZON_BIT) !== 0;
  return isSet ? readInt64(bytes, at + AT.baseTimestamp) : undefined;
}

/**
 * The batch at `at` with those of its records that `keeps` says (it sees a reader that stands on the record): a view of the
 * batch itself if nothing changes, undefined if no record is left. As Kafka's MemoryRecords.filterTo: records keep their
 * offsets, the batch its base and last offset, producer, sequence and compression. If a record without value stays in a batch that has
 * no delete horizon, it is set to `deleteHorizonMs` (KIP-534): it takes the place of the base timestamp.
 * Errors: CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, as reading records has them.
 */
export function filterBatch(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  keeps: (reader: RecordReader) => boolean,
  deleteHorizonMs: number,
): Uint8Array | undefined {
  const kept: Uint8Array[] = [];
  const keptOffsets = new Set<number>();
  let hasTombstone = false;
  let canRebase = true;
  let maxTimestamp = header.maxTimestamp;
  const reader = new RecordReader(bytes, at, header);
  while (reader.next()) {
    if (!keeps(reader)) continue;
    const isFirst = kept.length === 0;
    if (header.timestampType === "CreateTime") {
      maxTimestamp = isFirst ? reader.timestamp : Math.max(maxTimestamp, reader.timestamp);
    }
    hasTombstone ||= !reader.hasValue;
    canRebase &&= Math.abs(reader.timestamp - deleteHorizonMs) <= MAX_TIMESTAMP_DELTA;
    keptOffsets.add(reader.offset);
    kept.push(reader.encoded());
  }
  if (kept.length === 0) return undefined;
  const setsHorizon = hasTombstone && canRebase && deleteHorizonOf(bytes, at) === undefined;
  if (kept.length === header.recordCount && !setsHorizon) return bytes.subarray(at, at + header.sizeInBytes);
  if (!setsHorizon) return rebuild(bytes, at, header, kept, maxTimestamp);
  const rebased: Uint8Array[] = [];
  const again = new RecordReader(bytes, at, header);
  while (again.next()) if (keptOffsets.has(again.offset)) rebased.push(again.encodedFor(deleteHorizonMs));
  return rebuild(bytes, at, header, rebased, maxTimestamp, deleteHorizonMs);
}

/** The batch at `at` without its records: it still tells of its offsets, its producer and its sequence (as Kafka's writeEmptyHeader). */
export function emptyBatch(bytes: Uint8Array, at: number, header: BatchHeader): Uint8Array {
  // A copy: slice would be a view where the bytes are a Buffer.
  const batch = new Uint8Array(bytes.subarray(at, at + RECORD_BATCH_OVERHEAD));
  const attributes = readInt16(batch, AT.attributes) & ~(COMPRESSION_MASK | DELETE_HORIZON_BIT);
  writeInt16(batch, AT.attributes, attributes);
  writeInt64(batch, AT.baseTimestamp, -1);
  writeInt64(batch, AT.maxTimestamp, header.maxTimestamp);
  return finish(batch, 0);
}

function rebuild(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  records: readonly Uint8Array[],
  maxTimestamp: number,
  deleteHorizonMs?: number,
): Uint8Array {
  const head = bytes.subarray(at, at + RECORD_BATCH_OVERHEAD);
  const batch = Buffer.concat([head, compress(header.compressionType, Buffer.concat(records))]);
  writeInt64(batch, AT.maxTimestamp, maxTimestamp);
  if (deleteHorizonMs !== undefined) {
    writeInt16(batch, AT.attributes, readInt16(batch, AT.attributes) | DELETE_HORIZON_BIT);
    writeInt64(batch, AT.baseTimestamp, deleteHorizonMs);
  }
  return finish(batch, records.length);
}

function finish(batch: Uint8Array, recordCount: number): Uint8Array {
  writeInt32(batch, AT.batchLength, batch.length - LOG_OVERHEAD);
  writeInt32(batch, AT.recordCount, recordCount);
  writeInt32(batch, AT.crc, crc32c(batch, CRC_FROM));
  return batch;
}
