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

/** One of a topic of this id only, and of none that was made anew under its name. Absent: of whichever there is. */
export interface IdentifiedPartition extends NamedPartition {
  readonly topicId?: string;
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

/** The topic of this id, if it is there still: asked for once more where the cache has another one under its name. */
export async function topicOfId(broker: Broker, name: string, topicId: string): Promise<CachedTopic | undefined> {
  const cached = await broker.topics.get(name);
  if (cached === undefined || cached.item.topicId === topicId) return cached;
  const topic = await broker.topics.refresh(name);
  return topic?.item.topicId === topicId ? topic : undefined;
}

/**
 * Each with its topic's id, in order, or UNKNOWN_TOPIC_OR_PARTITION. A partition that the cache lacks is looked for once more, and so is one of another id than
 * the cache has. `isExpected`: whether one that is not named by its topic's id is taken as the cache has it; absent: it is.
 */
export async function namedPartitions<P extends IdentifiedPartition>(
  broker: Broker,
  partitions: readonly P[],
  isExpected: (partition: TopicIdPartition) => boolean = () => true,
): Promise<Result<P & TopicIdPartition>[]> {
  const topics = await topicsByName(
    broker,
    partitions.map(({ topic }) => topic),
  );
  const isKnown = ({ topic, partition }: P) => topics.get(topic)?.partitions[partition] !== undefined;
  const isOther = ({ topic, topicId = topics.get(topic)?.item.topicId }: P) =>
    topics.get(topic)?.item.topicId !== topicId;
  const isDoubtful = ({ topic, topicId, partition }: P) =>
    topicId === undefined && !isExpected({ topicId: topics.get(topic)!.item.topicId, partition });
  const lacking = new Set(
    partitions
      .filter((each) => topics.has(each.topic) && (!isKnown(each) || isOther(each) || isDoubtful(each)))
      .map(({ topic }) => topic),
  );
  await sideBySide([...lacking], READS_AT_ONCE, async (name) => {
    const topic = await broker.topics.refresh(name);
    if (topic === undefined) topics.delete(name);
    else topics.set(name, topic);
  });
  return partitions.map((each): Result<P & TopicIdPartition> => {
    const topic = topics.get(each.topic);
    if (topic === undefined || isOther(each)) return unknownTopic(each.topic);
    const { topicId, partitionCount } = topic.item;
    return isKnown(each) ? ok({ ...each, topicId }) : unknownPartition(each.topic, each.partition, partitionCount);
  });
}

/** By topic, then by number. */
export function byPartition(one: NamedPartition, other: NamedPartition): number {
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1;
  return one.partition - other.partition;
}
