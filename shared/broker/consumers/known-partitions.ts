import type { TopicIdPartition } from "../../group/partitions-by-topic.ts";
import { refuse } from "../../kafka/kafka-error.ts";
import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { type NamedPartition, namedPartitions, topicsByName } from "../groups/named-partitions.ts";
import { MAX_INSTANCE_PARTITIONS } from "./instance.ts";
import { type InstanceResult, partitionNotFound, topicNotFound } from "./instance-refusal.ts";

/**
 * Each with its topic's id, in order, and once: of one that is named twice the last counts, as in Kafka's clients, which put them into sets and maps. All of
 * them, or a refusal: topic-not-found, partition-not-found; INVALID_REQUEST for too many.
 */
export async function knownPartitions<P extends NamedPartition>(
  broker: Broker,
  given: readonly P[],
): Promise<InstanceResult<(P & TopicIdPartition)[]>> {
  if (given.length > MAX_INSTANCE_PARTITIONS) {
    const hint = `at most ${MAX_INSTANCE_PARTITIONS} in one request`;
    return { ok: false, refusal: refuse("INVALID_REQUEST", `${given.length} partitions`, hint) };
  }
  const partitions = [...new Map(given.map((each) => [`${each.partition}#${each.topic}`, each])).values()];
  const known: (P & TopicIdPartition)[] = [];
  for (const [index, resolved] of (await namedPartitions(broker, partitions)).entries()) {
    if (!resolved.ok) {
      const { topic, partition } = partitions[index]!;
      const topics = await topicsByName(broker, [topic]);
      return topics.has(topic) ? partitionNotFound(topic, partition) : topicNotFound(topic);
    }
    known.push(resolved.value);
  }
  return ok(known);
}
