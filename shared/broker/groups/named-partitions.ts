import type { TopicIdPartition } from "../../group/partitions-by-topic.ts";
import { ok, type Result } from "../../kafka/result.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import type { Broker } from "../broker.ts";
import { unknownPartition, unknownTopic } from "../locate-partition.ts";
import type { CachedTopic } from "../topic-cache.ts";

/** A partition as clients name it. */
export interface NamedPartition {
  readonly topic: string;
  readonly partition: number;
}

const READS_AT_ONCE = 16;

/** Topics by name, as the cache has them; those that do not exist are not in it. */
export async function topicsByName(broker: Broker, names: Iterable<string>): Promise<Map<string, CachedTopic>> {
  const found = new Map<string, CachedTopic>();
  await sideBySide([...new Set(names)], READS_AT_ONCE, async (name) => {
    const topic = await broker.topics.get(name);
    if (topic !== undefined) found.set(name, topic);
  });
  return found;
}

/** Each with its topic's id, in order, or UNKNOWN_TOPIC_OR_PARTITION. A partition that the cache lacks is looked for once more. */
export async function namedPartitions<P extends NamedPartition>(
  broker: Broker,
  partitions: readonly P[],
): Promise<Result<P & TopicIdPartition>[]> {
  const topics = await topicsByName(
    broker,
    partitions.map(({ topic }) => topic),
  );
  const isKnown = ({ topic, partition }: P) => topics.get(topic)?.partitions[partition] !== undefined;
  const lacking = new Set(
    partitions.filter((each) => topics.has(each.topic) && !isKnown(each)).map(({ topic }) => topic),
  );
  await sideBySide([...lacking], READS_AT_ONCE, async (name) => {
    const topic = await broker.topics.refresh(name);
    if (topic === undefined) topics.delete(name);
    else topics.set(name, topic);
  });
  return partitions.map((each): Result<P & TopicIdPartition> => {
    const topic = topics.get(each.topic);
    if (topic === undefined) return unknownTopic(each.topic);
    const { topicId, partitionCount } = topic.item;
    return isKnown(each) ? ok({ ...each, topicId }) : unknownPartition(each.topic, each.partition, partitionCount);
  });
}

/** By topic, then by number. */
export function byPartition(one: NamedPartition, other: NamedPartition): number {
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1;
  return one.partition - other.partition;
}
