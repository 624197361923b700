import type { LogItem } from "./log-item.ts";

/** What a follower's slot needs so that it holds the leader's item for good. */
export type ReplicaStep =
  /** It does. */
  | { readonly kind: "verified" }
  /** It is free, or holds what a fenced leader left: put `item`. */
  | { readonly kind: "put"; readonly item: LogItem }
  /** Somebody of a newer epoch was here: nothing of this epoch may be acknowledged any more. */
  | { readonly kind: "fenced"; readonly stamp: number }
  /** Another item of this epoch stands there: the caller's view of the leader's log is not that log. */
  | { readonly kind: "stale" };

/**
 * Judges a slot of a follower's table beside the item of the leader's log that belongs there, for epoch `epoch`
 * (REPLICATION.md, 5). `found`: what the slot holds. A newer stamp fences, even on the same item.
 */
export function replicaStep(leaders: LogItem, found: LogItem | undefined, epoch: number): ReplicaStep {
  const put: ReplicaStep = { kind: "put", item: { ...leaders, stamp: epoch } };
  if (found === undefined) return put;
  if (found.stamp > epoch) return { kind: "fenced", stamp: found.stamp };
  const isSame = found.leaderEpoch === leaders.leaderEpoch && found.appendId === leaders.appendId;
  if (isSame && found.stamp >= epoch - 1) return { kind: "verified" };
  return found.stamp < epoch ? put : { kind: "stale" };
}

/**
 * Whom an append of acks=all waits for (REPLICATION.md, 6): those that the barrier of its epoch names and that are still in
 * sync or joining by a read of the registration in that epoch. The leader is not among them: it has the item.
 */
export function replicasToWaitFor(
  waitFor: readonly number[],
  registration: {
    readonly leader: number;
    readonly inSyncReplicas: readonly number[];
    readonly joining: readonly number[];
  },
): number[] {
  const { leader, inSyncReplicas, joining } = registration;
  return waitFor.filter((id) => id !== leader && (inSyncReplicas.includes(id) || joining.includes(id)));
}
