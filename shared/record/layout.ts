/**
 * Where the fields of a RecordBatch v2 begin, in bytes.
 * Source: https://kafka.apache.org/documentation/#recordbatch
 */
export const AT = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const;

/** Bytes of a batch before its records. */
export const RECORD_BATCH_OVERHEAD = AT.records;

/** Bytes that batchLength does not count. */
export const LOG_OVERHEAD = 12;

/** The CRC covers everything from here on: baseOffset and partitionLeaderEpoch may change without it. */
export const CRC_FROM = AT.attributes;

export const COMPRESSION_MASK = 0x07;
export const LOG_APPEND_TIME_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;
/** The base timestamp is a delete horizon (KIP-534). */
export const DELETE_HORIZON_BIT = 0x40;
