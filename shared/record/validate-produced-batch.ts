import { KafkaError } from "../kafka/kafka-error.ts";
import { type BatchHeader, NO_PRODUCER_ID, NO_TIMESTAMP } from "./batch-header.ts";
import { RECORD_BATCH_OVERHEAD } from "./layout.ts";
import { hasDependentBlocks } from "./lz4-frame.ts";
import { verifyCrc } from "./read-batch-header.ts";
import { RecordReader } from "./record-reader.ts";

/** What a topic demands of a batch. Times in milliseconds. */
export interface BatchRules {
  readonly maxMessageBytes: number;
  /** What the batch's records may decompress to, at most; whatever is less of it and a hundredfold of maxMessageBytes. */
  readonly maxDecompressedBytes: number;
  /** Every record needs a key. */
  readonly compacted: boolean;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** LogAppendTime topics overwrite timestamps, so they judge none. */
  readonly judgesTimestamps: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What was found out about a batch. */
export interface ValidatedBatch {
  /** The largest timestamp of its records: where the header says another, it must be corrected, as Kafka does. */
  readonly maxTimestamp: number;
  /** Bytes that its records took once decompressed; 0 if they were not compressed. */
  readonly decompressedBytes: number;
}

/**
 * Checks a batch that a producer sent, as Kafka's LogValidator does, its records included.
 * Errors: CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, MESSAGE_TOO_LARGE, INVALID_REQUEST for a transactional one.
 */
export function validateProducedBatch(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  rules: BatchRules,
): ValidatedBatch {
  if (header.sizeInBytes > rules.maxMessageBytes) {
    throw new KafkaError(
      "MESSAGE_TOO_LARGE",
      `a batch of ${header.sizeInBytes} bytes is larger than max.message.bytes (${rules.maxMessageBytes})`,
      { hint: "send smaller batches, or raise the topic's max.message.bytes" },
    );
  }
  verifyCrc(bytes, at, header);
  validateHeader(header);
  if (header.compressionType === "lz4" && hasDependentBlocks(bytes.subarray(at + RECORD_BATCH_OVERHEAD))) {
    throw new KafkaError("CORRUPT_MESSAGE", "the lz4 frame's blocks depend on each other", {
      hint: "write independent blocks: Kafka's Java client reads no others",
    });
  }
  const reader = new RecordReader(bytes, at, header, maxDecompressed(rules));
  let maxTimestamp = NO_TIMESTAMP;
  for (let index = 0; reader.next(); index++) {
    if (reader.offset !== header.baseOffset + index) throw invalid(`record ${index} is not at offset delta ${index}`);
    if (rules.compacted && !reader.hasKey) throw invalid("a compacted topic takes no record without a key");
    maxTimestamp = Math.max(maxTimestamp, reader.timestamp);
    if (rules.judgesTimestamps) validateTimestamp(reader.timestamp, rules);
  }
  return { maxTimestamp, decompressedBytes: reader.decompressedBytes };
}

function validateHeader(header: BatchHeader): void {
  const span = header.lastOffset - header.baseOffset + 1;
  if (header.recordCount === 0) throw invalid("a batch needs a record");
  if (header.recordCount !== span) throw invalid(`${header.recordCount} records claim ${span} offsets`);
  if (header.isControl) throw invalid("clients may not write control batches");
  if (header.timestampType === "LogAppendTime") throw invalid("clients may not set LogAppendTime");
  if (header.isTransactional) {
    throw new KafkaError("INVALID_REQUEST", "transactional batches are not supported", {
      hint: "produce without transactions; idempotence works",
    });
  }
  if (header.producerId === NO_PRODUCER_ID) return;
  if (header.producerId < 0 || header.producerEpoch < 0 || header.baseSequence < 0) {
    throw invalid("an idempotent batch needs a producerId, a producerEpoch and a baseSequence of 0 or more");
  }
}

function validateTimestamp(timestamp: number, rules: BatchRules): void {
  if (timestamp === NO_TIMESTAMP) return;
  const isTooOld = rules.now - timestamp > rules.timestampBeforeMaxMs;
  const isTooNew = timestamp - rules.now > rules.timestampAfterMaxMs;
  if (!isTooOld && !isTooNew) return;
  throw new KafkaError("INVALID_TIMESTAMP", `timestamp ${timestamp} is out of bounds`, {
    hint: "see message.timestamp.before.max.ms and message.timestamp.after.max.ms of the topic",
  });
}

/** Bytes of records that a batch within max.message.bytes may hold: a hundredfold is compression, more is a bomb. */
function maxDecompressed({ maxMessageBytes, maxDecompressedBytes }: BatchRules): number {
  return Math.min(maxDecompressedBytes, Math.max(1024 * 1024, 100 * maxMessageBytes));
}

function invalid(message: string): KafkaError {
  return new KafkaError("INVALID_RECORD", message);
}
