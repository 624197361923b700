/**
 * The items of the metadata table, by `kind`:
 *
 * - `cluster`, one: its id; written once.
 * - `topic`, one a topic under its name: changed by compare-and-set on `version`.
 * - `partitions/<topicId>`, one a partition: its registration; changed by compare-and-set on `partitionEpoch`.
 * - `deleted-topic`, one a deleted topic until its items are removed.
 * - `producer-id`, one: the counter of producer ids.
 *
 * Only keys and what conditions judge are attributes; the rest is JSON in `value`.
 */
import type { PartitionRegistration, TopicItem } from "../../broker/metadata-store.ts";
import type { Attributes } from "./log-item-attributes.ts";

export function metadataKey(kind: string, name: string): Attributes {
  return { kind: { S: kind }, name: { S: name } };
}

export function topicToAttributes(topic: TopicItem): Attributes {
  return {
    ...metadataKey("topic", topic.name),
    topicId: { S: topic.topicId },
    version: { N: String(topic.version) },
    value: { S: JSON.stringify(topic) },
  };
}

export function partitionsKind(topicId: string): string {
  return `partitions/${topicId}`;
}

/** Padded, so that the order of names is the order of partitions. */
export function partitionName(partition: number): string {
  return String(partition).padStart(5, "0");
}

export function registrationToAttributes(registration: PartitionRegistration): Attributes {
  return {
    ...metadataKey(partitionsKind(registration.topicId), partitionName(registration.partition)),
    partitionEpoch: { N: String(registration.partitionEpoch) },
    value: { S: JSON.stringify(registration) },
  };
}

export function itemValue<T>(attributes: Attributes): T {
  return JSON.parse(attributes["value"]?.S ?? "null") as T;
}
