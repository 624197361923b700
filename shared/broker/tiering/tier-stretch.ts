import type { LogItem } from "../../log/log-item.ts";
import { SegmentBuilder, type SegmentStart } from "../../log/segment/segment-builder.ts";
import { joinIndexes } from "../../log/segment/segment-indexes.ts";
import { segmentKeys } from "../../log/segment/segment-keys.ts";
import { SegmentLog } from "../../log/segment/segment-log.ts";
import type { SegmentContent, SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import { segmentParts } from "../../log/segment/segment-parts.ts";
import { beginCopy, beginDelete, finishCopy, type NewSegment } from "../../log/segment/segment-state.ts";
import { isTaken, sealableItems } from "../../log/segment/tiering-plan.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import { copySegment, deleteEverywhere, OBJECT_TIMEOUT_MS } from "./segment-objects.ts";
import { hasTime, ownBrokerId, type UpkeepBroker, type UpkeepLog } from "./upkeep-log.ts";

/** What is read of the hot log at a time, by a single query of a MiB; while it is written to the segment the next is not read yet. */
const PAGE = { maxItems: 1_000, maxBytes: 4 * 1024 * 1024 };

/** A `.log` to be written, and what is known of it when that is done. */
export interface SegmentWriting {
  readonly baseOffset: number;
  readonly compactedThrough?: number;
  readonly builder: SegmentBuilder;
  /** The bytes of the `.log`, front to back. */
  chunks(): AsyncIterable<Uint8Array>;
  /** What only its source knows; asked when the chunks have ended. */
  ended(): {
    readonly lastOffset?: number;
    readonly itemObjects: readonly string[];
    readonly itemsWithoutExpiry?: number;
    readonly hotUntil?: number | undefined;
  };
}

/**
 * Copies the oldest stretch of the hot log that no segment has, from `start.baseOffset` up to the highWatermark, as much of it as a segment
 * takes and the time allows. Answers its registration; undefined: somebody took the copy for abandoned, or there is nothing to copy.
 */
export async function tierStretch(
  broker: UpkeepBroker,
  of: UpkeepLog,
  start: SegmentStart,
  highWatermark: number,
): Promise<SegmentMetadata | undefined> {
  const leader = at(broker, of.registration.leader);
  const builder = new SegmentBuilder(start, of.terms);
  const readObject = ({ key }: { key: string }) =>
    untilKnown(broker, "reading an object of the log", () => leader.segmentStore.getObject(key), OBJECT_TIMEOUT_MS);
  const segment = new SegmentLog(builder, readObject);
  return writeSegment(broker, of, {
    baseOffset: start.baseOffset,
    builder,
    chunks: () => segment.write(hotItems(broker, of, start.baseOffset, highWatermark)),
    ended: () => segment.copied,
  });
}

/** The committed items from an offset on, where one begins, page by page, while there is time. */
async function* hotItems(
  broker: UpkeepBroker,
  of: UpkeepLog,
  fromOffset: number,
  highWatermark: number,
): AsyncGenerator<LogItem> {
  const { logStore } = at(broker, of.registration.leader);
  let next = fromOffset;
  while (next < highWatermark && (next === fromOffset || hasTime(broker, of))) {
    const from = next;
    const page = await untilKnown(broker, "reading the log", () => logStore.readItems(of.log, from, PAGE));
    for (const item of sealableItems(page.items, from, highWatermark)) {
      yield item;
      next = item.lastOffset + 1;
    }
    if (next === from) return;
  }
}

/**
 * Registers a segment, writes its objects into the buckets of all replicas that are in sync, and registers it as finished: from
 * then on it is read. Killed anywhere it leaves a registration, by which others find what to remove; a failure removes it itself, as
 * far as it can. Errors: what the source and the stores fail with.
 */
export async function writeSegment(
  broker: UpkeepBroker,
  of: UpkeepLog,
  writing: SegmentWriting,
): Promise<SegmentMetadata | undefined> {
  const { clock, segmentRegistry } = broker;
  const { log, registration } = of;
  const brokerId = ownBrokerId(broker);
  const named: NewSegment = {
    log,
    segmentId: Buffer.from(broker.random.bytes(16)).toString("base64url"),
    baseOffset: writing.baseOffset,
    // Part of its objects' names.
    startedAt: Math.floor(clock.now()),
    expectedBy: Math.max(clock.now(), of.untilMs) + OVERTIME_MS + ABANDON_WITHIN_MS + SLACK_MS,
    brokerId,
    committedIn: registration.leaderEpoch,
    ...(writing.compactedThrough === undefined ? {} : { compactedThrough: writing.compactedThrough }),
  };
  const started = beginCopy(named);
  if (!(await untilKnown(broker, "registering a segment", () => segmentRegistry.addSegment(started)))) return undefined;
  const below = () => segmentRegistry.segmentsAtOrBelow(log, named.baseOffset, COPIES_SEEN);
  if (isTaken(started, await untilKnown(broker, "reading segments", below), clock.now())) {
    await abandon(broker, started, []);
    return undefined;
  }
  // Who is in sync has all that is committed: so it has what is cold.
  const copies = registration.inSyncReplicas.filter((id) => id !== brokerId);
  try {
    // What hangs is given up shortly after the run's time is up; what it writes all the same has no registration then.
    const withinMs = Math.max(0, of.untilMs - clock.now()) + OVERTIME_MS;
    const writes = writeObjects(broker, started, writing, copies);
    const content = await withTimeout(clock, withinMs, "writing a segment", writes);
    if (content !== undefined) {
      const finished = { ...finishCopy(started, content, clock.now()), ...(copies.length === 0 ? {} : { copies }) };
      const finish = () => segmentRegistry.replaceSegment(finished);
      return (await untilKnown(broker, "finishing a segment", finish)) ? finished : undefined;
    }
  } catch (error) {
    await abandon(broker, started, copies);
    throw error;
  }
  await abandon(broker, started, copies);
  return undefined;
}

/** undefined: there was nothing to write. */
async function writeObjects(
  broker: UpkeepBroker,
  started: SegmentMetadata,
  { builder, chunks, ended }: SegmentWriting,
  copies: readonly number[],
): Promise<SegmentContent | undefined> {
  const { segmentStore } = at(broker, started.brokerId);
  const keys = segmentKeys(started);
  await segmentStore.putObjectInParts(keys.log, segmentParts(chunks()));
  if (builder.sizeInBytes === 0) return undefined;
  const { lastOffset, itemObjects, itemsWithoutExpiry = 0, hotUntil } = ended();
  const { content, indexes } = builder.finish(lastOffset);
  const { bytes, sizes } = joinIndexes(indexes, itemObjects);
  const put = () => segmentStore.putObject(keys.indexes, bytes);
  await untilKnown(broker, "writing a segment's indexes", put, OBJECT_TIMEOUT_MS);
  const sized = { sizeInBytes: content.sizeInBytes, indexSizes: sizes };
  for (const id of copies) await copySegment(broker, segmentStore, keys, sized, at(broker, id).segmentStore);
  return {
    ...content,
    indexSizes: sizes,
    ...(itemsWithoutExpiry === 0 ? {} : { itemsWithoutExpiry }),
    ...(hotUntil === undefined ? {} : { hotUntil }),
  };
}

/** Of the same stretch, however many runs there are. */
const COPIES_SEEN = 16;
const OVERTIME_MS = 15_000;
const ABANDON_WITHIN_MS = 20_000;
/** Clocks of regions and functions differ by seconds. */
const SLACK_MS = 30_000;

/** So that the next attempt need not wait until this one counts as abandoned. What it does not get done, a later run does. */
async function abandon(broker: UpkeepBroker, started: SegmentMetadata, copies: readonly number[]): Promise<void> {
  const { clock, logger, segmentRegistry } = broker;
  const remove = async () => {
    const deleting = beginDelete(started, clock.now());
    if (!(await segmentRegistry.replaceSegment(deleting))) return;
    await deleteEverywhere(broker, [started.brokerId, ...copies], Object.values(segmentKeys(started)));
    await segmentRegistry.removeSegment(deleting);
  };
  await withTimeout(clock, ABANDON_WITHIN_MS, "abandoning a segment", remove()).catch((error: unknown) =>
    logger.warn("what a copy left behind is removed later", { log: started.log }, error),
  );
}
