import type { FinishedSegment, SegmentContent, SegmentMetadata, SegmentState } from "./segment-metadata.ts";

/** Where each state may lead (KIP-405). */
const NEXT: Readonly<Record<SegmentState, readonly SegmentState[]>> = {
  COPY_SEGMENT_STARTED: ["COPY_SEGMENT_FINISHED", "DELETE_SEGMENT_STARTED"],
  COPY_SEGMENT_FINISHED: ["DELETE_SEGMENT_STARTED"],
  DELETE_SEGMENT_STARTED: [],
};

export type NewSegment = Pick<
  SegmentMetadata,
  "log" | "segmentId" | "baseOffset" | "startedAt" | "expectedBy" | "brokerId" | "committedIn" | "compactedThrough"
>;

/** The registration to make before anything of the segment is written. */
export function beginCopy(segment: NewSegment): SegmentMetadata {
  return { ...segment, state: "COPY_SEGMENT_STARTED", version: 1, changedAt: segment.startedAt };
}

/** The registration that makes the segment readable: its objects are written, all of them. `now` in milliseconds since the epoch. */
export function finishCopy(segment: SegmentMetadata, content: SegmentContent, now: number): SegmentMetadata {
  return { ...moved(segment, "COPY_SEGMENT_FINISHED", now), content };
}

/** The registration that nobody reads from any more: only now may its objects be deleted, and only then it itself. */
export function beginDelete(segment: SegmentMetadata, now: number): SegmentMetadata {
  return segment.state === "DELETE_SEGMENT_STARTED" ? segment : moved(segment, "DELETE_SEGMENT_STARTED", now);
}

/** The registration after the segment was copied into one more broker's bucket. */
export function withCopy(segment: FinishedSegment, brokerId: number): FinishedSegment {
  return { ...segment, version: segment.version + 1, copies: [...(segment.copies ?? []), brokerId] };
}

/** The registration after the objects of its items were deleted, and those of its items that no TTL takes. */
export function withoutItemObjects(segment: SegmentMetadata): SegmentMetadata {
  return { ...segment, version: segment.version + 1, itemObjectsRemoved: true };
}

function moved(segment: SegmentMetadata, state: SegmentState, now: number): SegmentMetadata {
  if (!NEXT[segment.state].includes(state)) {
    throw new Error(
      `segment ${segment.segmentId} of ${segment.log} is in ${segment.state}: it cannot come to ${state}`,
    );
  }
  return { ...segment, state, version: segment.version + 1, changedAt: now };
}
