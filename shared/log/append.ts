import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { type BatchHeader, NO_PRODUCER_ID } from "../record/batch-header.ts";
import type { ProducerBatch } from "./log-item.ts";
import type { LogState } from "./log-state.ts";
import { foldProducerBatches } from "./producer-state.ts";
import { judgeSequence } from "./sequence.ts";

/** One producer's batches for one partition: appended together or not at all. */
export interface AppendRequest {
  /** One or more whole RecordBatches, validated; their baseOffsets do not matter yet. An idempotent one stands alone. */
  readonly batches: Uint8Array;
  /** The headers of `batches` and where each begins. */
  readonly headers: readonly { readonly header: BatchHeader; readonly at: number }[];
  /** Append only if logEndOffset is this. */
  readonly expectedOffset?: number;
}

/** What becomes of one request if the planned item is written. */
export type AppendVerdict =
  | { readonly kind: "append"; readonly baseOffset: number; readonly lastOffset: number }
  | { readonly kind: "duplicate"; readonly baseOffset: number; readonly lastOffset: number }
  /** `isFinal`: a fresher view of the log could not change it. */
  | { readonly kind: "refused"; readonly refusal: Refusal & { logEndOffset?: number }; readonly isFinal: boolean };

export interface AppendPlan {
  /** One verdict per request, in order. */
  readonly verdicts: readonly AppendVerdict[];
  /** logEndOffset once the appended requests are written. */
  readonly logEndOffset: number;
  readonly recordCount: number;
  /** Milliseconds since the epoch. */
  readonly maxTimestamp: number;
  /** The idempotent batches among the appended ones, at their final offsets. */
  readonly producerBatches: readonly ProducerBatch[];
}

/**
 * Decides a group of appends against one view of the log, in order: each sees what the ones before it would append.
 * Pure; whether it comes true is decided by the conditional put.
 */
export function planAppend(state: LogState, requests: readonly AppendRequest[]): AppendPlan {
  let { logEndOffset, producers } = state;
  let recordCount = 0;
  let maxTimestamp = -1;
  const producerBatches: ProducerBatch[] = [];
  const verdicts = requests.map((request): AppendVerdict => {
    const first = request.headers[0]!.header;
    const sequence = judgeSequence(producers, first);
    if (sequence.kind === "duplicate") {
      return { kind: "duplicate", baseOffset: sequence.batch.baseOffset, lastOffset: sequence.batch.lastOffset };
    }
    if (sequence.kind === "refused") return sequence;
    if (request.expectedOffset !== undefined && request.expectedOffset !== logEndOffset) {
      return unexpectedOffset(request.expectedOffset, logEndOffset);
    }
    const baseOffset = logEndOffset;
    for (const { header } of request.headers) {
      const lastOffset = logEndOffset + (header.lastOffset - header.baseOffset);
      if (header.producerId !== NO_PRODUCER_ID) {
        const batch = producerBatch(header, logEndOffset, lastOffset);
        producerBatches.push(batch);
        producers = foldProducerBatches(producers, [batch]);
      }
      recordCount += header.recordCount;
      maxTimestamp = Math.max(maxTimestamp, header.maxTimestamp);
      logEndOffset = lastOffset + 1;
    }
    return { kind: "append", baseOffset, lastOffset: logEndOffset - 1 };
  });
  return { verdicts, logEndOffset, recordCount, maxTimestamp, producerBatches };
}

function unexpectedOffset(expected: number, logEndOffset: number): AppendVerdict {
  return {
    kind: "refused",
    // A log never gets shorter; but one that looks too short may have grown since.
    isFinal: logEndOffset > expected,
    refusal: {
      ...refuse(
        "EXPECTED_OFFSET_MISMATCH",
        `expected offset ${expected}, but the log ends at ${logEndOffset}`,
        "read what was appended in the meantime and decide again",
      ),
      logEndOffset,
    },
  };
}

function producerBatch(header: BatchHeader, baseOffset: number, lastOffset: number): ProducerBatch {
  return {
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    lastSequence: header.lastSequence,
    baseOffset,
    lastOffset,
    timestamp: header.maxTimestamp,
  };
}
