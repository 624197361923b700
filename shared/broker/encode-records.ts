import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import type { TopicConfigValues } from "../kafka/topic-config-values.ts";
import type { AppendRequest } from "../log/append.ts";
import { encodeBatch, RECORD_BATCH_OVERHEAD } from "../record/encode-batch.ts";
import { stampLogAppendTime } from "../record/patch-batch.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import type { ProducerRecord } from "../record/record.ts";
import type { RecordToProduce } from "./assign-partitions.ts";

/** An idempotent producer, and the sequence of the first record it sends. */
export interface ProducerSequence {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/** Bytes of a record before its key, value and headers, at most: seven varints and the attributes. */
const RECORD_OVERHEAD_BYTES = 36;

/** Why the topic does not take this record; undefined if it does. Bounds as in Kafka's LogValidator. */
export function recordRefusal(record: RecordToProduce, config: TopicConfigValues, now: number): Refusal | undefined {
  if (estimateBytes(record) + RECORD_BATCH_OVERHEAD > config.maxMessageBytes) {
    return refuse(
      "MESSAGE_TOO_LARGE",
      `a record of about ${estimateBytes(record)} bytes is larger than max.message.bytes (${config.maxMessageBytes})`,
      "send smaller records, or raise the topic's max.message.bytes",
    );
  }
  if (config.isCompacted && record.key === null) {
    return refuse("INVALID_RECORD", "a compacted topic takes no record without a key", "give the record a key");
  }
  if (record.timestamp !== undefined && config.messageTimestampType === "CreateTime") {
    const isTooOld = now - record.timestamp > config.timestampBeforeMaxMs;
    const isTooNew = record.timestamp - now > config.timestampAfterMaxMs;
    if (isTooOld || isTooNew || record.timestamp < 0) {
      return refuse(
        "INVALID_TIMESTAMP",
        `timestamp ${record.timestamp} is out of bounds`,
        "see message.timestamp.before.max.ms and message.timestamp.after.max.ms of the topic",
      );
    }
  }
  return undefined;
}

/** The records as RecordBatches, none above max.message.bytes, ready to be appended together. */
export function encodeRecords(
  records: readonly RecordToProduce[],
  config: TopicConfigValues,
  now: number,
  options: { readonly producer?: ProducerSequence; readonly expectedOffset?: number },
): Result<AppendRequest> {
  const runs = splitRuns(records, config.maxMessageBytes);
  if (options.producer !== undefined && runs.length > 1) {
    return refused(
      "MESSAGE_TOO_LARGE",
      "an idempotent producer's records must fit into one batch of max.message.bytes",
      "send fewer records at a time",
    );
  }
  const { compressionType: wanted } = config;
  const compressionType = wanted === "producer" || wanted === "uncompressed" ? "none" : wanted;
  const encoded = runs.map((run) =>
    encodeBatch(
      run.map((record): ProducerRecord => ({ ...record, timestamp: record.timestamp ?? now })),
      { compressionType, ...options.producer },
    ),
  );
  const batches = encoded.length === 1 ? encoded[0]! : Buffer.concat(encoded);
  if (config.messageTimestampType === "LogAppendTime") {
    for (const { at } of batchHeaders(batches)) stampLogAppendTime(batches, at, now);
  }
  const headers = batchHeaders(batches);
  const { expectedOffset } = options;
  return ok(expectedOffset === undefined ? { batches, headers } : { batches, headers, expectedOffset });
}

function estimateBytes(record: RecordToProduce): number {
  let bytes = RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const { key, value } of record.headers) bytes += 10 + Buffer.byteLength(key) + (value?.length ?? 0);
  return bytes;
}

function splitRuns(records: readonly RecordToProduce[], maxMessageBytes: number): RecordToProduce[][] {
  const runs: RecordToProduce[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const record of records) {
    const recordBytes = estimateBytes(record);
    if (bytes + recordBytes > maxMessageBytes) {
      runs.push([]);
      bytes = RECORD_BATCH_OVERHEAD;
    }
    runs.at(-1)!.push(record);
    bytes += recordBytes;
  }
  return runs;
}
