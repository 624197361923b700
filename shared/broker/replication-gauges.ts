import type { Metrics } from "../runtime/metrics.ts";

/** What one look found of a partition that the region leads. */
export interface PartitionHealth {
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  readonly minInsyncReplicas: number;
  readonly followers: readonly FollowerHealth[];
}

export interface FollowerHealth {
  readonly broker: number;
  /** Offsets that it lacks; 0 too where nothing is known of it, because it never answered. */
  readonly lagOffsets: number;
  readonly behindMs: number;
}

/** Tells the gauges of replication: shared/runtime/metric-names.ts says what each is. */
export function tellReplication(metrics: Metrics, partitions: readonly PartitionHealth[]): void {
  const count = (isSo: (partition: PartitionHealth) => boolean) => partitions.filter(isSo).length;
  metrics.gauge(
    "UnderReplicatedPartitions",
    count(({ inSyncReplicas, replicas }) => inSyncReplicas.length < replicas.length),
  );
  metrics.gauge(
    "UnderMinIsrPartitions",
    count(({ inSyncReplicas, minInsyncReplicas }) => inSyncReplicas.length < minInsyncReplicas),
  );
  const all = partitions.flatMap(({ followers }) => followers);
  for (const [broker, own] of Map.groupBy(all, (follower) => follower.broker)) {
    metrics.gauge("ReplicaLag", largest(own.map(({ lagOffsets }) => lagOffsets)), broker);
    metrics.gauge("ReplicaLagTime", largest(own.map(({ behindMs }) => behindMs)), broker);
  }
  metrics.gauge("ReplicaLag", largest(all.map(({ lagOffsets }) => lagOffsets)));
  metrics.gauge("ReplicaLagTime", largest(all.map(({ behindMs }) => behindMs)));
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
