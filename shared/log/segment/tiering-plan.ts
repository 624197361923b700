import type { LogItem } from "../log-item.ts";
import { isDue } from "../retention-expiry.ts";
import type { RetentionTerms } from "../retention-terms.ts";
import type { UncleanElection } from "../unclean-election.ts";
import { coveringSegments, tieredEndOffset, validThrough } from "./covering-segments.ts";
import { type FinishedSegment, isFinished, type SegmentMetadata } from "./segment-metadata.ts";

/**
 * A copy takes at most a Lambda function's 15 minutes; one that began longer ago is nobody's any more. If its copier sleeps on, it
 * finds its registration gone, and its objects are orphans.
 */
export const COPY_ABANDONED_MS = 60 * 60 * 1000;

/** Readers may know of a segment that another took the place of for as long as they keep the list of them. */
export const SUPERSEDED_KEPT_MS = 60 * 60 * 1000;

/** Why a stretch of the hot log is to be sealed now; undefined: it is not. */
export type SealReason = "size" | "local-bytes" | "age";

/** What is not in a segment yet. */
export interface UntieredStretch {
  /** Its first item that is no barrier: those have no time, and may wait. */
  readonly first: LogItem;
  /** About how many bytes of RecordBatches it has: see estimateBytes. */
  readonly bytes: number;
}

/**
 * Whether the oldest stretch of the hot log that is committed and in no segment is to be sealed: it fills a segment (segment.bytes), or
 * more is hot than local.retention.bytes wants, or its first item is due (isDue). All that is committed goes into
 * the segment then, up to its limits.
 */
export function sealReason(
  { first, bytes }: UntieredStretch,
  terms: RetentionTerms,
  now: number,
): SealReason | undefined {
  if (bytes >= terms.segmentBytes) return "size";
  if (bytes > terms.localRetentionBytes) return "local-bytes";
  return isDue(first, terms, now) ? "age" : undefined;
}

/**
 * About how many bytes lie between two items' offsets, by the sizes of those at hand: to count them would cost a read of all,
 * at every look.
 */
export function estimateBytes(
  sampled: readonly { readonly offsets: number; readonly bytes: number }[],
  offsets: number,
): number {
  const total = sampled.reduce((sum, sample) => sum + sample.offsets, 0);
  const bytes = sampled.reduce((sum, sample) => sum + sample.bytes, 0);
  return total === 0 ? 0 : (bytes / total) * offsets;
}

/** Bytes of an item's RecordBatches, wherever they lie. */
export function batchBytes({ payload }: LogItem): number {
  if (payload.kind === "inline") return payload.batches.length;
  return payload.kind === "object" ? payload.object.sizeInBytes : 0;
}

/**
 * Whether one more segment is full with this item: what no segment has comes past segment.bytes, or a multiple of it, within it. By the item's own
 * bytes for each offset: many writers, none of which sees all that is appended, find so about once for each segment.bytes among them, whatever they
 * know of `tieredEndOffset`.
 */
export function fillsSegment(item: LogItem, tieredEndOffset: number, segmentBytes: number): boolean {
  const bytesPerOffset = batchBytes(item) / (item.lastOffset - item.baseOffset + 1);
  const segmentsAt = (offset: number) => Math.floor(((offset - tieredEndOffset) * bytesPerOffset) / segmentBytes);
  return item.baseOffset >= tieredEndOffset && segmentsAt(item.lastOffset + 1) > segmentsAt(item.baseOffset);
}

/**
 * The items of a page that may be sealed: those that continue at `fromOffset`, up to the highWatermark. What lies above may still
 * be overwritten (REPLICATION.md, 8), and nothing is ever taken out of a segment again.
 */
export function* sealableItems(
  items: Iterable<LogItem>,
  fromOffset: number,
  highWatermark: number,
): Generator<LogItem> {
  let next = fromOffset;
  for (const item of items) {
    if (item.baseOffset < next) continue;
    if (item.baseOffset > next || item.lastOffset >= highWatermark || item.payload.kind === "end-of-log") return;
    yield item;
    next = item.lastOffset + 1;
  }
}

/** Whether a copy that is not finished may still be: what outlasts it finds its registration gone. */
export function isUnderWay({ state, startedAt, expectedBy }: SegmentMetadata, now: number): boolean {
  return (
    state === "COPY_SEGMENT_STARTED" &&
    now < Math.min(expectedBy ?? Number.POSITIVE_INFINITY, startedAt + COPY_ABANDONED_MS)
  );
}

