import type { Refusal } from "../kafka/kafka-error.ts";
import { refuse } from "../kafka/kafka-error.ts";
import { ok, type Result } from "../kafka/result.ts";
import { logKey } from "../log/log-item.ts";
import type { BrokerParts } from "./broker.ts";
import { changePartition } from "./change-partition.ts";
import { leadLog } from "./lead-log.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { at } from "./replica-stores.ts";

export interface Election {
  readonly topicId: string;
  readonly partition: number;
  /** The broker that is to lead; the first of `replicas` that may, unless told: Kafka's preferred leader. */
  readonly leader?: number;
  /** Elect only if the leader still is this one, in this epoch. */
  readonly instead?: { readonly leader: number; readonly leaderEpoch: number };
  /** Brokers that cannot lead now. */
  readonly except?: readonly number[];
  /** Brokers that leave the in-sync set with the election, so that the new epoch never waits for them: they are gone. */
  readonly gone?: readonly number[];
}

/**
 * Elects a leader: epoch + 1, a leader of the in-sync set, nobody joining, by compare-and-set (REPLICATION.md, 1); then seals its
 * log and begins the epoch, which whoever appends next would do otherwise. Answers the registration.
 */
export async function electLeader(parts: BrokerParts, election: Election): Promise<Result<PartitionRegistration>> {
  let refusal: Refusal | undefined;
  let isElected = false;
  const { topicId, partition } = election;
  const elected = await changePartition(parts, topicId, partition, (registration) => {
    refusal = undefined;
    isElected = false;
    const { leader, leaderEpoch } = registration;
    const { instead } = election;
    if (instead !== undefined && (instead.leader !== leader || instead.leaderEpoch !== leaderEpoch)) return undefined;
    const next = choose(registration, election);
    if (typeof next !== "number") {
      refusal = next;
      return undefined;
    }
    if (next === leader && instead === undefined) return undefined;
    isElected = true;
    // As a shrink in the old epoch and then the election would leave it.
    const inSyncReplicas = registration.inSyncReplicas.filter((id) => id === next || !election.gone?.includes(id));
    return { ...registration, leader: next, leaderEpoch: leaderEpoch + 1, inSyncReplicas, joining: [] };
  });
  if (refusal !== undefined) return { ok: false, refusal };
  if (isElected) parts.metrics.count("LeaderElections", 1);
  try {
    await leadLog(at(parts, elected.leader), logKey(topicId, partition), elected);
  } catch (error) {
    parts.logger.warn("an elected leader does not lead yet", { topicId, partition, leader: elected.leader }, error);
  }
  return ok(elected);
}

function choose({ replicas, inSyncReplicas }: PartitionRegistration, election: Election): number | Refusal {
  const { leader: asked, except = [] } = election;
  if (asked !== undefined && !replicas.includes(asked)) {
    return refuse(
      "INVALID_REPLICA_ASSIGNMENT",
      `broker ${asked} is no replica`,
      `the replicas are ${replicas.join(", ")}`,
    );
  }
  const candidates = asked === undefined ? replicas.filter((id) => !except.includes(id)) : [asked];
  const next = candidates.find((id) => inSyncReplicas.includes(id));
  if (next !== undefined) return next;
  return refuse(
    "ELIGIBLE_LEADERS_NOT_AVAILABLE",
    asked === undefined ? "no replica in sync can lead" : `broker ${asked} is not in sync`,
    "wait until it has caught up",
  );
}
