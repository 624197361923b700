import { type CompactionSource, compactedLog, mapKeys } from "../../../../shared/log/compact-batches.ts";
import { OffsetMap } from "../../../../shared/log/compact-offset-map.ts";
import { decodeLeaderEpochCheckpoint } from "../../../../shared/log/segment/leader-epoch-checkpoint.ts";
import { decodeProducerSnapshot } from "../../../../shared/log/segment/producer-snapshot.ts";
import {
  type BuiltContent,
  SegmentBuilder,
  type SegmentIndexes,
} from "../../../../shared/log/segment/segment-builder.ts";
import { LIMITS } from "./hot-log.ts";

const MAX_BATCH_BYTES = 1024 * 1024;
const DAY_MS = 86_400_000;

/** A segment in memory. */
export interface Segment {
  readonly baseOffset: number;
  readonly log: Uint8Array;
  readonly content: BuiltContent;
  readonly indexes: SegmentIndexes;
}

/** Cut anywhere, as range reads are. */
function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const sourceOf = ({ log, baseOffset, content }: Segment): CompactionSource => ({
  chunks: cut(log, 1_000),
  fromOffset: baseOffset,
  toOffset: content.lastOffset,
});

interface RoundOptions {
  readonly now?: number;
  readonly map?: OffsetMap;
  readonly dirtyFrom?: number;
  readonly deleteRetentionMs?: number;
  readonly lastOffsets?: ReadonlyMap<number, number>;
  /** All segments become one. */
  readonly together?: boolean;
}

/** One round of compaction: keys of the dirty segments are mapped, then all segments are rewritten. */
export async function compactSegments(
  segments: readonly Segment[],
  options: RoundOptions = {},
): Promise<{ readonly segments: Segment[]; readonly mapEndOffset: number }> {
  const { now = 1_000, map = new OffsetMap(1024 * 1024), dirtyFrom = 0, together = false } = options;
  const dirty = segments.filter(({ content }) => content.lastOffset >= dirtyFrom);
  const mapEndOffset = await mapKeys(map, dirty.map(sourceOf), MAX_BATCH_BYTES);
  const terms = {
    map,
    mapEndOffset,
    now,
    deleteRetentionMs: options.deleteRetentionMs ?? DAY_MS,
    lastOffsets: options.lastOffsets ?? new Map<number, number>(),
    maxBatchBytes: MAX_BATCH_BYTES,
  };
  const compacted: Segment[] = [];
  for (const group of together ? [segments] : segments.map((segment) => [segment])) {
    const { baseOffset } = group[0]!;
    const { content, indexes } = group.at(-1)!;
    const producers = decodeProducerSnapshot(indexes.producerSnapshot);
    const epochs = decodeLeaderEpochCheckpoint(indexes.leaderEpochCheckpoint);
    const builder = new SegmentBuilder({ baseOffset, producers, epochs, isFoldedToEnd: true }, LIMITS);
    const chunks: Uint8Array[] = [];
    for await (const chunk of compactedLog(builder, terms, group.map(sourceOf))) chunks.push(chunk);
    compacted.push({ baseOffset, log: Buffer.concat(chunks), ...builder.finish(content.lastOffset) });
  }
  return { segments: compacted, mapEndOffset };
}
