import { chainItems } from "../../log/chain.ts";
import { beginningOfLog, fold, type LogState } from "../../log/log-state.ts";
import { validThrough } from "../../log/segment/covering-segments.ts";
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
  const before = validSegments(of, segments).findLast(({ segment }) => segment.content.lastOffset === baseOffset - 1);
  if (before !== undefined) {
    const { producerSnapshot, leaderEpochCheckpoint } = await readIndexes(broker, before.segment);
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
 * was away: it lacks what lies below, and reads it from segments. Folded from the last segment that ends or is cut there or below, so that
 * each producer has its last batch alone. undefined: no segment goes so far, and the hot log does not begin so early.
 */
export async function foldAt(
  broker: UpkeepBroker,
  of: UpkeepLog,
  segments: readonly SegmentMetadata[],
  offset: number,
): Promise<LogState | undefined> {
  // The hot log may begin within a segment: its last item stays.
  const below = validSegments(of, segments)
    .filter(({ segment }) => segment.baseOffset < offset)
    .map(({ segment, through }) => ({ segment, through: Math.min(through, offset - 1) }));
  const cutBy = ({ segment, through }: ValidSegment) => segment.content.lastOffset - through;
  const before = below.toSorted((one, other) => other.through - one.through || cutBy(one) - cutBy(other))[0];
  const committed = await committedState(broker, of);
  let state = before === undefined ? beginningOfLog(0) : await foldOf(broker, below, before, committed);
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

/** A segment, and up to where it is part of the log: an unclean election may have taken its end out, or all of it. */
interface ValidSegment {
  readonly segment: FinishedSegment;
  readonly through: number;
}

function validSegments(
  { registration: { uncleanElections } }: UpkeepLog,
  segments: readonly SegmentMetadata[],
): ValidSegment[] {
  return segments
    .filter(isFinished)
    .map((segment) => ({ segment, through: validThrough(segment, uncleanElections) }))
    .filter(({ segment, through }) => through >= segment.baseOffset);
}

/**
 * The fold up to an offset within a segment, or its end, as far as what stands beside it tells. A producer that appended behind that offset is known by what
 * the fold of the whole log has of it below.
 */
async function foldOf(
  broker: UpkeepBroker,
  below: readonly ValidSegment[],
  { segment, through }: ValidSegment,
  committed: LogState,
): Promise<LogState> {
  const { producerSnapshot, leaderEpochCheckpoint } = await readIndexes(broker, segment);
  const epochs = decodeLeaderEpochCheckpoint(leaderEpochCheckpoint).filter(({ startOffset }) => startOffset <= through);
  const lastEpoch = epochs.at(-1)?.leaderEpoch;
  const entries = decodeProducerSnapshot(producerSnapshot);
  const cut = entries.filter(({ lastOffset }) => lastOffset > through).map(({ producerId }) => producerId);
  const producers = producerStatesOf(entries.filter(({ lastOffset }) => lastOffset <= through));
  for (const producerId of cut) {
    const known = committed.producers.get(producerId);
    const batches = known?.batches.filter(({ lastOffset }) => lastOffset <= through) ?? [];
    if (known !== undefined && batches.length > 0) producers.push({ ...known, batches });
  }
  return {
    ...beginningOfLog(through + 1),
    lastEpoch,
    maxTimestampSoFar: Math.max(-1, ...below.map((other) => other.segment.content.maxTimestamp)),
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
