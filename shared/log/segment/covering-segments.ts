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
 * furthest, then of the later epoch; among those that are alike in both as few as do it, so that what is left over may go.
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
    .sort(preference);
  // In order of preference, each takes what is free of its stretch. What is taken stays sorted, and does not overlap.
  const taken: CoveredStretch[] = [];
  for (const { segment, through } of fewest(candidates, logStartOffset)) {
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

interface Candidate {
  readonly segment: FinishedSegment;
  readonly through: number;
}

/** Those that are alike stand together, in order of their offsets. */
function preference(one: Candidate, other: Candidate): number {
  return (
    rank(one, other) ||
    one.segment.baseOffset - other.segment.baseOffset ||
    other.through - one.through ||
    (one.segment.segmentId < other.segment.segmentId ? -1 : 1)
  );
}

function rank({ segment: one }: Candidate, { segment: other }: Candidate): number {
  return (other.compactedThrough ?? -1) - (one.compactedThrough ?? -1) || other.committedIn - one.committedIn;
}

/** Of candidates that are alike as few as hold the same offsets: always the one that reaches furthest from where the last one ends. */
function* fewest(candidates: readonly Candidate[], logStartOffset: number): Generator<Candidate> {
  for (let at = 0; at < candidates.length; ) {
    const first = candidates[at]!;
    let next = Math.max(first.segment.baseOffset, logStartOffset);
    let best: Candidate | undefined;
    for (; at < candidates.length && rank(first, candidates[at]!) === 0; at++) {
      const candidate = candidates[at]!;
      if (candidate.segment.baseOffset > next) {
        if (best !== undefined) yield best;
        next = Math.max(best === undefined ? 0 : best.through + 1, next);
        best = undefined;
      }
      if (candidate.segment.baseOffset > next) next = candidate.segment.baseOffset;
      if (candidate.through >= next && candidate.through > (best?.through ?? -1)) best = candidate;
    }
    if (best !== undefined) yield best;
  }
}
