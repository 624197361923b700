import { ok, type Result, refused } from "../kafka/result.ts";
import { topicNameRefusal } from "../kafka/topic-name.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import type { CachedTopic } from "./topic-cache.ts";

/** A partition, and the topic it belongs to, from one read of the metadata. */
export interface LocatedPartition {
  readonly topic: CachedTopic;
  readonly registration: PartitionRegistration;
}

/**
 * What the metadata answer in the time that a produce has left: while they cannot be read, each read goes on for far longer. Errors: REQUEST_TIMED_OUT;
 * nothing was appended by then.
 */
export function beforeDeadline<T>({ clock }: Broker, deadline: number, reading: Promise<T>): Promise<T> {
  return withTimeout(clock, Math.max(0, deadline - clock.now()), "reading the topic", reading);
}

/** Finds a topic. Errors: UNKNOWN_TOPIC_OR_PARTITION. */
export async function locateTopic(broker: Broker, name: string): Promise<Result<CachedTopic>> {
  const topic = await broker.topics.get(name);
  if (topic !== undefined) return ok(topic);
  return unknownTopic(name);
}

export function unknownTopic(name: string): ReturnType<typeof refused> {
  const hint = topicNameRefusal(name)?.hint ?? "create it first";
  return refused("UNKNOWN_TOPIC_OR_PARTITION", `topic ${JSON.stringify(name)} does not exist`, hint);
}

/** Finds a partition; one that the cached topic lacks may have been added since, so the topic is read again first. */
export async function locatePartition(
  broker: Broker,
  name: string,
  partition: number,
): Promise<Result<LocatedPartition>> {
  const located = await locateTopic(broker, name);
  if (!located.ok) return located;
  const isKnown = located.value.partitions[partition] !== undefined;
  const topic = isKnown ? located.value : await broker.topics.refresh(name);
  const registration = topic?.partitions[partition];
  if (topic !== undefined && registration !== undefined) return ok({ topic, registration });
  return unknownPartition(name, partition, topic?.item.partitionCount ?? 0);
}

export function unknownPartition(name: string, partition: number, partitionCount: number): ReturnType<typeof refused> {
  return refused(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `topic ${JSON.stringify(name)} has no partition ${partition}`,
    `its partitions are 0 to ${partitionCount - 1}`,
  );
}
