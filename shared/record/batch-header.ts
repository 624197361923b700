import type { TimestampType } from "../kafka/timestamp-type.ts";

/** RecordBatch compression types by their number in the attributes (bits 0 to 2). */
export const COMPRESSION_TYPES = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type CompressionType = (typeof COMPRESSION_TYPES)[number];

/** Values that stand for "none" in a batch header. */
export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_TIMESTAMP = -1;

/**
 * The 61 bytes before the records of a RecordBatch v2, decoded.
 * Layout: https://kafka.apache.org/documentation/#recordbatch
 */
export interface BatchHeader {
  /** First offset. */
  readonly baseOffset: number;
  /** baseOffset + lastOffsetDelta. */
  readonly lastOffset: number;
  /** Bytes of the whole batch, its first 12 included. */
  readonly sizeInBytes: number;
  readonly partitionLeaderEpoch: number;
  readonly crc: number;
  readonly compressionType: CompressionType;
  readonly timestampType: TimestampType;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** Milliseconds since the epoch. */
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Sequence of the first record, or NO_SEQUENCE. */
  readonly baseSequence: number;
  /** Sequence of the last record (wraps at 2^31), or NO_SEQUENCE. */
  readonly lastSequence: number;
  readonly recordCount: number;
}

export type { TimestampType } from "../kafka/timestamp-type.ts";
