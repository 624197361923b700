import { chainItems } from "../../log/chain.ts";
import { beginningOfLog, fold, type LogState } from "../../log/log-state.ts";
import { decodeLeaderEpochCheckpoint } from "../../log/segment/leader-epoch-checkpoint.ts";
import { decodeProducerSnapshot, type ProducerEntry, producerStatesOf } from "../../log/segment/producer-snapshot.ts";
import type { SegmentStart } from "../../log/segment/segment-builder.ts";
import { type FinishedSegment, isFinished, type SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import { committedState } from "./committed-end.ts";
import { readIndexes } from "./segment-objects.ts";
import type { UpkeepBroker, UpkeepLog } from "./upkeep-log.ts";

const PAGE = { maxItems: 1_000, maxBytes: 1024 * 1024 };
/** Pages from a segment's end up to a place in the hot log. */
const MAX_PAGES = 1_000;

/** What the next segment inherits at `baseOffset`: of the segment that ends there, or of the fold of the whole log. */
export async function segmentStart(
  broker: UpkeepBroker,
  of: UpkeepLog,
  segments: readonly SegmentMetadata[],
  baseOffset: number,
): Promise<SegmentStart> {
  if (baseOffset === 0) return { baseOffset, producers: [], epochs: [] };
  const before = segments.filter(isFinished).findLast(({ content }) => content.lastOffset === baseOffset - 1);
  if (before !== undefined) {
    const { producerSnapshot, leaderEpochCheckpoint } = await readIndexes(broker, before);
    return {
      baseOffset,
      producers: decodeProducerSnapshot(producerSnapshot),
      epochs: decodeLeaderEpochCheckpoint(leaderEpochCheckpoint),
    };
  }
  // What the log begins with was not copied: it was deleted first. The fold knows of each producer what it appended last.
  const { producers, epochs } = await committedState(broker, of);
  return {
    baseOffset,
    producers: [...producers.values()].flatMap(({ producerId, producerEpoch, batches }): ProducerEntry[] => {
      const last = batches.findLast(({ lastOffset }) => lastOffset < baseOffset);
      if (last === undefined) return [];
      const { lastSequence, lastOffset, timestamp } = last;
      return [
        { producerId, producerEpoch, lastSequence, lastOffset, offsetDelta: lastOffset - last.baseOffset, timestamp },
      ];
    }),
    epochs: epochs.filter(({ startOffset }) => startOffset < baseOffset),
  };
}

/**
 * The fold of a replicated log up to the end of the item that holds `offset`, or to `offset` where one begins, for the table of a follower that
 * was away: it lacks what lies below, and reads it from segments. Folded from the last segment that ends there or below, so that each
 * producer has its last batch alone. undefined: no segment goes so far, and the hot log does not begin so early.
 */
export async function foldAt(
  broker: UpkeepBroker,
  of: UpkeepLog,
  segments: readonly SegmentMetadata[],
  offset: number,
): Promise<LogState | undefined> {
  const before = segments
    .filter(isFinished)
    .filter(({ content }) => content.lastOffset < offset)
    .sort((one, other) => other.content.lastOffset - one.content.lastOffset)[0];
  const committed = await committedState(broker, of);
  let state = before === undefined ? beginningOfLog(0) : await foldOf(broker, segments, before, committed);
  const { logStore } = at(broker, of.registration.leader);
  for (let pages = 0; pages < MAX_PAGES && state.logEndOffset < offset; pages++) {
    const from = state;
    const read = () => logStore.readItems(of.log, from.logEndOffset, PAGE);
    const { items } = await untilKnown(broker, "reading the log", read);
    for (const item of chainItems(from, items)) {
      if (state.logEndOffset >= offset || item.lastOffset >= committed.logEndOffset) break;
      state = fold(state, item);
    }
    if (state.logEndOffset === from.logEndOffset) return undefined;
  }
  return state.logEndOffset < offset ? undefined : state;
}

/** The fold up to a segment's end, as far as what stands beside it tells. */
async function foldOf(
  broker: UpkeepBroker,
  segments: readonly SegmentMetadata[],
  segment: FinishedSegment,
  committed: LogState,
): Promise<LogState> {
  const { producerSnapshot, leaderEpochCheckpoint } = await readIndexes(broker, segment);
  const epochs = decodeLeaderEpochCheckpoint(leaderEpochCheckpoint);
  const lastEpoch = epochs.at(-1)?.leaderEpoch;
  const producers = producerStatesOf(decodeProducerSnapshot(producerSnapshot));
  const { lastOffset } = segment.content;
  const below = segments.filter(isFinished).filter(({ content }) => content.lastOffset <= lastOffset);
  return {
    ...beginningOfLog(lastOffset + 1),
    lastEpoch,
    maxTimestampSoFar: Math.max(-1, ...below.map(({ content }) => content.maxTimestamp)),
    producers: new Map(producers.map((producer) => [producer.producerId, producer])),
    // Whom an epoch waits for counts while it is the newest; agents of an older one are fenced by this checkpoint.
    barrier:
      lastEpoch === undefined
        ? undefined
        : {
            leaderEpoch: lastEpoch,
            waitFor: committed.barrier?.leaderEpoch === lastEpoch ? committed.barrier.waitFor : [],
          },
    epochs,
  };
}
