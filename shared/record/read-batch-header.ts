import { KafkaError } from "../kafka/kafka-error.ts";
import { type BatchHeader, COMPRESSION_TYPES, NO_SEQUENCE } from "./batch-header.ts";
import { crc32c } from "./crc32c.ts";
import { readInt16, readInt32, readInt64, readUint32 } from "./int64.ts";
import {
  AT,
  COMPRESSION_MASK,
  CONTROL_BIT,
  CRC_FROM,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  TRANSACTIONAL_BIT,
} from "./layout.ts";

const SEQUENCES = 2 ** 31;

/**
 * Reads the header of the RecordBatch that begins at `at`. Its CRC is not checked: see verifyCrc.
 * Errors: CORRUPT_MESSAGE where lengths lie or the format is older than v2; UNSUPPORTED_COMPRESSION_TYPE.
 */
export function readBatchHeader(bytes: Uint8Array, at = 0): BatchHeader {
  const remaining = bytes.length - at;
  if (remaining < LOG_OVERHEAD) throw corrupt(`${remaining} bytes are no RecordBatch`);
  const sizeInBytes = readInt32(bytes, at + AT.batchLength) + LOG_OVERHEAD;
  if (sizeInBytes < RECORD_BATCH_OVERHEAD || sizeInBytes > remaining) {
    throw corrupt(`a batch claims ${sizeInBytes} bytes where ${remaining} are`);
  }
  if (bytes[at + AT.magic] !== 2) throw corrupt(`magic ${bytes[at + AT.magic]} is not 2`);
  const attributes = readInt16(bytes, at + AT.attributes);
  const compressionType = COMPRESSION_TYPES[attributes & COMPRESSION_MASK];
  if (compressionType === undefined) {
    throw new KafkaError(
      "UNSUPPORTED_COMPRESSION_TYPE",
      `compression type ${attributes & COMPRESSION_MASK} is unknown`,
    );
  }
  const baseOffset = readInt64(bytes, at + AT.baseOffset);
  const lastOffsetDelta = readInt32(bytes, at + AT.lastOffsetDelta);
  const recordCount = readInt32(bytes, at + AT.recordCount);
  const lastOffset = baseOffset + lastOffsetDelta;
  if (baseOffset < 0 || lastOffsetDelta < 0 || recordCount < 0) throw corrupt("an offset or a count is negative");
  if (!Number.isSafeInteger(lastOffset)) throw corrupt("an offset is beyond 2^53");
  const baseSequence = readInt32(bytes, at + AT.baseSequence);
  return {
    baseOffset,
    lastOffset,
    sizeInBytes,
    partitionLeaderEpoch: readInt32(bytes, at + AT.partitionLeaderEpoch),
    crc: readUint32(bytes, at + AT.crc),
    compressionType,
    timestampType: attributes & LOG_APPEND_TIME_BIT ? "LogAppendTime" : "CreateTime",
    isTransactional: (attributes & TRANSACTIONAL_BIT) !== 0,
    isControl: (attributes & CONTROL_BIT) !== 0,
    baseTimestamp: readInt64(bytes, at + AT.baseTimestamp),
    maxTimestamp: readInt64(bytes, at + AT.maxTimestamp),
    producerId: readInt64(bytes, at + AT.producerId),
    producerEpoch: readInt16(bytes, at + AT.producerEpoch),
    baseSequence,
    lastSequence: baseSequence < 0 ? NO_SEQUENCE : (baseSequence + lastOffsetDelta) % SEQUENCES,
    recordCount,
  };
}

/** A batch's header, and where the batch begins. */
export interface PlacedHeader {
  readonly header: BatchHeader;
  readonly at: number;
}

/** The headers of the batches that fill `bytes`: one per 61 bytes at most. Errors: as readBatchHeader, and CORRUPT_MESSAGE for bytes left over. */
export function batchHeaders(bytes: Uint8Array): PlacedHeader[] {
  const headers: PlacedHeader[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = readBatchHeader(bytes, at);
    headers.push({ header, at });
    at += header.sizeInBytes;
  }
  return headers;
}

/** Errors: CORRUPT_MESSAGE if the batch's bytes do not have the CRC that its header says. */
export function verifyCrc(bytes: Uint8Array, at: number, header: BatchHeader): void {
  const actual = crc32c(bytes, at + CRC_FROM, at + header.sizeInBytes);
  if (actual !== header.crc) throw corrupt(`CRC-32C is ${actual}, the batch says ${header.crc}`);
}

function corrupt(message: string): KafkaError {
  return new KafkaError("CORRUPT_MESSAGE", message, { hint: "send whole RecordBatches v2 (magic 2)" });
}
