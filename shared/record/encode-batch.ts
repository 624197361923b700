import { KafkaError } from "../kafka/kafka-error.ts";
import type { TimestampType } from "../kafka/timestamp-type.ts";
import {
  COMPRESSION_TYPES,
  type CompressionType,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
} from "./batch-header.ts";
import { compress } from "./compression.ts";
import { crc32c } from "./crc32c.ts";
import { writeInt16, writeInt32, writeInt64 } from "./int64.ts";
import {
  AT,
  CONTROL_BIT,
  CRC_FROM,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  TRANSACTIONAL_BIT,
} from "./layout.ts";
import type { ProducerRecord } from "./record.ts";
import { varintSize, writeVarint } from "./varint.ts";

export { RECORD_BATCH_OVERHEAD } from "./layout.ts";

export interface BatchOptions {
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
  readonly compressionType?: CompressionType;
  /** LogAppendTime gives all records the largest of their timestamps. */
  readonly timestampType?: TimestampType;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
}

/** Timestamps of one batch may lie this far apart: their deltas are zigzag varints, and those numbers of 53 bits here. */
const MAX_TIMESTAMP_DELTA = 2 ** 52 - 1;

/**
 * Makes one RecordBatch v2 of one or more records. What the options leave out is what a producer without idempotence
 * sends. Errors: INVALID_RECORD without a record, INVALID_TIMESTAMP where timestamps lie 2^52 ms or more apart.
 */
export function encodeBatch(records: readonly ProducerRecord[], options: BatchOptions = {}): Uint8Array {
  if (records.length === 0) throw new KafkaError("INVALID_RECORD", "a batch needs a record");
  const baseTimestamp = records[0]!.timestamp;
  const bodySizes = new Array<number>(records.length);
  let recordsSize = 0;
  let maxTimestamp = baseTimestamp;
  let minTimestamp = baseTimestamp;
  for (let index = 0; index < records.length; index++) {
    const record = records[index]!;
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp;
    if (record.timestamp < minTimestamp) minTimestamp = record.timestamp;
    const bodySize = recordBodySize(record, index, baseTimestamp);
    bodySizes[index] = bodySize;
    recordsSize += varintSize(bodySize) + bodySize;
  }
  if (maxTimestamp - minTimestamp > MAX_TIMESTAMP_DELTA) {
    throw new KafkaError("INVALID_TIMESTAMP", "the timestamps of a batch lie too far apart");
  }
  const compressionType = options.compressionType ?? "none";
  const bytes = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD + recordsSize);
  let at: number = RECORD_BATCH_OVERHEAD;
  for (let index = 0; index < records.length; index++) {
    const record = records[index]!;
    at = writeVarint(bytes, at, bodySizes[index]!);
    bytes[at++] = 0;
    at = writeVarint(bytes, at, record.timestamp - baseTimestamp);
    at = writeVarint(bytes, at, index);
    at = writeNullable(bytes, at, record.key);
    at = writeNullable(bytes, at, record.value);
    at = writeVarint(bytes, at, record.headers.length);
    for (const { key, value } of record.headers) {
      at = writeText(bytes, at, key);
      at = writeNullable(bytes, at, value);
    }
  }
  return finishBatch(bytes, records.length, baseTimestamp, maxTimestamp, compressionType, options);
}

/** Writes the header before the records that stand in `bytes`, compressing them first if that is asked for. */
function finishBatch(
  encoded: Buffer,
  recordCount: number,
  baseTimestamp: number,
  maxTimestamp: number,
  compressionType: CompressionType,
  options: BatchOptions,
): Uint8Array {
  const bytes =
    compressionType === "none"
      ? encoded
      : Buffer.concat([
          encoded.subarray(0, RECORD_BATCH_OVERHEAD),
          compress(compressionType, encoded.subarray(RECORD_BATCH_OVERHEAD)),
        ]);
  const attributes =
    COMPRESSION_TYPES.indexOf(compressionType) |
    (options.timestampType === "LogAppendTime" ? LOG_APPEND_TIME_BIT : 0) |
    (options.isTransactional ? TRANSACTIONAL_BIT : 0) |
    (options.isControl ? CONTROL_BIT : 0);
  writeInt64(bytes, AT.baseOffset, options.baseOffset ?? 0);
  writeInt32(bytes, AT.batchLength, bytes.length - LOG_OVERHEAD);
  writeInt32(bytes, AT.partitionLeaderEpoch, options.partitionLeaderEpoch ?? 0);
  bytes[AT.magic] = 2;
  writeInt16(bytes, AT.attributes, attributes);
  writeInt32(bytes, AT.lastOffsetDelta, recordCount - 1);
  writeInt64(bytes, AT.baseTimestamp, baseTimestamp);
  writeInt64(bytes, AT.maxTimestamp, maxTimestamp);
  writeInt64(bytes, AT.producerId, options.producerId ?? NO_PRODUCER_ID);
  writeInt16(bytes, AT.producerEpoch, options.producerEpoch ?? NO_PRODUCER_EPOCH);
  writeInt32(bytes, AT.baseSequence, options.baseSequence ?? NO_SEQUENCE);
  writeInt32(bytes, AT.recordCount, recordCount);
  writeInt32(bytes, AT.crc, crc32c(bytes, CRC_FROM));
  return bytes;
}

function recordBodySize(record: ProducerRecord, index: number, baseTimestamp: number): number {
  let size =
    1 +
    varintSize(record.timestamp - baseTimestamp) +
    varintSize(index) +
    nullableSize(record.key) +
    nullableSize(record.value) +
    varintSize(record.headers.length);
  for (const { key, value } of record.headers) {
    const keyBytes = textBytes(key);
    size += varintSize(keyBytes) + keyBytes + nullableSize(value);
  }
  return size;
}

function nullableSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

function writeNullable(bytes: Uint8Array, at: number, value: Uint8Array | null): number {
  if (value === null) {
    bytes[at] = 1;
    return at + 1;
  }
  const start = writeVarint(bytes, at, value.length);
  bytes.set(value, start);
  return start + value.length;
}

/** Bytes of the text as UTF-8. Header keys are short and nearly always ASCII: a loop is faster than to ask the runtime. */
function textBytes(text: string): number {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) >= 0x80) return Buffer.byteLength(text);
  }
  return text.length;
}

function writeText(bytes: Buffer, at: number, text: string): number {
  const length = textBytes(text);
  const start = writeVarint(bytes, at, length);
  if (length !== text.length) return start + bytes.write(text, start);
  for (let index = 0; index < length; index++) bytes[start + index] = text.charCodeAt(index);
  return start + length;
}
