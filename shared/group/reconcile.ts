import { type ConsumerMember, STATIC_MEMBER_LEFT } from "./member.ts";
import {
  countPartitions,
  difference,
  firstOf,
  intersection,
  isEmpty,
  isSubset,
  listPartitions,
  NO_PARTITIONS,
  type PartitionsByTopic,
  partitionsByTopic,
  type TopicIdPartition,
  union,
} from "./partitions-by-topic.ts";

/** How many partitions are looked at in one heartbeat in search of free ones: ten reads. */
const MAX_EXAMINED = 900;

/** What a member is to become, and what changes hands with it, in one write. */
export interface Reconciliation {
  readonly member: ConsumerMember;
  readonly acquired: PartitionsByTopic;
  readonly released: PartitionsByTopic;
}

/** A member's way to its target assignment, as far as it can go now. */
export type ReconcileStep =
  /** It is there already. */
  | { readonly kind: "settled" }
  /** It waits: for its client to revoke, or for others to release. */
  | { readonly kind: "waiting" }
  /** Who owns these has to be known first. */
  | { readonly kind: "wanted"; readonly partitions: readonly TopicIdPartition[] }
  | ({ readonly kind: "changed" } & Reconciliation);

/**
 * One step of KIP-848's reconciliation: revoke what is not in the target, move on to its epoch once the client has done so, and
 * take what is free. At most `maxPartitions` change hands in a step; a member that still lacks some is UNRELEASED_PARTITIONS.
 *
 * `owned`: what the client says it owns; undefined: it does not say. `isFree`: undefined where who owns a partition is not known yet.
 */
export function reconcile(
  member: ConsumerMember,
  target: { readonly epoch: number; readonly partitions: PartitionsByTopic },
  owned: PartitionsByTopic | undefined,
  isFree: (partition: TopicIdPartition) => boolean | undefined,
  { now, maxPartitions }: { readonly now: number; readonly maxPartitions: number },
): ReconcileStep {
  if (member.memberEpoch === STATIC_MEMBER_LEFT) return { kind: "waiting" };
  if (member.state === "UNREVOKED_PARTITIONS" && !hasRevoked(member.pendingRevocation, owned))
    return { kind: "waiting" };
  if (isReconciledTo(member, target.epoch)) return { kind: "settled" };

  // From here on the client has revoked what was pending, if anything was.
  const released = firstOf(member.pendingRevocation, maxPartitions);
  const stillPending = difference(member.pendingRevocation, released);
  if (!isEmpty(stillPending)) return changed({ ...member, pendingRevocation: stillPending }, NO_PARTITIONS, released);

  const kept = intersection(member.assigned, target.partitions);
  const surplus = difference(member.assigned, target.partitions);
  if (!isEmpty(surplus)) {
    // Even if the client does not have them any more: it may be about to take what an earlier answer told it.
    const next: ConsumerMember = {
      ...member,
      state: "UNREVOKED_PARTITIONS",
      assigned: kept,
      pendingRevocation: surplus,
      revokeBy: now + member.rebalanceTimeoutMs,
      ...epochs(member, member.state === "UNREVOKED_PARTITIONS" ? member.memberEpoch + 1 : member.memberEpoch),
    };
    return changed(next, NO_PARTITIONS, released);
  }

  const room = maxPartitions - countPartitions(released);
  // What it releases with this very write it can have back with the next.
  const lacking = listPartitions(difference(target.partitions, union(kept, released)));
  const free = lacking.filter((partition) => isFree(partition) === true);
  const unknown = lacking.filter((partition) => isFree(partition) === undefined);
  const examined = lacking.length - unknown.length;
  if (free.length < room && unknown.length > 0 && examined < MAX_EXAMINED) {
    return { kind: "wanted", partitions: unknown.slice(0, room) };
  }
  const acquired = partitionsByTopic(free.slice(0, room));
  const assigned = union(kept, acquired);
  const { revokeBy: _, ...rest } = member;
  const next: ConsumerMember = {
    ...rest,
    state: isSubset(target.partitions, assigned) ? "STABLE" : "UNRELEASED_PARTITIONS",
    assigned,
    pendingRevocation: NO_PARTITIONS,
    isCovered: true,
    ...epochs(member, target.epoch),
  };
  const isAsBefore =
    member.isCovered &&
    next.state === member.state &&
    next.memberEpoch === member.memberEpoch &&
    isEmpty(acquired) &&
    isEmpty(released);
  return isAsBefore ? { kind: "waiting" } : changed(next, acquired, released);
}

/** Has everything of that epoch's target assignment. */
export function isReconciledTo(member: ConsumerMember, epoch: number): boolean {
  return member.state === "STABLE" && member.isCovered && member.memberEpoch === epoch;
}

/** The client says what it owns, and none of these is among it. */
function hasRevoked(partitions: PartitionsByTopic, owned: PartitionsByTopic | undefined): boolean {
  return owned !== undefined && isEmpty(intersection(partitions, owned));
}

function epochs(member: ConsumerMember, memberEpoch: number) {
  if (memberEpoch === member.memberEpoch) return {};
  return { memberEpoch, previousMemberEpoch: member.memberEpoch };
}

function changed(member: ConsumerMember, acquired: PartitionsByTopic, released: PartitionsByTopic): ReconcileStep {
  return { kind: "changed", member: { ...member, version: member.version + 1 }, acquired, released };
}
