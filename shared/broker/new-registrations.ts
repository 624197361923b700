import type { PartitionRegistration } from "./metadata-store.ts";

/**
 * Registrations for new partitions [from, to) over brokers 1 to `brokerCount`: the leaders go round the brokers, the
 * followers are the next ones.
 */
export function newRegistrations(
  topicId: string,
  from: number,
  to: number,
  replicationFactor: number,
  brokerCount: number,
): PartitionRegistration[] {
  return Array.from({ length: to - from }, (_, index): PartitionRegistration => {
    const partition = from + index;
    const replicas = Array.from({ length: replicationFactor }, (_, place) => ((partition + place) % brokerCount) + 1);
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
