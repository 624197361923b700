import { logKey } from "../log/log-item.ts";
import type { Broker } from "./broker.ts";
import { sealLogs } from "./delete-topic.ts";
import type { DeletedTopic } from "./metadata-store.ts";
import { untilKnown } from "./until-known.ts";

/**
 * How long the logs of a deleted topic stay sealed before they are removed: longer than a cached topic and the request
 * that found it there can live, so that whoever still takes the topic for alive meets the seal and not a free slot.
 */
export const SEAL_GRACE_MS = 60_000;

const TOPICS_AT_A_TIME = 100;
const OBJECTS_AT_A_TIME = 1000;

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

async function removeTopic(broker: Broker, topic: DeletedTopic, maxItems: number) {
  const { metadataStore } = broker;
  const { topicId, partitionCount, name } = topic;
  const isPastGrace = broker.clock.now() - topic.deletedAt >= SEAL_GRACE_MS;
  const current = await untilKnown(broker, "reading the topic", () => metadataStore.getTopic(name));
  if (current?.topicId === topicId) {
    // The deletion did not get as far as the topic's item: it was not deleted, and may never be.
    if (isPastGrace) await metadataStore.removeDeletedTopic(topicId);
    return { itemsDeleted: 0, isDone: false };
  }
  let itemsDeleted = 0;
  if (!isPastGrace) {
    await sealLogs(broker, topicId, partitionCount);
    return { itemsDeleted, isDone: false };
  }
  for (let partition = 0; partition < partitionCount; partition++) {
    const log = logKey(topicId, partition);
    itemsDeleted += await broker.logStore.deleteItems(log, Number.MAX_SAFE_INTEGER, maxItems - itemsDeleted);
    if (itemsDeleted >= maxItems) return { itemsDeleted, isDone: false };
  }
  const objects = await broker.segmentStore.listObjects(`${topicId}/`, { maxKeys: OBJECTS_AT_A_TIME });
  await broker.segmentStore.deleteObjects(objects.map(({ key }) => key));
  if (objects.length === OBJECTS_AT_A_TIME) return { itemsDeleted, isDone: false };
  await metadataStore.deletePartitions(topicId, partitionCount);
  await metadataStore.removeDeletedTopic(topicId);
  return { itemsDeleted, isDone: true };
}
