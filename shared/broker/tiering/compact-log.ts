import { KafkaError } from "../../kafka/kafka-error.ts";
import { MAX_MESSAGE_BYTES } from "../../kafka/limits.ts";
import { type CompactionSource, compactedLog, mapKeys } from "../../log/compact-batches.ts";
import { OffsetMap, offsetMapBytes } from "../../log/compact-offset-map.ts";
import { compactionGroups, compactionRound } from "../../log/compact-plan.ts";
import type { CoveredStretch } from "../../log/segment/covering-segments.ts";
import { decodeLeaderEpochCheckpoint } from "../../log/segment/leader-epoch-checkpoint.ts";
import { rangeAt } from "../../log/segment/lookup.ts";
import { OffsetIndex } from "../../log/segment/offset-index.ts";
import { decodeProducerSnapshot } from "../../log/segment/producer-snapshot.ts";
import { SegmentBuilder } from "../../log/segment/segment-builder.ts";
import { segmentKeys } from "../../log/segment/segment-keys.ts";
import type { SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import { PART_BYTES } from "../../log/segment/segment-parts.ts";
import type { TieringState } from "../../log/segment/tiering-state.ts";
import { committedState } from "./committed-end.ts";
import { bucketOf, readIndexes, readRange } from "./segment-objects.ts";
import { writeSegment } from "./tier-stretch.ts";
import { hasTime, type UpkeepBroker, type UpkeepLog } from "./upkeep-log.ts";

/** What may lie in a segment: what was taken under any max.message.bytes, and may have grown where it was compressed anew. */
const MAX_BATCH_BYTES = 2 * MAX_MESSAGE_BYTES;

/** What one run of compaction did. */
export interface Compacted {
  /** Segments that took the place of others. */
  readonly segments: readonly SegmentMetadata[];
  /** All up to here is clean now; undefined: the round goes on in the next run, or there was nothing to do. */
  readonly cleanedOffset?: number;
  readonly isDone: boolean;
}

const NOTHING: Compacted = { segments: [], isDone: true };

/**
 * Cleans a compacted topic's log where it is due: the keys of the dirty segments into a map, then each group of segments into one that takes
 * their place. Ends between two groups when time is up; what was written by then need not be written again. Holds the map and some
 * MiB. Errors: what the stores fail with; a group that is not done in time is given up.
 */
export async function compactLog(
  broker: UpkeepBroker,
  of: UpkeepLog,
  cover: readonly CoveredStretch[],
  state: TieringState,
): Promise<Compacted> {
  const { terms } = of;
  const now = broker.clock.now();
  const round = compactionRound(cover, state.cleanedOffset, terms, now);
  if (round === undefined) return NOTHING;
  // A process looks after some logs at once, few of which have so many keys.
  const records = round.dirty.reduce((count, { segment }) => count + segment.content.recordCount, 0);
  const map = new OffsetMap(offsetMapBytes(records));
  const mapEndOffset = await mapKeys(map, sourcesOf(broker, of, round.dirty), MAX_BATCH_BYTES);
  // A batch is kept for the sake of a producer that the whole log knows, its hot items included.
  const { producers } = await committedState(broker, of);
  const lastOffsets = new Map(
    [...producers.values()].map(({ producerId, batches }) => [producerId, batches.at(-1)!.lastOffset]),
  );
  const cleaning = {
    map,
    mapEndOffset,
    now,
    deleteRetentionMs: terms.deleteRetentionMs,
    lastOffsets,
    maxBatchBytes: MAX_BATCH_BYTES,
  };
  const segments: SegmentMetadata[] = [];
  for (const group of compactionGroups(cover, mapEndOffset, terms)) {
    if (!hasTime(broker, of)) return { segments, isDone: false };
    const baseOffset = group[0]!.fromOffset;
    const { toOffset, segment } = group.at(-1)!;
    const last = await readIndexes(broker, segment);
    const producersThere = decodeProducerSnapshot(last.producerSnapshot);
    const epochs = decodeLeaderEpochCheckpoint(last.leaderEpochCheckpoint);
    const builder = new SegmentBuilder({ baseOffset, producers: producersThere, epochs, isFoldedToEnd: true }, terms);
    const hotUntil = earliest(group);
    const written = await writeSegment(broker, of, {
      baseOffset,
      compactedThrough: mapEndOffset,
      builder,
      chunks: () => compactedLog(builder, cleaning, sourcesOf(broker, of, group)),
      ended: () => ({ lastOffset: toOffset, itemObjects: [], hotUntil }),
    });
    if (written === undefined) return { segments, isDone: false };
    segments.push(written);
  }
  return { segments, cleanedOffset: mapEndOffset, isDone: true };
}

/** Stretches of segments, each read in ranges, from the batch on that holds its first offset. */
function* sourcesOf(
  broker: UpkeepBroker,
  of: UpkeepLog,
  stretches: readonly CoveredStretch[],
): Generator<CompactionSource> {
  for (const stretch of stretches) {
    const { fromOffset, toOffset } = stretch;
    yield { fromOffset, toOffset, chunks: chunksOf(broker, of, stretch) };
  }
}

async function* chunksOf(
  broker: UpkeepBroker,
  of: UpkeepLog,
  { segment, fromOffset }: CoveredStretch,
): AsyncGenerator<Uint8Array> {
  const { sizeInBytes } = segment.content;
  const store = bucketOf(broker, segment);
  const { log } = segmentKeys(segment);
  let start = 0;
  if (fromOffset > segment.baseOffset) {
    const { offsetIndex } = await readIndexes(broker, segment);
    ({ start } = rangeAt(new OffsetIndex(segment.baseOffset, offsetIndex), sizeInBytes, fromOffset, PART_BYTES));
  }
  for (; start < sizeInBytes; start += PART_BYTES) {
    if (!hasTime(broker, of)) throw outOfTime(of);
    yield await readRange(broker, store, log, { start, end: Math.min(sizeInBytes, start + PART_BYTES) });
  }
}

function earliest(group: readonly CoveredStretch[]): number | undefined {
  const all = group.map(({ segment }) => segment.content.hotUntil ?? Number.POSITIVE_INFINITY);
  const first = Math.min(...all);
  return Number.isFinite(first) ? first : undefined;
}

function outOfTime({ log }: UpkeepLog): KafkaError {
  return new KafkaError("REQUEST_TIMED_OUT", `there was no time to compact more of ${log}`, {
    hint: "the next run goes on; lower segment.bytes if none ever gets done",
  });
}
