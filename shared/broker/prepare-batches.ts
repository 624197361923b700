import { KafkaError } from "../kafka/kafka-error.ts";
import { MAX_REQUEST_BYTES } from "../kafka/limits.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import type { TopicConfigValues } from "../kafka/topic-config-values.ts";
import type { AppendRequest } from "../log/append.ts";
import { type CompressionType, NO_PRODUCER_ID } from "../record/batch-header.ts";
import { MAX_DECOMPRESSED_BYTES } from "../record/decompression-limit.ts";
import { setMaxTimestamp, stampLogAppendTime } from "../record/patch-batch.ts";
import { batchHeaders, type PlacedHeader } from "../record/read-batch-header.ts";
import { recompress } from "../record/recompress.ts";
import { validateProducedBatch } from "../record/validate-produced-batch.ts";

export interface PreparedBatches {
  readonly append: AppendRequest;
  /** Milliseconds since the epoch; -1 unless the topic stamps its records. */
  readonly logAppendTime: number;
}

interface Given {
  readonly batches: Uint8Array;
  readonly expectedOffset?: number;
}

/**
 * Validates batches as Kafka's LogValidator does, and gives them the topic's compression and timestamp type. What is sent
 * together may decompress to MAX_DECOMPRESSED_BYTES together: many small bombs are a large one.
 */
export function prepareBatches(request: Given, config: TopicConfigValues, now: number): Result<PreparedBatches> {
  try {
    const given = batchHeaders(request.batches);
    if (given.length === 0) return refused("INVALID_RECORD", "no RecordBatch was sent");
    if (given.length > 1 && given.some(({ header }) => header.producerId !== NO_PRODUCER_ID)) {
      return refused("INVALID_RECORD", "an idempotent producer sends one batch per partition at a time");
    }
    const maxTimestamps = validate(request.batches, given, config, now);
    const target = targetCompression(config.compressionType);
    const isStamped = config.messageTimestampType === "LogAppendTime";
    const isKept = given.every(
      ({ header }, index) =>
        (target === undefined || header.compressionType === target) && header.maxTimestamp === maxTimestamps[index],
    );
    if (isKept && !isStamped) return ok({ append: appendOf(request, request.batches, given), logAppendTime: -1 });
    const batches = inCompression(request.batches, given, target, config.maxMessageBytes);
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

/** The largest timestamp of each batch. */
function validate(bytes: Uint8Array, given: readonly PlacedHeader[], config: TopicConfigValues, now: number): number[] {
  let left = MAX_DECOMPRESSED_BYTES;
  return given.map(({ header, at }) => {
    const { maxTimestamp, decompressedBytes } = validateProducedBatch(bytes, at, header, {
      maxMessageBytes: config.maxMessageBytes,
      maxDecompressedBytes: Math.max(1, left),
      compacted: config.isCompacted,
      timestampBeforeMaxMs: config.timestampBeforeMaxMs,
      timestampAfterMaxMs: config.timestampAfterMaxMs,
      judgesTimestamps: config.messageTimestampType === "CreateTime",
      now,
    });
    left -= decompressedBytes;
    return maxTimestamp;
  });
}

/** A copy of the batches in the topic's compression. Errors: MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE for what grew by it. */
function inCompression(
  bytes: Uint8Array,
  given: readonly PlacedHeader[],
  target: CompressionType | undefined,
  maxMessageBytes: number,
): Uint8Array {
  let sizeInBytes = 0;
  const batches = given.map(({ header, at }) => {
    const isKept = target === undefined || header.compressionType === target;
    const batch = isKept ? bytes.subarray(at, at + header.sizeInBytes) : recompress(bytes, at, header, target);
    sizeInBytes += batch.length;
    if (batch.length > maxMessageBytes || sizeInBytes > MAX_REQUEST_BYTES) {
      const what = batch.length > maxMessageBytes ? "MESSAGE_TOO_LARGE" : "RECORD_LIST_TOO_LARGE";
      throw new KafkaError(what, `in the topic's compression the batches are too large (${sizeInBytes} bytes)`, {
        hint: "send smaller batches, or raise max.message.bytes, or change the topic's compression.type",
      });
    }
    return batch;
  });
  return Buffer.concat(batches);
}

/** The compression that the topic wants; undefined: the producer's is kept. */
function targetCompression(compressionType: TopicConfigValues["compressionType"]): CompressionType | undefined {
  if (compressionType === "producer") return undefined;
  return compressionType === "uncompressed" ? "none" : compressionType;
}

function appendOf({ expectedOffset }: Given, batches: Uint8Array, headers: AppendRequest["headers"]): AppendRequest {
  return expectedOffset === undefined ? { batches, headers } : { batches, headers, expectedOffset };
}
