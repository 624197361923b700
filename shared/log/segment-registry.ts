import type { LogKey } from "./log-item.ts";
import type { SegmentMetadata } from "./segment/segment-metadata.ts";
import type { TieringState } from "./segment/tiering-state.ts";

/** A place in the order of a log's segments: by baseOffset, then by id. */
export type SegmentPlace = Pick<SegmentMetadata, "baseOffset" | "segmentId">;

/**
 * The port to where segments are registered (KIP-405's RemoteLogMetadataManager): small linearizable items, each changed by
 * a conditional write on itself alone, the same in every region. It stores and never decides. Reads are strongly consistent.
 * A write that is sent again because its answer was lost meets itself, and has succeeded.
 *
 * Errors: `KafkaError` KAFKA_STORAGE_ERROR or THROTTLING_QUOTA_EXCEEDED; on writes `outcome` says whether the write may have
 * been applied. Every operation is bounded in time.
 */
export interface SegmentRegistry {
  /** Registers a segment that is not there yet; false if one of its baseOffset and id is, and another than this. */
  addSegment(segment: SegmentMetadata): Promise<boolean>;
  /** Replaces the registration if its version is segment.version - 1; false otherwise, and if there is none. */
  replaceSegment(segment: SegmentMetadata): Promise<boolean>;
  /** Removes the registration if it is in DELETE_SEGMENT_STARTED; false if it is in another state, true if it is gone. */
  removeSegment(segment: SegmentMetadata): Promise<boolean>;
  /** Segments of the log in order, whatever their state, up to `limit` (at most 1000), behind `after`. */
  listSegments(
    log: LogKey,
    options: { readonly limit: number; readonly after?: SegmentPlace },
  ): Promise<SegmentMetadata[]>;
  /** Up to `limit` segments (at most 1000) with a baseOffset <= `offset`, the highest first: one of the first holds it, if any. */
  segmentsAtOrBelow(log: LogKey, offset: number, limit: number): Promise<SegmentMetadata[]>;

  readTieringState(log: LogKey): Promise<TieringState | undefined>;
  /** Of all partitions of a topic that have one, in order of partition. */
  readTieringStates(topicId: string): Promise<TieringState[]>;
  /** Writes the state if the one there has version state.version - 1, or if there is none and its version is 1; false otherwise. */
  writeTieringState(state: TieringState): Promise<boolean>;
  /** Removes up to `limit` (at most 1000) segments of a deleted topic's log, whatever their state; when none is left its tiering state. Answers how many. */
  removeLog(log: LogKey, limit: number): Promise<number>;
}
