import type { SubscribableTopic } from "../../group/decision.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import type { Broker } from "../broker.ts";
import { listAllTopics } from "../list-topics.ts";
import type { TopicItem } from "../metadata-store.ts";
import type { CachedTopic } from "../topic-cache.ts";

/** Beyond so many names one list of all topics costs less than asking for each. */
const MAX_NAMES = 100;
const READS_AT_ONCE = 16;

/**
 * Topics as subscriptions need them, by name; `all`: every one there is (a cluster has at most MAX_TOPICS), for regular expressions. From the
 * store: processes that remember differently would take turns in changing the group's target assignment. Topics that are asked for by name tell
 * the racks of their partitions, with several regions: a region is a rack.
 */
export async function subscribableTopics(
  broker: Broker,
  names: readonly string[],
  all: boolean,
): Promise<ReadonlyMap<string, SubscribableTopic>> {
  if (all || names.length > MAX_NAMES) {
    const wanted = all ? undefined : new Set(names);
    const listed = await listAllTopics(broker);
    return new Map(listed.filter(({ name }) => wanted?.has(name) ?? true).map((item) => [item.name, of(item)]));
  }
  const topics = new Map<string, SubscribableTopic>();
  await sideBySide([...new Set(names)], READS_AT_ONCE, async (name) => {
    const topic = await broker.topics.refresh(name);
    if (topic !== undefined) topics.set(name, { ...of(topic.item), ...racksOf(broker, topic) });
  });
  return topics;
}

function of({ topicId, name, partitionCount }: TopicItem): SubscribableTopic {
  return { topicId, name, partitionCount };
}

function racksOf({ regions }: Broker, { partitions }: CachedTopic): Pick<SubscribableTopic, "partitionRacks"> {
  if (regions.length === 1) return {};
  return { partitionRacks: partitions.map(({ replicas }) => replicas.flatMap((id) => regions[id - 1] ?? [])) };
}
