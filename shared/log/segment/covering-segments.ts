import type { UncleanElection } from "../unclean-election.ts";
import { type FinishedSegment, isFinished, type SegmentMetadata } from "./segment-metadata.ts";

/** A stretch of the log, and the segment that it is read from. */
export interface CoveredStretch {
  readonly segment: FinishedSegment;
  /** First offset read from it: it may begin earlier, where another one takes its place. */
  readonly fromOffset: number;
  /** Last offset read from it, inclusive. */
  readonly toOffset: number;
}

/**
 * Up to where a segment is part of the log, inclusive; below its baseOffset if none of it is. What an unclean election of a later
 * epoch took out of the log was copied before, under an earlier epoch (KIP-405 judges it by leader epochs too). An offset at
 * which a log is cut is where an item ends, and so a batch.
 */
export function validThrough(
  { committedIn, content }: FinishedSegment,
  elections: readonly UncleanElection[] | undefined,
): number {
  let through = content.lastOffset;
  for (const { leaderEpoch, keptBelow } of elections ?? []) {
    if (committedIn < leaderEpoch) through = Math.min(through, keptBelow - 1);
  }
  return through;
}

/**
 * Which segment each offset from `logStartOffset` on is read from, without gaps and without overlap, in order; it ends before the first
 * offset that no segment has. Two runs at once, a failover in the middle of one, and compaction leave segments that
 * overlap. They hold the same log, so any choice is right that all make alike: the one that was compacted
 * furthest, then of the later epoch, then the one that begins first, ends last, and has the lower id.
 */
export function coveringSegments(
  segments: readonly SegmentMetadata[],
  logStartOffset: number,
  elections?: readonly UncleanElection[],
): CoveredStretch[] {
  const candidates = segments
    .filter(isFinished)
    .map((segment) => ({ segment, through: validThrough(segment, elections) }))
    .filter(({ segment, through }) => through >= Math.max(segment.baseOffset, logStartOffset))
    .sort((one, other) => preference(one.segment, other.segment));
  // In order of preference, each takes what is free of its stretch. What is taken stays sorted, and does not overlap.
  const taken: CoveredStretch[] = [];
  for (const { segment, through } of candidates) {
    let from = Math.max(segment.baseOffset, logStartOffset);
    let place = taken.findIndex(({ toOffset }) => toOffset >= from);
    if (place < 0) place = taken.length;
    while (from <= through) {
      const next = taken[place];
      const to = Math.min(through, (next?.fromOffset ?? Number.POSITIVE_INFINITY) - 1);
      if (to >= from) taken.splice(place++, 0, { segment, fromOffset: from, toOffset: to });
      if (next === undefined) break;
      from = Math.max(from, next.toOffset + 1);
      place++;
    }
  }
  const gap = taken.findIndex(
    ({ fromOffset }, index) => fromOffset !== (index === 0 ? fromOffset : taken[index - 1]!.toOffset + 1),
  );
  const whole = gap < 0 ? taken : taken.slice(0, gap);
  return whole[0] !== undefined && whole[0].fromOffset > logStartOffset ? [] : whole;
}

/** The offset behind the last one that is in a segment: from here on the log is in the hot items alone. */
export function tieredEndOffset(cover: readonly CoveredStretch[], logStartOffset: number): number {
  return (cover.at(-1)?.toOffset ?? logStartOffset - 1) + 1;
}

/** The stretch that holds `offset`; undefined: none. */
export function stretchAt(cover: readonly CoveredStretch[], offset: number): CoveredStretch | undefined {
  let low = 0;
  let high = cover.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cover[middle]!.toOffset < offset) low = middle + 1;
    else high = middle;
  }
  const found = cover[low];
  return found !== undefined && found.fromOffset <= offset ? found : undefined;
}

/** The first stretch that may hold a record at `timestamp` or later; the search goes on in the next if it does not. undefined: none. */
export function stretchReaching(
  cover: readonly CoveredStretch[],
  timestamp: number,
  fromOffset = 0,
): CoveredStretch | undefined {
  return cover.find(({ segment, toOffset }) => toOffset >= fromOffset && segment.content.maxTimestamp >= timestamp);
}

function preference(one: FinishedSegment, other: FinishedSegment): number {
  return (
    (other.compactedThrough ?? -1) - (one.compactedThrough ?? -1) ||
    other.committedIn - one.committedIn ||
    one.baseOffset - other.baseOffset ||
    other.content.lastOffset - one.content.lastOffset ||
    (one.segmentId < other.segmentId ? -1 : 1)
  );
}
