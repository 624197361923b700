import { ok, type Result } from "../kafka/result.ts";
import type { Broker } from "./broker.ts";
import { unknownTopic } from "./locate-partition.ts";
import { describe, type TopicDescription } from "./topic-description.ts";

/** A topic as it is now. Errors: UNKNOWN_TOPIC_OR_PARTITION. */
export async function describeTopic(broker: Broker, name: string): Promise<Result<TopicDescription>> {
  const topic = await broker.topics.refresh(name);
  return topic === undefined ? unknownTopic(name) : ok(describe(topic.item, topic.partitions));
}
