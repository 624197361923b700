import { Stack } from "aws-cdk-lib";
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IAlarm,
  type IMetric,
  PeriodOverride,
  TextWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import { isReplicated } from "../regional.ts";
import type { Settings } from "../settings.ts";
import { type ServiceMetrics, sumOf } from "./service-metrics.ts";

/** One page that answers: does it work, how fast, how much, and what will it cost. */
export class ServiceDashboard extends Construct {
  constructor(scope: Construct, id: string, settings: Settings, metrics: ServiceMetrics, alarms: readonly IAlarm[]) {
    super(scope, id);
    const { name } = settings;
    const { region } = Stack.of(this);
    const lambdas = [
      "produce",
      "fetch",
      "coordinator",
      "maintenance",
      ...(isReplicated(settings) ? ["replicator", "lease"] : []),
    ];
    new Dashboard(this, "Dashboard", {
      // Dashboards are the account's, not a region's.
      dashboardName: `${name}-${region}`,
      periodOverride: PeriodOverride.AUTO,
      widgets: [
        [
          new TextWidget({
            markdown: `# Millrace ${name}, ${region}\nWhat each alarm means and what to do: docs/runbook.md. What drives the bill: docs/operate/costs.md.`,
            width: 24,
            height: 2,
          }),
        ],
        [new AlarmStatusWidget({ title: "Alarms", alarms: [...alarms], width: 24, height: 3 })],
        [
          graph("Appends and records", [
            metrics.own("Appends", "Sum", "appends"),
            metrics.own("RecordsIn", "Sum", "records in"),
            metrics.own("RecordsOut", "Sum", "records out"),
          ]),
          graph("Bytes", [metrics.own("BytesIn", "Sum", "bytes in"), metrics.own("BytesOut", "Sum", "bytes out")]),
          graph("Conflicts per append", [metrics.conflictsPerAppend()]),
        ],
        [
          graph("Latency of a produce, ms", latencies(metrics, "ProduceLatency")),
          graph("Latency of a fetch without its wait, ms", latencies(metrics, "FetchLatency")),
          graph("Latency as clients see it, long polls included, ms", metrics.api("Latency", "p99")),
        ],
        [
          graph("Throttles", [
            metrics.own("StoreThrottles", "Sum", "stores, as the functions meet them"),
            // Groups are far below, and among the stores: metrics beyond the fiftieth cost an account its free dashboard.
            sumOf("tables of logs and metadata", [
              ...metrics.tables("WriteThrottleEvents", "Sum", ["logTable", "metadataTable"]),
              ...metrics.tables("ReadThrottleEvents", "Sum", ["logTable", "metadataTable"]),
            ]),
            metrics.lambda("produce", "Throttles", "Sum"),
            metrics.lambda("fetch", "Throttles", "Sum"),
            metrics.lambda("coordinator", "Throttles", "Sum"),
            metrics.lambda("produce", "AsyncEventsDropped", "Sum"),
          ]),
          graph("Errors", [
            metrics.own("Errors", "Sum", "answers of 5xx"),
            ...metrics.api("5XXError", "Sum"),
            ...metrics.api("4XXError", "Sum"),
            ...lambdas.map((lambda) => metrics.lambda(lambda, "Errors", "Sum")),
          ]),
          graph("Functions at work", [
            metrics.lambda("produce", "ConcurrentExecutions", "Maximum"),
            metrics.lambda("fetch", "ConcurrentExecutions", "Maximum"),
            metrics.lambda("coordinator", "ConcurrentExecutions", "Maximum"),
          ]),
        ],
        [
          graph("Members of consumer groups", [metrics.own("GroupMembers", "Maximum", "members")]),
          graph("Rebalances and commits", [
            metrics.own("GroupRebalances", "Sum", "rebalances"),
            metrics.own("OffsetCommits", "Sum", "offsets committed"),
          ]),
          graph("Lag of the group that is furthest behind, records", [
            metrics.own("ConsumerLag", "Maximum", "records"),
          ]),
        ],
        [
          graph("How late hot items are copied into segments, ms", [
            metrics.own("TieringLag", "Maximum", "partition furthest behind"),
          ]),
          graph("Segments written", [metrics.own("SegmentsTiered", "Sum", "segments")]),
          graph("Bytes copied into segments", [metrics.own("BytesTiered", "Sum", "bytes")]),
        ],
        ...(isReplicated(settings) ? [replication(settings, metrics, region)] : []),
        [
          graph("Cost: requests to API Gateway", metrics.api("Count", "Sum")),
          graph("Cost: DynamoDB's units", [
            ...metrics.tables("ConsumedWriteCapacityUnits", "Sum"),
            ...metrics.tables("ConsumedReadCapacityUnits", "Sum"),
          ]),
          graph("Cost: S3 requests, ms of Lambda", [
            metrics.own("ObjectsWritten", "Sum", "objects written"),
            metrics.own("ObjectsRead", "Sum", "objects read"),
            metrics.lambda("produce", "Duration", "Sum"),
            metrics.lambda("fetch", "Duration", "Sum"),
            metrics.lambda("coordinator", "Duration", "Sum"),
          ]),
        ],
      ],
    });
  }
}

/** What this region leads, and how its followers keep up. */
function replication({ regions }: Settings, metrics: ServiceMetrics, own: string): GraphWidget[] {
  const followers = regions.flatMap((region, index) => (region === own ? [] : [[index + 1, region] as const]));
  return [
    graph(
      "Followers' lag, offsets",
      followers.map(([id, region]) => metrics.ownOf(id, "ReplicaLag", "Maximum", region)),
    ),
    graph(
      "Followers' lag, ms",
      followers.map(([id, region]) => metrics.ownOf(id, "ReplicaLagTime", "Maximum", region)),
    ),
    graph("Partitions, and who is in sync", [
      metrics.own("UnderReplicatedPartitions", "Maximum", "under-replicated"),
      metrics.own("UnderMinIsrPartitions", "Maximum", "under min.insync.replicas"),
      metrics.own("OfflinePartitions", "Maximum", "offline"),
      metrics.own("IsrShrinks", "Sum", "left an in-sync set"),
      metrics.own("IsrExpands", "Sum", "came back into one"),
      metrics.own("LeaderElections", "Sum", "leaders elected"),
      metrics.own("UncleanLeaderElections", "Sum", "unclean"),
    ]),
  ];
}

function latencies(metrics: ServiceMetrics, name: "ProduceLatency" | "FetchLatency"): IMetric[] {
  return [metrics.own(name, "p50", "p50"), metrics.own(name, "p99", "p99")];
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 } });
}