/** Somebody's copy of just this stretch, which may still finish: let it. */
export function copyUnderWay(
  segments: readonly SegmentMetadata[],
  baseOffset: number,
  now: number,
): SegmentMetadata | undefined {
  return segments.find(
    (segment) =>
      isUnderWay(segment, now) && segment.compactedThrough === undefined && segment.baseOffset === baseOffset,
  );
}

/**
 * Whether somebody who registered a copy of the same stretch before goes on with it, so that one's own, which was just registered, need not: of two that
 * registered at once each sees the other, unless that one came later. A doubt costs a copy too many, or one that the next run makes.
 */
export function isTaken(own: SegmentMetadata, segments: readonly SegmentMetadata[], now: number): boolean {
  return segments.some(
    (other) =>
      other.segmentId !== own.segmentId &&
      other.baseOffset === own.baseOffset &&
      (other.compactedThrough ?? -1) === (own.compactedThrough ?? -1) &&
      // What an earlier epoch copied may be out of the log since an unclean election.
      other.committedIn >= own.committedIn &&
      (isFinished(other) || isUnderWay(other, now)) &&
      (other.startedAt - own.startedAt || (other.segmentId < own.segmentId ? -1 : 1)) < 0,
  );
}

/** What is known of a log when its segments are looked through. */
export interface SegmentsContext {
  /** As it stands in the registration already. */
  readonly logStartOffset: number;
  /** As the tiering state had it before this run: hot items below it are read by nobody any more. */
  readonly localLogStartOffset: number;
  readonly elections?: readonly UncleanElection[] | undefined;
  readonly now: number;
}

/**
 * The segments that nobody needs, the oldest first. Begin each one's deletion (segment-state.ts), delete its objects, remove its
 * registration: whoever is killed in between leaves it in DELETE_SEGMENT_STARTED, from where the next goes on.
 *  - a deletion that was begun;
 *  - a copy that was abandoned;
 *  - all below logStartOffset (which is moved first: readers are told before anything is gone), or outside of the log;
 *  - what other segments took the place of, an hour ago, unless it alone tells of hot items' objects, or of items without a TTL, that are still read.
 */
export function unneededSegments(segments: readonly SegmentMetadata[], context: SegmentsContext): SegmentMetadata[] {
  const { logStartOffset, localLogStartOffset, elections, now } = context;
  const cover = coveringSegments(segments, logStartOffset, elections);
  const isRead = new Set(cover.map(({ segment }) => segment.segmentId));
  const tieredEnd = tieredEndOffset(cover, logStartOffset);
  return segments.filter((segment) => {
    if (segment.state === "DELETE_SEGMENT_STARTED") return true;
    if (!isFinished(segment)) return !isUnderWay(segment, now);
    const through = validThrough(segment, elections);
    if (through < segment.baseOffset || through < logStartOffset) return true;
    if (isRead.has(segment.segmentId) || through >= tieredEnd) return false;
    const supersededAt = Math.max(
      ...cover
        .filter(({ fromOffset, toOffset }) => toOffset >= segment.baseOffset && fromOffset <= through)
        .map(({ segment: other }) => other.changedAt),
    );
    return now - supersededAt >= SUPERSEDED_KEPT_MS && !leavesHotItems(segment, localLogStartOffset);
  });
}

/**
 * The segments whose hot items nobody reads any more: delete their objects and those that have no TTL, then say so in the registration
 * (withoutItemObjects). `localLogStartOffset` as in {@link SegmentsContext}.
 */
export function segmentsWithIdleObjects(
  segments: readonly SegmentMetadata[],
  localLogStartOffset: number,
): FinishedSegment[] {
  return segments
    .filter(isFinished)
    .filter((segment) => leavesItems(segment) && !leavesHotItems(segment, localLogStartOffset));
}

/**
 * Whether the objects that a segment names, and its items without a TTL, may be deleted with it: not if hot items still read them, as the items of a copy may
 * that an unclean election took out of the log.
 */
export function takesItemObjects(
  segment: SegmentMetadata,
  { logStartOffset, localLogStartOffset }: Pick<SegmentsContext, "logStartOffset" | "localLogStartOffset">,
): boolean {
  return leavesItems(segment) && !leavesHotItems(segment, Math.max(logStartOffset, localLogStartOffset));
}

/** Whether there may still be something of its items that goes by no TTL: their objects, and items without one. */
export function leavesItems({ content, itemObjectsRemoved }: SegmentMetadata): boolean {
  if (content === undefined || itemObjectsRemoved === true) return false;
  return content.indexSizes.itemObjects > 0 || (content.itemsWithoutExpiry ?? 0) > 0;
}

function leavesHotItems(segment: SegmentMetadata, hotFromOffset: number): boolean {
  return leavesItems(segment) && segment.content!.lastOffset >= hotFromOffset;
}
