import type { ProducerState } from "./producer-state.ts";

/**
 * The fold of a log up to logEndOffset, so that a cold start need not read from the log's beginning. It only ever
 * covers items that cannot be overwritten any more.
 */
export interface Checkpoint {
  readonly logEndOffset: number;
  /** leaderEpoch of the last item below logEndOffset; NO_EPOCH if there is none. */
  readonly lastEpoch: number;
  readonly maxTimestampSoFar: number;
  readonly producers: readonly ProducerState[];
}
