import type { DeletedStretch } from "../../log/log-store.ts";
import { segmentKeys } from "../../log/segment/segment-keys.ts";
import type { SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import { beginDelete, withoutItemObjects } from "../../log/segment/segment-state.ts";
import {
  leavesItems,
  segmentsWithIdleObjects,
  takesItemObjects,
  unneededSegments,
} from "../../log/segment/tiering-plan.ts";
import { idleBelow, type TieringState } from "../../log/segment/tiering-state.ts";
import { isReplicated } from "../partition-view.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import { deleteEverywhere, readItemObjects } from "./segment-objects.ts";
import { hasTime, type UpkeepBroker, type UpkeepLog } from "./upkeep-log.ts";

const ITEMS_AT_A_TIME = 500;
const STEP_TIMEOUT_MS = 30_000;

/** What of a partition was removed in one run. */
export interface RemovedCold {
  readonly segmentsDeleted: number;
  readonly itemsDeleted: number;
  /** Segments as they are registered then. */
  readonly segments: readonly SegmentMetadata[];
}

/**
 * Removes what nobody reads any more, by the starts of the log as they were before this run: segments that nobody needs, the objects of hot
 * items that are out of use, and those of these items that no TTL takes. Registrations go last. Errors: KafkaError of a store:
 * what is left is removed by the next run.
 */
export async function removeCold(
  broker: UpkeepBroker,
  of: UpkeepLog,
  state: TieringState,
  listed: readonly SegmentMetadata[],
  barrierOffset: number | undefined,
): Promise<RemovedCold> {
  const { logStartOffset, uncleanElections: elections } = of.registration;
  const now = broker.clock.now();
  const localLogStartOffset = idleBelow(state, now);
  let segments = [...listed];
  let itemsDeleted = 0;
  for (const segment of segmentsWithIdleObjects(segments, localLogStartOffset)) {
    if (!hasTime(broker, of)) return { segmentsDeleted: 0, itemsDeleted, segments };
    itemsDeleted += await removeItemsOf(broker, of, segment, barrierOffset);
    const next = withoutItemObjects(segment);
    const replace = () => broker.segmentRegistry.replaceSegment(next);
    if (!(await untilKnown(broker, "registering a segment", replace))) continue;
    segments = segments.map((other) => (other === segment ? next : other));
  }
  const context = { logStartOffset, localLogStartOffset, now, elections };
  let segmentsDeleted = 0;
  for (const segment of unneededSegments(segments, context)) {
    if (!hasTime(broker, of)) break;
    // Its items may be below logStartOffset, but a slot is only freed when no writer takes it for the log's end any more.
    const takesItems = takesItemObjects(segment, { logStartOffset: 0, localLogStartOffset });
    if (leavesItems(segment) && !takesItems) continue;
    const deleting = beginDelete(segment, now);
    const begin = () => broker.segmentRegistry.replaceSegment(deleting);
    if (deleting !== segment && !(await untilKnown(broker, "deleting a segment", begin))) continue;
    if (takesItems) itemsDeleted += await removeItemsOf(broker, of, segment, barrierOffset);
    await deleteEverywhere(broker, of.registration.replicas, Object.values(segmentKeys(segment)));
    const remove = () => broker.segmentRegistry.removeSegment(deleting);
    await untilKnown(broker, "removing a segment", remove);
    segments = segments.filter((other) => other !== segment);
    segmentsDeleted++;
  }
  return { segmentsDeleted, itemsDeleted, segments };
}

/** The objects of a segment's items in every replica's bucket, and its items that no TTL takes in every replica's table. */
async function removeItemsOf(
  broker: UpkeepBroker,
  of: UpkeepLog,
  segment: SegmentMetadata,
  barrierOffset: number | undefined,
): Promise<number> {
  const { replicas } = of.registration;
  const { itemsWithoutExpiry = 0, lastOffset = -1 } = segment.content ?? {};
  await deleteEverywhere(broker, replicas, await readItemObjects(broker, segment));
  if (itemsWithoutExpiry === 0) return 0;
  return removeItems(broker, of, { fromOffset: segment.baseOffset, beforeOffset: lastOffset + 1 }, barrierOffset);
}

/**
 * Deletes the items that no TTL takes of a stretch that no segment tells about: those that were expired before they were copied, and the last item
 * of an idle log. They stand where the stretch begins, or are none: what has a TTL there is left, with all behind it.
 * Answers up to where it is done.
 */
export async function removeIdleItems(
  broker: UpkeepBroker,
  of: UpkeepLog,
  state: TieringState,
  barrierOffset: number | undefined,
): Promise<{ readonly removedBelow: number; readonly itemsDeleted: number }> {
  const idleOffset = idleBelow(state, broker.clock.now());
  const fromOffset = state.hotRemovedBelow ?? 0;
  if (idleOffset <= fromOffset) return { removedBelow: fromOffset, itemsDeleted: 0 };
  const { logStore } = at(broker, of.registration.leader);
  // An item may begin below localLogStartOffset, and be read from there on.
  const find = () => logStore.readItemAtOrBelow(of.log, idleOffset - 1);
  const holding = await untilKnown(broker, "reading the log", find);
  const isHeld = holding !== undefined && holding.lastOffset >= idleOffset;
  const beforeOffset = isHeld ? holding.baseOffset : idleOffset;
  const first = { maxItems: 1, maxBytes: 1 };
  let next = fromOffset;
  let itemsDeleted = 0;
  while (hasTime(broker, of)) {
    const from = next;
    const read = () => logStore.readItems(of.log, from, first);
    const [item] = (await untilKnown(broker, "reading the log", read)).items;
    if (item === undefined || item.baseOffset >= beforeOffset || item.expiresAt !== undefined) {
      return { removedBelow: idleOffset, itemsDeleted };
    }
    const isBarrier = item.baseOffset === barrierOffset;
    next = item.lastOffset + 1;
    if (isBarrier) continue;
    const stretch = { fromOffset: item.baseOffset, beforeOffset: Math.min(beforeOffset, next + ITEMS_AT_A_TIME) };
    itemsDeleted += await removeItems(broker, of, stretch, barrierOffset);
    next = stretch.beforeOffset;
  }
  return { removedBelow: Math.min(next, idleOffset), itemsDeleted };
}

interface Stretch {
  readonly fromOffset: number;
  readonly beforeOffset: number;
  readonly throughEpoch?: number;
}

/** Whether there are hot items to be removed that are out of use. */
export function hasItemsToRemove(
  { hotRemovedBelow = 0, ...state }: TieringState,
  segments: readonly SegmentMetadata[],
  now: number,
): boolean {
  const below = idleBelow(state, now);
  return below > hotRemovedBelow || segmentsWithIdleObjects(segments, below).length > 0;
}

/** In every replica's table; the newest barrier stays (REPLICATION.md, 9). */
async function removeItems(
  broker: UpkeepBroker,
  { log, registration }: UpkeepLog,
  { fromOffset, beforeOffset }: Stretch,
  barrierOffset: number | undefined,
): Promise<number> {
  const isSplit = barrierOffset !== undefined && barrierOffset >= fromOffset && barrierOffset < beforeOffset;
  const stretches = isSplit
    ? [
        { fromOffset, beforeOffset: barrierOffset },
        { fromOffset: barrierOffset + 1, beforeOffset },
      ]
    : [{ fromOffset, beforeOffset }];
  // A run that slept through an unclean election must not take what the new leader appended there.
  const ofEpoch = isReplicated(registration) ? { throughEpoch: registration.leaderEpoch } : {};
  let deleted = 0;
  for (const id of registration.replicas) {
    const { logStore } = at(broker, id);
    for (const stretch of stretches) {
      for (let from: number | undefined = stretch.fromOffset; from !== undefined && from < stretch.beforeOffset; ) {
        const rest: Stretch = { fromOffset: from, beforeOffset: stretch.beforeOffset, ...ofEpoch };
        const remove = () => logStore.deleteItemsWithoutExpiry(log, rest, ITEMS_AT_A_TIME);
        const removed: DeletedStretch = await untilKnown(broker, "deleting items", remove, STEP_TIMEOUT_MS);
        if (id === registration.leader) deleted += removed.itemsDeleted;
        from = removed.nextOffset;
      }
    }
  }
  return deleted;
}
