import type { SegmentContent, SegmentMetadata } from "../../../../shared/log/segment/segment-metadata.ts";

export const NOW = 1_700_000_000_000;

/** A finished segment, changed as a test needs it. */
export function segment(
  segmentId: string,
  baseOffset: number,
  lastOffset: number,
  change: Partial<SegmentMetadata> = {},
  content: Partial<SegmentContent> = {},
): SegmentMetadata {
  return {
    log: "topic#0",
    segmentId,
    baseOffset,
    state: "COPY_SEGMENT_FINISHED",
    version: 2,
    startedAt: NOW,
    changedAt: NOW,
    brokerId: 1,
    committedIn: 0,
    content: {
      lastOffset,
      sizeInBytes: 1_000,
      recordCount: lastOffset - baseOffset + 1,
      firstTimestamp: NOW,
      maxTimestamp: NOW,
      leaderEpochs: [{ leaderEpoch: 0, startOffset: baseOffset }],
      indexSizes: { offsetIndex: 8, timeIndex: 12, producerSnapshot: 10, leaderEpochCheckpoint: 8, itemObjects: 0 },
      ...content,
    },
    ...change,
  };
}
