import type { EpochStart } from "./leader-epochs.ts";
import { NO_EPOCH } from "./log-item.ts";
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

export function committedInOf({ committedIn }: Pick<Checkpoint, "committedIn">): number {
  return committedIn ?? NO_EPOCH;
}

/**
 * Whether a checkpoint takes the place of the one that is kept: by the epoch that committed it, then by how far it goes. Not by
 * the offset alone: after an unclean election the log is shorter than what was known of it.
 */
export function isNewer(checkpoint: Checkpoint, kept: Checkpoint): boolean {
  const [own, others] = [committedInOf(checkpoint), committedInOf(kept)];
  return own > others || (own === others && checkpoint.logEndOffset > kept.logEndOffset);
}
