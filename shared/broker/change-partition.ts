import { KafkaError } from "../kafka/kafka-error.ts";
import type { BrokerParts } from "./broker.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { untilKnown } from "./until-known.ts";

const MAX_ATTEMPTS = 20;

/** What a change makes of a registration; undefined: there is nothing to change. */
export type PartitionChange = (
  registration: PartitionRegistration,
) => Omit<PartitionRegistration, "partitionEpoch"> | undefined;

/**
 * Changes a partition's registration by compare-and-set on its partitionEpoch: reads, asks, writes, and asks again where
 * somebody else was faster. Answers the registration as it is then. Errors: KafkaError of the store, or REQUEST_TIMED_OUT.
 */
export async function changePartition(
  parts: BrokerParts,
  topicId: string,
  partition: number,
  change: PartitionChange,
): Promise<PartitionRegistration> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const current = await readRegistration(parts, topicId, partition);
    if (current === undefined)
      throw new KafkaError("UNKNOWN_TOPIC_OR_PARTITION", `there is no ${topicId}#${partition}`);
    const changed = current.isEnded ? undefined : change(current);
    if (changed === undefined) return current;
    const next = { ...changed, partitionEpoch: current.partitionEpoch + 1 };
    const update = () => parts.metadataStore.updatePartition(next);
    if (await untilKnown(parts, "changing a partition", update)) return next;
  }
  throw new KafkaError("REQUEST_TIMED_OUT", `others kept changing ${topicId}#${partition}`, { hint: "try again" });
}

export async function readRegistration(
  parts: BrokerParts,
  topicId: string,
  partition: number,
): Promise<PartitionRegistration | undefined> {
  const read = () => parts.metadataStore.getPartitions(topicId);
  const all = await untilKnown(parts, "reading partitions", read);
  return all.find((registration) => registration.partition === partition);
}
