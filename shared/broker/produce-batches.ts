import { KafkaError } from "../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import type { AppendRequest } from "../log/append.ts";
import { type CompressionType, NO_PRODUCER_ID } from "../record/batch-header.ts";
import { setMaxTimestamp, stampLogAppendTime } from "../record/patch-batch.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import { recompress } from "../record/recompress.ts";
import { type BatchRules, validateProducedBatch } from "../record/validate-produced-batch.ts";
import { type Acks, appendToPartition, type ProduceRefusal } from "./append-to-partition.ts";
import type { Broker } from "./broker.ts";
import { locatePartition } from "./locate-partition.ts";
import type { CachedTopic } from "./topic-cache.ts";

export interface ProduceBatchesRequest {
  readonly topic: string;
  readonly partition: number;
  /** One or more whole RecordBatches v2; appended together or not at all. An idempotent producer's stands alone. */
  readonly batches: Uint8Array;
  readonly acks: Acks;
  readonly timeoutMs: number;
  /** Append only if logEndOffset is this. */
  readonly expectedOffset?: number;
}

export interface ProducedBatches {
  readonly partition: number;
  /** -1 with acks=0. */
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Milliseconds since the epoch; -1 unless message.timestamp.type is LogAppendTime. */
  readonly logAppendTime: number;
  readonly logStartOffset: number;
  /** The batch was in the log already, at these offsets. */
  readonly isDuplicate: boolean;
}

/** Produces RecordBatches as they are, compression kept: Kafka's Produce for one partition. */
export async function produceBatches(
  broker: Broker,
  request: ProduceBatchesRequest,
): Promise<Result<ProducedBatches, ProduceRefusal>> {
  const deadline = broker.clock.now() + request.timeoutMs;
  // Once more if the topic turns out to be deleted: it may have been created anew under its name.
  for (let attempt = 1; attempt <= 2; attempt++) {
    const located = await locatePartition(broker, request.topic, request.partition);
    if (!located.ok) return located;
    const { topic, registration } = located.value;
    const prepared = prepare(request, topic, broker.clock.now());
    if (!prepared.ok) return prepared;
    const terms = { acks: request.acks, deadline, yieldsOnConflict: false };
    const appended = await appendToPartition(broker, located.value, prepared.value.append, terms);
    if (!appended.ok) return appended;
    if (appended.value.kind === "appended") {
      const { baseOffset, lastOffset, isDuplicate } = appended.value;
      const { partition, logStartOffset } = registration;
      const { logAppendTime } = prepared.value;
      return ok({ partition, baseOffset, lastOffset, logAppendTime, logStartOffset, isDuplicate });
    }
    broker.topics.invalidate(request.topic);
  }
  return refused("UNKNOWN_TOPIC_OR_PARTITION", `topic ${JSON.stringify(request.topic)} was deleted`);
}

interface Prepared {
  readonly append: AppendRequest;
  readonly logAppendTime: number;
}

/** Validates the batches as Kafka's LogValidator does, and gives them the topic's compression and timestamp type. */
function prepare(request: ProduceBatchesRequest, topic: CachedTopic, now: number): Result<Prepared> {
  const { config } = topic;
  try {
    const given = batchHeaders(request.batches);
    if (given.length === 0) return refused("INVALID_RECORD", "no RecordBatch was sent");
    if (given.length > 1 && given.some(({ header }) => header.producerId !== NO_PRODUCER_ID)) {
      return refused("INVALID_RECORD", "an idempotent producer sends one batch per partition at a time");
    }
    const isStamped = config.messageTimestampType === "LogAppendTime";
    const rules: BatchRules = {
      maxMessageBytes: config.maxMessageBytes,
      compacted: config.isCompacted,
      timestampBeforeMaxMs: config.timestampBeforeMaxMs,
      timestampAfterMaxMs: config.timestampAfterMaxMs,
      judgesTimestamps: !isStamped,
      now,
    };
    const maxTimestamps = given.map(({ header, at }) => validateProducedBatch(request.batches, at, header, rules));
    const target = targetCompression(config.compressionType);
    const isKept = given.every(
      ({ header }, index) =>
        (target === undefined || header.compressionType === target) && header.maxTimestamp === maxTimestamps[index],
    );
    if (isKept && !isStamped) return ok({ append: appendOf(request, request.batches, given), logAppendTime: -1 });
    const batches = Buffer.concat(
      given.map(({ header, at }) =>
        target === undefined || header.compressionType === target
          ? request.batches.subarray(at, at + header.sizeInBytes)
          : recompress(request.batches, at, header, target),
      ),
    );
    for (const [index, { at }] of batchHeaders(batches).entries()) {
      if (isStamped) stampLogAppendTime(batches, at, now);
      else setMaxTimestamp(batches, at, maxTimestamps[index]!);
    }
    return ok({ append: appendOf(request, batches, batchHeaders(batches)), logAppendTime: isStamped ? now : -1 });
  } catch (error) {
    if (error instanceof KafkaError) return { ok: false, refusal: error };
    throw error;
  }
}

/** The compression that the topic wants; undefined: the producer's is kept. */
function targetCompression(compressionType: string): CompressionType | undefined {
  if (compressionType === "producer") return undefined;
  return compressionType === "uncompressed" ? "none" : (compressionType as CompressionType);
}

function appendOf(
  { expectedOffset }: ProduceBatchesRequest,
  batches: Uint8Array,
  headers: AppendRequest["headers"],
): AppendRequest {
  return expectedOffset === undefined ? { batches, headers } : { batches, headers, expectedOffset };
}
