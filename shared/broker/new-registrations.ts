import type { PartitionRegistration } from "./metadata-store.ts";

/** Which partitions [from, to) of a topic are new, and where they go. */
export interface NewPartitions {
  readonly topicId: string;
  readonly from: number;
  readonly to: number;
  readonly replicationFactor: number;
  readonly brokerCount: number;
  /** The broker that partition 0 begins with: another for each topic, so that topics of one partition are spread too. */
  readonly firstBroker: number;
}

/**
 * Registrations for new partitions over brokers 1 to `brokerCount`: the leaders go round the brokers, the followers are the
 * next ones, as in Kafka's replica assignment without racks.
 */
export function newRegistrations(added: NewPartitions): PartitionRegistration[] {
  const { topicId, from, to, replicationFactor, brokerCount, firstBroker } = added;
  return Array.from({ length: to - from }, (_, index): PartitionRegistration => {
    const partition = from + index;
    const first = firstBroker - 1 + partition;
    const replicas = Array.from({ length: replicationFactor }, (_, place) => ((first + place) % brokerCount) + 1);
    return {
      topicId,
      partition,
      replicas,
      leader: replicas[0]!,
      leaderEpoch: 0,
      inSyncReplicas: replicas,
      joining: [],
      partitionEpoch: 0,
      logStartOffset: 0,
    };
  });
}
