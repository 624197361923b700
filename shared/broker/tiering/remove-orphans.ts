import { MAX_TIERING_LAG_MS } from "../../log/retention-expiry.ts";
import { logPrefix, orphanedItemObjects, orphanedKeys } from "../../log/segment/segment-keys.ts";
import { type SweepPlace, type SweepState, type TieringState, tieringLagMs } from "../../log/segment/tiering-state.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import { OBJECT_TIMEOUT_MS, readItemObjects } from "./segment-objects.ts";
import { allSegments, hasTime, type UpkeepBroker, type UpkeepLog } from "./upkeep-log.ts";

/** A list of a thousand objects costs a two-hundredth of a cent; what is left behind is little. */
export const SWEEP_EVERY_MS = 24 * 60 * 60 * 1000;
const KEYS_AT_A_TIME = 1_000;

export interface SweptObjects {
  readonly sweep: SweepState | undefined;
  readonly objectsDeleted: number;
}

/**
 * Once a day: deletes the objects of a log, in the buckets of all its replicas, that are nobody's: segments without a registration, and batches that
 * no item came to point to. Page by page; what there is no time for is the next run's. Errors: KafkaError of a store.
 */
export async function removeOrphans(broker: UpkeepBroker, of: UpkeepLog, state: TieringState): Promise<SweptObjects> {
  const now = broker.clock.now();
  const { replicas } = of.registration;
  let { sweep } = state;
  let objectsDeleted = 0;
  const isDue = sweep === undefined || now - sweep.at >= SWEEP_EVERY_MS;
  if (sweep?.next === undefined) {
    if (!isDue) return { sweep, objectsDeleted };
    sweep = { at: now, next: { brokerId: replicas[0]! } };
  }
  for (let place = sweep.next; place !== undefined && hasTime(broker, of); place = sweep.next) {
    const page = await sweepPage(broker, of, state, place);
    objectsDeleted += page.objectsDeleted;
    sweep = { at: sweep.at, ...(page.next === undefined ? {} : { next: page.next }) };
  }
  return { sweep, objectsDeleted };
}

async function sweepPage(broker: UpkeepBroker, of: UpkeepLog, state: TieringState, { brokerId, after }: SweepPlace) {
  const { replicas } = of.registration;
  const { segmentStore } = at(broker, brokerId);
  const options = { maxKeys: KEYS_AT_A_TIME, ...(after === undefined ? {} : { after }) };
  const list = () => segmentStore.listObjects(logPrefix(of.log), options);
  const objects = await untilKnown(broker, "listing objects", list, OBJECT_TIMEOUT_MS);
  const keys = await orphansAmong(broker, of, state, objects);
  if (keys.length > 0) {
    await untilKnown(broker, "deleting objects", () => segmentStore.deleteObjects(keys), OBJECT_TIMEOUT_MS);
  }
  const isFull = objects.length === KEYS_AT_A_TIME;
  const nextBroker = replicas[replicas.indexOf(brokerId) + 1];
  const next: SweepPlace | undefined = isFull
    ? { brokerId, after: objects.at(-1)!.key }
    : nextBroker === undefined
      ? undefined
      : { brokerId: nextBroker };
  return { objectsDeleted: keys.length, next };
}

async function orphansAmong(
  broker: UpkeepBroker,
  { log }: UpkeepLog,
  state: TieringState,
  objects: Parameters<typeof orphanedItemObjects>[1],
): Promise<string[]> {
  const now = broker.clock.now();
  // After the objects: a registration stands before the first byte of its segment.
  const segments = await allSegments(broker, log);
  const registered = new Set(segments.map(({ segmentId }) => segmentId));
  const keys = objects.map(({ key }) => key);
  const ofSegments = orphanedKeys(log, keys, registered, now);
  const isBehind = tieringLagMs(state, now) > MAX_TIERING_LAG_MS;
  const none = new Set<string>();
  if (isBehind || orphanedItemObjects(log, objects, none, now).length === 0) return ofSegments;
  const named = new Set<string>();
  for (const segment of segments.filter(({ itemObjectsRemoved }) => itemObjectsRemoved !== true)) {
    for (const key of await readItemObjects(broker, segment)) named.add(key);
  }
  return [...ofSegments, ...orphanedItemObjects(log, objects, named, now)];
}
