import type { TopicIdPartition } from "../../group/partitions-by-topic.ts";
import { refuse } from "../../kafka/kafka-error.ts";
import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { type NamedPartition, namedPartitions, topicsByName } from "../groups/named-partitions.ts";
import { MAX_INSTANCE_PARTITIONS } from "./instance.ts";
import { type InstanceResult, partitionNotFound, topicNotFound } from "./instance-refusal.ts";

/**
 * Each with its topic's id, in order: all of them, or a refusal: topic-not-found, partition-not-found; INVALID_REQUEST for too many, or one
 * that is named twice.
 */
export async function knownPartitions<P extends NamedPartition>(
  broker: Broker,
  partitions: readonly P[],
): Promise<InstanceResult<(P & TopicIdPartition)[]>> {
  if (partitions.length > MAX_INSTANCE_PARTITIONS) {
    const hint = `at most ${MAX_INSTANCE_PARTITIONS} in one request`;
    return { ok: false, refusal: refuse("INVALID_REQUEST", `${partitions.length} partitions`, hint) };
  }
  const names = new Set(partitions.map(({ topic, partition }) => `${partition}#${topic}`));
  if (names.size < partitions.length) {
    return { ok: false, refusal: refuse("INVALID_REQUEST", "a partition is named twice") };
  }
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
