import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { type BatchHeader, NO_PRODUCER_ID } from "../record/batch-header.ts";
import type { AppendedBatch, ProducerStates } from "./producer-state.ts";

const LAST_SEQUENCE = 2 ** 31 - 1;

/** What the producer's state says of a batch: a new one, one that is in the log already, or one that must not be. */
export type SequenceVerdict =
  | { readonly kind: "next" }
  | { readonly kind: "duplicate"; readonly batch: AppendedBatch }
  /** `isFinal`: no record appended by somebody else in the meantime could change it. */
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly isFinal: boolean };

/**
 * Judges a batch by its producer's state, as Kafka's ProducerAppendInfo does: a lower epoch is fenced, one of the last
 * five batches is a duplicate, a new epoch starts at sequence 0, and otherwise the sequence continues the last one. A
 * producer that the log does not know (any more) may start at any sequence.
 */
export function judgeSequence(states: ProducerStates, header: BatchHeader): SequenceVerdict {
  if (header.producerId === NO_PRODUCER_ID) return { kind: "next" };
  const state = states.get(header.producerId);
  if (state === undefined) return { kind: "next" };
  if (header.producerEpoch < state.producerEpoch) {
    return {
      kind: "refused",
      isFinal: true,
      refusal: refuse(
        "INVALID_PRODUCER_EPOCH",
        `producer ${header.producerId} has epoch ${state.producerEpoch}; epoch ${header.producerEpoch} is fenced`,
        "another producer instance took this id over: initialize a producer id again",
      ),
    };
  }
  if (header.producerEpoch > state.producerEpoch) {
    return header.baseSequence === 0
      ? { kind: "next" }
      : outOfOrder(header, "a new producer epoch starts at sequence 0");
  }
  const same = state.batches.find(
    (batch) => batch.baseSequence === header.baseSequence && batch.lastSequence === header.lastSequence,
  );
  if (same !== undefined) return { kind: "duplicate", batch: same };
  const last = state.batches.at(-1)!.lastSequence;
  const expected = last === LAST_SEQUENCE ? 0 : last + 1;
  if (header.baseSequence === expected) return { kind: "next" };
  return outOfOrder(header, `sequence ${expected} comes next`);
}

function outOfOrder(header: BatchHeader, expectation: string): SequenceVerdict {
  return {
    kind: "refused",
    isFinal: false,
    refusal: refuse(
      "OUT_OF_ORDER_SEQUENCE_NUMBER",
      `producer ${header.producerId} sent sequence ${header.baseSequence}: ${expectation}`,
      "send batches in order, or initialize a producer id again",
    ),
  };
}
