import { ok, type Result } from "../kafka/result.ts";
import type { Broker } from "./broker.ts";
import { changePartition } from "./change-partition.ts";
import { unknownTopic } from "./locate-partition.ts";
import type { DeletedTopic, PartitionRegistration } from "./metadata-store.ts";
import { isReplicated } from "./partition-view.ts";
import { readTopic } from "./read-topic.ts";
import { sealLog } from "./seal-log.ts";
import { untilKnown } from "./until-known.ts";

const SEALS_AT_ONCE = 16;

/**
 * Deletes a topic: its logs are sealed, then it is gone; its items are removed in the background
 * (remove-deleted-topics.ts). The work is written down first, so that what a crash cuts short is carried on there.
 * Errors: UNKNOWN_TOPIC_OR_PARTITION; KafkaError of a store, after which the deletion goes on all the same.
 */
export async function deleteTopic(broker: Broker, name: string): Promise<Result<void>> {
  const item = await readTopic(broker, name);
  if (item === undefined) return unknownTopic(name);
  const { topicId, partitionCount } = item;
  const deleted = { topicId, name, partitionCount, deletedAt: broker.clock.now() };
  await untilKnown(broker, "noting the deletion", () => broker.metadataStore.putDeletedTopic(deleted));
  await sealAndDelete(broker, deleted);
  return ok(undefined);
}

/** With several replicas the leader is held where it is first. */
async function endPartition(broker: Broker, registration: PartitionRegistration): Promise<void> {
  const { topicId, partition } = registration;
  const ended = isReplicated(registration)
    ? await changePartition(broker, topicId, partition, (current) => ({ ...current, isEnded: true }))
    : registration;
  await sealLog(broker, ended);
}

/**
 * Seals all logs, then removes the topic's item: nobody can create the topic anew while a writer with an older view could
 * still append to the old one. Again on a topic that is gone it does nothing. Errors: KafkaError of a store.
 */
export async function sealAndDelete(broker: Broker, { topicId, name, partitionCount }: DeletedTopic): Promise<void> {
  const read = () => broker.metadataStore.getPartitions(topicId);
  const partitions = (await untilKnown(broker, "reading partitions", read)).slice(0, partitionCount);
  for (let from = 0; from < partitions.length; from += SEALS_AT_ONCE) {
    await Promise.all(partitions.slice(from, from + SEALS_AT_ONCE).map((partition) => endPartition(broker, partition)));
  }
  // False where somebody else deleted it just now, or this did and its answer was lost: it is gone either way.
  await untilKnown(broker, "deleting the topic", () => broker.metadataStore.deleteTopic(name, topicId));
  broker.topics.invalidate(name);
}
