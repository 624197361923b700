/** A partition's registration: one item a partition, under its topic's id; changed by compare-and-set on `partitionEpoch`. */
import type { PartitionRegistration } from "../../broker/metadata-store.ts";
import { type Attributes, stringOf } from "./attributes.ts";
import { metadataKey } from "./metadata-key.ts";

export function partitionsKind(topicId: string): string {
  return `partitions/${topicId}`;
}

/** The number is padded, so that the order of names is the order of partitions. */
export function partitionKey(topicId: string, partition: number): Attributes {
  return metadataKey(partitionsKind(topicId), String(partition).padStart(5, "0"));
}

export function registrationToAttributes(registration: PartitionRegistration): Attributes {
  return {
    ...partitionKey(registration.topicId, registration.partition),
    partitionEpoch: { N: String(registration.partitionEpoch) },
    value: { S: JSON.stringify(registration) },
  };
}

export function attributesToRegistration(attributes: Attributes): PartitionRegistration {
  return JSON.parse(stringOf(attributes, "value")) as PartitionRegistration;
}
