import { MAX_TOPICS } from "../kafka/limits.ts";
import type { Broker } from "./broker.ts";
import type { TopicItem } from "./metadata-store.ts";
import { describe, type TopicDescription } from "./topic-description.ts";
import { untilKnown } from "./until-known.ts";

const PAGE = 1000;

/** All topics in order of name; a cluster has at most MAX_TOPICS. */
export async function listAllTopics(broker: Broker): Promise<TopicItem[]> {
  const topics: TopicItem[] = [];
  while (topics.length <= MAX_TOPICS) {
    const after = topics.at(-1)?.name;
    const options = after === undefined ? { limit: PAGE } : { limit: PAGE, after };
    const page = await untilKnown(broker, "listing topics", () => broker.metadataStore.listTopics(options));
    topics.push(...page);
    if (page.length < PAGE) break;
  }
  return topics;
}

const READS_AT_ONCE = 16;

/** A topic with its partitions. */
export async function withPartitions(broker: Broker, item: TopicItem): Promise<TopicDescription> {
  const read = () => broker.metadataStore.getPartitions(item.topicId);
  const partitions = await untilKnown(broker, "reading partitions", read);
  return describe(item, partitions.slice(0, item.partitionCount));
}

/** All topics with their partitions, in order of name. */
export async function listTopics(broker: Broker): Promise<TopicDescription[]> {
  const items = await listAllTopics(broker);
  const descriptions: TopicDescription[] = [];
  for (let at = 0; at < items.length; at += READS_AT_ONCE) {
    const some = items.slice(at, at + READS_AT_ONCE).map((item) => withPartitions(broker, item));
    descriptions.push(...(await Promise.all(some)));
  }
  return descriptions;
}
