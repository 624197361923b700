import { logKey } from "../log/log-item.ts";
import type { BrokerParts } from "./broker.ts";
import { readRegistration } from "./change-partition.ts";
import { fencedBy } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";

/**
 * Whoever was fenced and has not heard of it sees an old log, and must not refuse by it what the new leader would take. An
 * append finds out by itself; a refusal has to ask. Errors: FENCED_LEADER_EPOCH.
 */
export async function confirmLeader(parts: BrokerParts, registration: PartitionRegistration): Promise<void> {
  const { topicId, partition, leaderEpoch, replicas } = registration;
  if (replicas.length === 1) return;
  const current = await readRegistration(parts, topicId, partition);
  if (current === undefined || current.leaderEpoch === leaderEpoch) return;
  throw fencedBy(logKey(topicId, partition), leaderEpoch, current.leaderEpoch);
}
