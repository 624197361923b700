import { type LogKey, NO_EPOCH } from "../log-item.ts";
import type { UncleanElection } from "../unclean-election.ts";

/**
 * How far the upkeep of a partition's log is: one small item a partition, changed by compare-and-set on `version`. Readers and
 * writers read it, the upkeep alone writes it. A log without one was never tiered.
 */
export interface TieringState {
  readonly log: LogKey;
  /** 1 for the first. */
  readonly version: number;
  /** Every offset from logStartOffset up to here is in a finished segment (KIP-405's highest remote offset, plus 1). */
  readonly tieredEndOffset: number;
  /** From here on the hot items are the log; below, they may be gone, or be what a sleeper wrote into a slot that was deleted. */
  readonly localLogStartOffset: number;
  /** When all that was due to be tiered last was, in milliseconds since the epoch: what is later is the tiering lag. */
  readonly caughtUpAt: number;
  /** Up to here no record is superseded by another below (Kafka's cleaner checkpoint); 0: never compacted. */
  readonly cleanedOffset: number;
  /**
   * Where localLogStartOffset was, and since when (milliseconds since the epoch), the oldest first. What lies below is deleted only some time after
   * it moved: see {@link idleBelow}.
   */
  readonly localStarts?: readonly LocalStart[];
  /** Below it what no TTL takes of the hot items is deleted; absent: nothing is yet. */
  readonly hotRemovedBelow?: number;
  /**
   * Since when time alone makes nothing due in this log, in milliseconds since the epoch; absent: something will be. No clock may go then, so that whoever
   * appends begins the upkeep.
   */
  readonly idleSince?: number;
  /** The look through the log's objects for some that are nobody's; absent: there was none yet. */
  readonly sweep?: SweepState;
  /** Of a replicated log: the epoch of whoever wrote it. After an unclean election it says less: see {@link inLineage}. */
  readonly committedIn?: number;
}

export interface LocalStart {
  readonly offset: number;
  readonly since: number;
}

export interface SweepState {
  /** When it began, in milliseconds since the epoch. */
  readonly at: number;
  /** It goes on in this broker's bucket, behind this key; absent: it is through. */
  readonly next?: SweepPlace;
}

export interface SweepPlace {
  readonly brokerId: number;
  readonly after?: string;
}

/**
 * Hot items are left for so long after localLogStartOffset has passed them: readers may go by an older state, and a writer that finds its view
 * younger than half of this need not ask whether the slot that it took had been deleted.
 */
export const IDLE_ITEMS_KEPT_MS = 10 * 60 * 1000;

/** The state once localLogStartOffset has moved to `offset`, never back; the same state if there is nothing to note. */
export function withLocalStart(state: TieringState, offset: number, now: number): TieringState {
  const { localStarts = [] } = state;
  const localLogStartOffset = Math.max(offset, state.localLogStartOffset);
  const last = localStarts.at(-1);
  // A log whose start moves at every run would keep a long list: one in a while is enough, and what is left out comes with the next.
  const isNoted =
    localLogStartOffset > (last?.offset ?? state.localLogStartOffset) &&
    now - (last?.since ?? Number.NEGATIVE_INFINITY) >= IDLE_ITEMS_KEPT_MS / 8;
  if (!isNoted && localLogStartOffset === state.localLogStartOffset) return state;
  const kept = localStarts.slice(
    Math.max(
      0,
      localStarts.findLastIndex((start) => isIdle(start, now)),
    ),
  );
  return {
    ...state,
    localLogStartOffset,
    localStarts: isNoted ? [...kept, { offset: localLogStartOffset, since: now }] : kept,
  };
}

/**
 * What a state says once unclean elections have begun the log anew below it: what an earlier epoch had copied from `keptBelow` on is not the log's any
 * more, and what takes its place is hot. The same state if none has.
 */
export function inLineage(state: TieringState, elections: readonly UncleanElection[] | undefined): TieringState {
  const { committedIn = NO_EPOCH } = state;
  const below = (elections ?? [])
    .filter(({ leaderEpoch }) => committedIn < leaderEpoch)
    .reduce((least, { keptBelow }) => Math.min(least, keptBelow), Number.POSITIVE_INFINITY);
  const { localLogStartOffset, tieredEndOffset, cleanedOffset, hotRemovedBelow = 0, localStarts = [] } = state;
  if (Math.max(localLogStartOffset, tieredEndOffset, cleanedOffset, hotRemovedBelow) <= below) return state;
  return {
    ...state,
    localLogStartOffset: Math.min(localLogStartOffset, below),
    tieredEndOffset: Math.min(tieredEndOffset, below),
    cleanedOffset: Math.min(cleanedOffset, below),
    localStarts: localStarts.filter(({ offset }) => offset <= below),
    ...(hotRemovedBelow === 0 ? {} : { hotRemovedBelow: Math.min(hotRemovedBelow, below) }),
  };
}

/** Hot items below it have been out of use for long enough to be deleted. */
export function idleBelow({ localStarts = [] }: TieringState, now: number): number {
  return Math.max(0, ...localStarts.filter((start) => isIdle(start, now)).map(({ offset }) => offset));
}

function isIdle({ since }: LocalStart, now: number): boolean {
  return now - since >= IDLE_ITEMS_KEPT_MS;
}

/** The state of a log that nothing was done for yet: what is below logStartOffset is still to be removed. */
export function initialTieringState(log: LogKey, logStartOffset: number, now: number): TieringState {
  return {
    log,
    version: 1,
    tieredEndOffset: logStartOffset,
    localLogStartOffset: 0,
    caughtUpAt: now,
    cleanedOffset: 0,
  };
}

/** Whether hot items are out of use that are not removed yet. */
export function hasIdleItems({ localStarts = [], hotRemovedBelow = 0, localLogStartOffset }: TieringState): boolean {
  return localStarts.length > 0 && hotRemovedBelow < localLogStartOffset;
}

/** Milliseconds that tiering is behind: the lag metric. Grows too while no upkeep runs at all. */
export function tieringLagMs(state: TieringState, now: number): number {
  return Math.max(0, now - state.caughtUpAt);
}
