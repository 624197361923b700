import type { EpochStart } from "../leader-epochs.ts";
import type { LogKey } from "../log-item.ts";

/**
 * What becomes of a segment, as KIP-405's RemoteLogSegmentState. DELETE_SEGMENT_FINISHED is never stored: the
 * registration is removed, so that a copier who slept through it finds nothing to finish.
 */
export type SegmentState = "COPY_SEGMENT_STARTED" | "COPY_SEGMENT_FINISHED" | "DELETE_SEGMENT_STARTED";

/** Bytes of each part of a segment's `.indexes` object, which hold them one behind the other in this order. */
export interface IndexSizes {
  readonly offsetIndex: number;
  readonly timeIndex: number;
  readonly producerSnapshot: number;
  readonly leaderEpochCheckpoint: number;
  /** The keys of the objects that hold items of the segment, a line each: they go when no hot item points to them any more. */
  readonly itemObjects: number;
}

/** What is in a segment: known when its copy is finished. */
export interface SegmentContent {
  /** Inclusive, as KIP-405's endOffset. */
  readonly lastOffset: number;
  /** Of the `.log`. */
  readonly sizeInBytes: number;
  readonly recordCount: number;
  /** Of its first batch with records, in milliseconds since the epoch; -1: none. */
  readonly firstTimestamp: number;
  /** Largest timestamp of a record, in milliseconds since the epoch; -1: none. */
  readonly maxTimestamp: number;
  /** Where its epochs begin in it; the first with the segment (KIP-405's segmentLeaderEpochs). */
  readonly leaderEpochs: readonly EpochStart[];
  readonly indexSizes: IndexSizes;
  /** How many of its hot items have no TTL: whoever moves localLogStartOffset past them deletes them. Absent: none. */
  readonly itemsWithoutExpiry?: number;
  /** When DynamoDB may delete the first of its hot items, in milliseconds since the epoch; absent: none of them expires. */
  readonly hotUntil?: number;
}

/**
 * A segment's registration (KIP-405's RemoteLogSegmentMetadata): it stands before its first object is written, and until
 * its last is deleted. Changed by compare-and-set on `version`.
 */
export interface SegmentMetadata {
  readonly log: LogKey;
  /** 16 random bytes in base64url: every copy is another segment, even of the same stretch. */
  readonly segmentId: string;
  readonly baseOffset: number;
  readonly state: SegmentState;
  readonly version: number;
  /** When its copy began, in milliseconds since the epoch; part of its objects' names. */
  readonly startedAt: number;
  /** By when its copier is done or has given up, in milliseconds since the epoch; an hour after it began unless told (COPY_ABANDONED_MS). */
  readonly expectedBy?: number;
  /** When it came into its state, in milliseconds since the epoch. */
  readonly changedAt: number;
  /** In whose bucket it lies: its copier's, who led. */
  readonly brokerId: number;
  /** In whose buckets it lies too, from COPY_SEGMENT_FINISHED on: those of all that were in sync, and of others that came back since. */
  readonly copies?: readonly number[];
  /**
   * The epoch of the registration by which its copier knew it to be committed. An unclean election of a later epoch may have
   * taken its end out of the log.
   */
  readonly committedIn: number;
  /** Of a compacted one: no record in it is superseded by one below this offset. */
  readonly compactedThrough?: number;
  /** The objects of its items are deleted, and the items without a TTL: it alone has their records. */
  readonly itemObjectsRemoved?: true;
  /** From COPY_SEGMENT_FINISHED on. */
  readonly content?: SegmentContent;
}

/** A segment that may be read. */
export type FinishedSegment = SegmentMetadata & {
  readonly state: "COPY_SEGMENT_FINISHED";
  readonly content: SegmentContent;
};

/** The brokers in whose buckets a segment lies. */
export function holdersOf({ brokerId, copies = [] }: Pick<SegmentMetadata, "brokerId" | "copies">): readonly number[] {
  return [brokerId, ...copies.filter((id) => id !== brokerId)];
}

export function isFinished(segment: SegmentMetadata): segment is FinishedSegment {
  return segment.state === "COPY_SEGMENT_FINISHED" && segment.content !== undefined;
}
