import type { Settings } from "../settings.ts";
import type { AlarmCondition } from "./alarm-condition.ts";
import type { ServiceMetrics } from "./service-metrics.ts";

/** A follower that is further behind than it takes to leave the in-sync set, and for a while. */
const LEAST_LAG_ALARM_MS = 300_000;

/** What goes wrong between regions, as one of them sees it: each region has these alarms of what it leads and does. */
export function replicationConditions({ replicaLagSeconds }: Settings, metrics: ServiceMetrics): AlarmCondition[] {
  return [
    {
      id: "offline-partitions",
      what: "Partitions have no leader: no replica in sync answers.",
      metric: metrics.own("OfflinePartitions", "Maximum"),
      threshold: 0,
      outOf: 3,
      over: 2,
    },
    {
      id: "under-min-isr-partitions",
      what: "acks=all is refused: fewer replicas are in sync than min.insync.replicas.",
      metric: metrics.own("UnderMinIsrPartitions", "Maximum"),
      threshold: 0,
      outOf: 5,
      over: 3,
    },
    {
      id: "under-replicated-partitions",
      what: "In-sync sets lack a replica.",
      metric: metrics.own("UnderReplicatedPartitions", "Maximum"),
      threshold: 0,
      outOf: 15,
      over: 10,
    },
    {
      id: "replica-lag",
      what: "A follower stays behind.",
      metric: metrics.own("ReplicaLagTime", "Maximum"),
      threshold: Math.max(LEAST_LAG_ALARM_MS, 2 * replicaLagSeconds * 1_000),
      outOf: 5,
      over: 3,
    },
    {
      id: "unclean-elections",
      what: "A leader was elected that was not in sync: acknowledged records may be lost.",
      metric: metrics.own("UncleanLeaderElections", "Sum"),
      threshold: 0,
      outOf: 1,
      over: 1,
    },
    {
      id: "replicator-failures",
      what: "The replicator function crashed or ran out of time.",
      metric: metrics.lambda("replicator", "Errors", "Sum"),
      threshold: 0,
      outOf: 5,
      over: 3,
    },
    {
      id: "lease-failures",
      what: "The lease function crashed or ran out of time.",
      metric: metrics.lambda("lease", "Errors", "Sum"),
      threshold: 0,
      outOf: 5,
      over: 3,
    },
    {
      id: "lease-missing",
      what: "The lease function does not run: the other regions take this one for gone.",
      metric: metrics.lambda("lease", "Invocations", "Sum"),
      threshold: 1,
      outOf: 5,
      over: 5,
      isMissed: true,
    },
  ];
}
