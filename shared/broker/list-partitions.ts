import type { PartitionFilter } from "../kafka/partition-filter.ts";
import { configValue } from "../kafka/topic-config-values.ts";
import type { Broker } from "./broker.ts";
import { fencedBrokers } from "./fenced-brokers.ts";
import { withPartitions } from "./list-topics.ts";
import type { PartitionRegistration, TopicItem } from "./metadata-store.ts";

export interface ListedPartitions {
  readonly topic: string;
  readonly partitions: readonly PartitionRegistration[];
}

/** The partitions of topics that are in a state; all of them without a filter. Topics in the order given, those without one too. */
export async function listPartitions(
  broker: Broker,
  topics: readonly TopicItem[],
  filter: PartitionFilter | undefined,
): Promise<ListedPartitions[]> {
  const [fenced, described] = await Promise.all([
    filter === "unavailable" ? fencedBrokers(broker) : new Set<number>(),
    Promise.all(topics.map((item) => withPartitions(broker, item))),
  ]);
  return described.map(({ name, partitions }, index) => {
    const minInSync = Number(configValue(topics[index]!.configs, "min.insync.replicas"));
    const isSought = (partition: PartitionRegistration) =>
      filter === undefined || isIn(filter, partition, minInSync, fenced);
    return { topic: name, partitions: partitions.filter(isSought) };
  });
}

function isIn(
  filter: PartitionFilter,
  { leader, replicas, inSyncReplicas }: PartitionRegistration,
  minInSync: number,
  fenced: ReadonlySet<number>,
): boolean {
  switch (filter) {
    case "under_replicated":
      return inSyncReplicas.length < replicas.length;
    // Its leader's region is gone, and no other has taken over.
    case "unavailable":
      return fenced.has(leader);
    case "under_min_isr":
      return inSyncReplicas.length < minInSync;
    case "at_min_isr":
      return inSyncReplicas.length === minInSync;
  }
}
