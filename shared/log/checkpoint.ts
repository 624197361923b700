import type { EpochStart } from "./leader-epochs.ts";
import type { Barrier } from "./log-state.ts";
import type { ProducerState } from "./producer-state.ts";

/**
 * The fold of a log up to logEndOffset, so that a cold start need not read from the log's beginning. It only ever
 * covers items that cannot be overwritten any more: in a log of several replicas, those that are committed, and that the
 * table holds in which it lies.
 */
export interface Checkpoint {
  readonly logEndOffset: number;
  /** leaderEpoch of the last item below logEndOffset; NO_EPOCH if there is none. */
  readonly lastEpoch: number;
  readonly maxTimestampSoFar: number;
  readonly producers: readonly ProducerState[];
  /** The newest barrier below logEndOffset. */
  readonly barrier?: Barrier;
  /** Comes with the barrier. */
  readonly epochs?: readonly EpochStart[];
  /**
   * The epoch in which all below logEndOffset was seen to be committed; comes with the barrier. What a newer epoch committed
   * says nothing to an older one but that it is over.
   */
  readonly committedIn?: number;
}
