import { type Checkpoint, committedInOf } from "./checkpoint.ts";
import { NO_EPOCH } from "./log-item.ts";

/**
 * An election of a leader that was not in sync (Kafka's unclean election). It begins the log anew where that replica's log
 * ends: what was committed before it may not be part of the log any more.
 */
export interface UncleanElection {
  /** The epoch that it began. */
  readonly leaderEpoch: number;
  /** What earlier epochs committed below this offset is still the log's; what they committed from here on may be lost. */
  readonly keptBelow: number;
}

/** Elections remembered; of older ones the lowest offset. */
export const UNCLEAN_ELECTIONS_KEPT = 20;

/** The elections with one more. Those that are forgotten hand down how much of the log they kept. */
export function withUncleanElection(
  elections: readonly UncleanElection[],
  next: UncleanElection,
): readonly UncleanElection[] {
  const all = [...elections, next];
  const forgotten = all.slice(0, -UNCLEAN_ELECTIONS_KEPT);
  const [oldest, ...rest] = all.slice(-UNCLEAN_ELECTIONS_KEPT);
  const keptBelow = Math.min(oldest!.keptBelow, ...forgotten.map((election) => election.keptBelow));
  return [{ ...oldest!, keptBelow }, ...rest];
}

/** The epoch that the newest of them began; NO_EPOCH without one. Nothing that was seen before it is taken for granted after. */
export function lastUncleanEpoch(elections: readonly UncleanElection[] | undefined): number {
  return elections?.at(-1)?.leaderEpoch ?? NO_EPOCH;
}

/** Whether an unclean election came after a checkpoint was written and did not keep all that it covers. */
export function isVoid(checkpoint: Checkpoint, elections: readonly UncleanElection[] | undefined): boolean {
  const committedIn = committedInOf(checkpoint);
  return (elections ?? []).some(
    ({ leaderEpoch, keptBelow }) => committedIn < leaderEpoch && checkpoint.logEndOffset > keptBelow,
  );
}
