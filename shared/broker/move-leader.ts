import { type Result, refused } from "../kafka/result.ts";
import { logKey } from "../log/log-item.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { electLeader } from "./elect-leader.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { PartitionReplicator } from "./partition-replicator.ts";
import type { RegionReach } from "./region-reach.ts";

const HAND_OVER_WITHIN_MS = 3_000;

export interface LeaderMove {
  readonly registration: PartitionRegistration;
  /** The broker that is to lead; the first of `replicas` is Kafka's preferred leader. */
  readonly leader: number;
  readonly reach: Pick<RegionReach, "isAnswering">;
}

/**
 * Moves a partition's leadership to another replica in sync while all are alive: a planned move, Kafka's ElectLeaders of type
 * PREFERRED. Unlike an election in need, it gives nothing to a region that is silent, though its lease may not have run out yet; and
 * it leaves the new epoch's barrier in the old leader's table, so that a writer that has not heard of the move is fenced by its put, has appended nothing, and
 * asks the new leader, instead of finding out at the followers with an item that may or may not stay. Answers the registration.
 * Refusals: ELECTION_NOT_NEEDED, INVALID_REPLICA_ASSIGNMENT, ELIGIBLE_LEADERS_NOT_AVAILABLE.
 */
export async function moveLeader(parts: BrokerParts, move: LeaderMove): Promise<Result<PartitionRegistration>> {
  const { registration: before, leader, reach } = move;
  const { topicId, partition } = before;
  if (leader === before.leader) return refused("ELECTION_NOT_NEEDED", `broker ${leader} leads already`);
  if (before.inSyncReplicas.includes(leader) && !(await reach.isAnswering(leader))) {
    return refused(
      "ELIGIBLE_LEADERS_NOT_AVAILABLE",
      `the region of broker ${leader} does not answer`,
      "name another, or wait until it is back",
    );
  }
  const elected = await electLeader(parts, { topicId, partition, leader });
  if (elected.ok && (await reach.isAnswering(before.leader))) await handOver(parts, elected.value, before.leader);
  return elected;
}

/** A table that does not take it just now is filled by the replicator, as after any election. */
async function handOver(parts: BrokerParts, elected: PartitionRegistration, oldLeader: number): Promise<void> {
  const fill = async () => (await PartitionReplicator.begin(parts, elected)).fill(oldLeader);
  try {
    await withTimeout(parts.clock, HAND_OVER_WITHIN_MS, "handing a log over", fill());
  } catch (error) {
    const log = logKey(elected.topicId, elected.partition);
    parts.logger.warn("an old leader has not heard of the new one yet", { log, broker: oldLeader }, error);
  }
}
