import { type LogKey, logKey } from "../log/log-item.ts";
import { isUnderWay } from "../log/segment/tiering-plan.ts";
import type { SegmentPlace } from "../log/segment-registry.ts";
import type { Broker } from "./broker.ts";
import { sealAndDelete } from "./delete-topic.ts";
import type { DeletedTopic } from "./metadata-store.ts";
import { readTopic } from "./read-topic.ts";
import { at } from "./replica-stores.ts";
import { untilKnown } from "./until-known.ts";

/**
 * How long the logs of a deleted topic stay sealed before they are removed: longer than a cached topic and the request
 * that found it there can live, so that whoever still takes the topic for alive meets the seal and not a free slot.
 */
export const SEAL_GRACE_MS = 60_000;

const TOPICS_AT_A_TIME = 100;
const ITEMS_AT_A_TIME = 500;
const OBJECTS_AT_A_TIME = 1000;
const SEGMENTS_AT_A_TIME = 500;
const STEP_TIMEOUT_MS = 30_000;

export interface Removed {
  readonly itemsDeleted: number;
  readonly topicsRemoved: number;
}

/**
 * Background work, up to about `maxItems` items at a time: removes what deleted topics left behind. Safe to run twice at
 * once and to be killed anywhere. Again later if it used up its items.
 */
export async function removeDeletedTopics(broker: Broker, { maxItems }: { maxItems: number }): Promise<Removed> {
  let itemsDeleted = 0;
  let topicsRemoved = 0;
  const list = () => broker.metadataStore.listDeletedTopics(TOPICS_AT_A_TIME);
  for (const topic of await untilKnown(broker, "listing deleted topics", list)) {
    if (itemsDeleted >= maxItems) break;
    const removed = await removeTopic(broker, topic, maxItems - itemsDeleted);
    itemsDeleted += removed.itemsDeleted;
    if (removed.isDone) topicsRemoved++;
  }
  return { itemsDeleted, topicsRemoved };
}

/** Whether a deleted topic is still waiting for its minute to end, or for the rest of it to be removed. */
export async function hasDeletedTopics(broker: Broker): Promise<boolean> {
  const list = () => broker.metadataStore.listDeletedTopics(1);
  return (await untilKnown(broker, "listing deleted topics", list)).length > 0;
}

async function removeTopic(broker: Broker, topic: DeletedTopic, maxItems: number) {
  const { metadataStore } = broker;
  const { topicId, partitionCount, name } = topic;
  let itemsDeleted = 0;
  const current = await readTopic(broker, name);
  if (current?.topicId === topicId) {
    // A deletion that was cut short is carried on; its minute begins when the topic is gone.
    await sealAndDelete(broker, topic);
    const begun = { ...topic, deletedAt: broker.clock.now() };
    await untilKnown(broker, "noting the deletion", () => metadataStore.putDeletedTopic(begun));
    return { itemsDeleted, isDone: false };
  }
  const logs = Array.from({ length: partitionCount }, (_, partition) => logKey(topicId, partition));
  if (broker.clock.now() - topic.deletedAt < SEAL_GRACE_MS) return { itemsDeleted, isDone: false };
  // What is written to a bucket just now would be left there for good.
  if (await isBeingCopied(broker, logs)) return { itemsDeleted, isDone: false };
  for (const region of everyRegion(broker)) {
    for (const log of logs) {
      if (itemsDeleted < maxItems) itemsDeleted += await removeItems(region, log, maxItems - itemsDeleted);
    }
    if (itemsDeleted >= maxItems || (await removeObjects(region, topicId))) return { itemsDeleted, isDone: false };
  }
  for (const log of logs) await removeSegments(broker, log);
  await untilKnown(broker, "deleting partitions", () => metadataStore.deletePartitions(topicId, partitionCount));
  await untilKnown(broker, "ending the deletion", () => metadataStore.removeDeletedTopic(topicId));
  return { itemsDeleted, isDone: true };
}

/** Whether a run of the upkeep that began before the topic was deleted may still write a segment. */
async function isBeingCopied({ segmentRegistry, ...broker }: Broker, logs: readonly LogKey[]): Promise<boolean> {
  if (segmentRegistry === undefined) return false;
  const now = broker.clock.now();
  for (const log of logs) {
    // The newest copies are at the log's end, and compaction's anywhere.
    for (let after: SegmentPlace | undefined; ; ) {
      const options = { limit: SEGMENTS_AT_A_TIME, ...(after === undefined ? {} : { after }) };
      const list = () => segmentRegistry.listSegments(log, options);
      const segments = await untilKnown(broker, "listing segments", list);
      if (segments.some((segment) => isUnderWay(segment, now))) return true;
      if (segments.length < SEGMENTS_AT_A_TIME) break;
      after = segments.at(-1);
    }
  }
  return false;
}

/** The registrations of a log's segments, when their objects are gone. */
async function removeSegments({ segmentRegistry, ...broker }: Broker, log: LogKey): Promise<void> {
  if (segmentRegistry === undefined) return;
  const remove = () => segmentRegistry.removeLog(log, SEGMENTS_AT_A_TIME);
  while ((await untilKnown(broker, "removing segments", remove, STEP_TIMEOUT_MS)) >= SEGMENTS_AT_A_TIME);
}

/** The broker on the stores of each region in turn. */
function everyRegion(broker: Broker): Broker[] {
  return broker.replicas === undefined ? [broker] : [...broker.replicas.keys()].map((id) => at(broker, id));
}

/** Deletes up to `maxItems` items of a log, in steps that each end within their time. Fewer than that: none is left. */
async function removeItems(broker: Broker, log: LogKey, maxItems: number): Promise<number> {
  let deleted = 0;
  while (deleted < maxItems) {
    const step = Math.min(ITEMS_AT_A_TIME, maxItems - deleted);
    const remove = () => broker.logStore.deleteItems(log, Number.MAX_SAFE_INTEGER, step);
    const count = await untilKnown(broker, "deleting items", remove, STEP_TIMEOUT_MS);
    deleted += count;
    if (count < step) break;
  }
  return deleted;
}

/** Deletes a page of the topic's objects. True if there may be more. */
async function removeObjects(broker: Broker, topicId: string): Promise<boolean> {
  const { segmentStore } = broker;
  const list = () => segmentStore.listObjects(`${topicId}/`, { maxKeys: OBJECTS_AT_A_TIME });
  const objects = await untilKnown(broker, "listing objects", list, STEP_TIMEOUT_MS);
  const remove = () => segmentStore.deleteObjects(objects.map(({ key }) => key));
  await untilKnown(broker, "deleting objects", remove, STEP_TIMEOUT_MS);
  return objects.length === OBJECTS_AT_A_TIME;
}
