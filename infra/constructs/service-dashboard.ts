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
import type { Settings } from "../settings.ts";
import { type ServiceMetrics, sumOf } from "./service-metrics.ts";

/** One page that answers: does it work, how fast, how much, and what will it cost. */
export class ServiceDashboard extends Construct {
  constructor(scope: Construct, id: string, settings: Settings, metrics: ServiceMetrics, alarms: readonly IAlarm[]) {
    super(scope, id);
    const { name, regions } = settings;
    new Dashboard(this, "Dashboard", {
      // Dashboards are the account's, not a region's.
      dashboardName: `${name}-${regions[0]}`,
      periodOverride: PeriodOverride.AUTO,
      widgets: [
        [
          new TextWidget({
            markdown: `# Millrace ${name}, ${regions[0]}\nWhat each alarm means and what to do: docs/runbook.md. What drives the bill: docs/operate/costs.md.`,
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
            sumOf("tables", [
              ...metrics.tables("WriteThrottleEvents", "Sum"),
              ...metrics.tables("ReadThrottleEvents", "Sum"),
            ]),
            metrics.lambda("produce", "Throttles", "Sum"),
            metrics.lambda("fetch", "Throttles", "Sum"),
          ]),
          graph("Errors", [
            metrics.own("Errors", "Sum", "answers of 5xx"),
            ...metrics.api("5XXError", "Sum"),
            ...metrics.api("4XXError", "Sum"),
            metrics.lambda("produce", "Errors", "Sum"),
            metrics.lambda("fetch", "Errors", "Sum"),
            metrics.lambda("maintenance", "Errors", "Sum"),
          ]),
          graph("Functions at work", [
            metrics.lambda("produce", "ConcurrentExecutions", "Maximum"),
            metrics.lambda("fetch", "ConcurrentExecutions", "Maximum"),
          ]),
        ],
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
          ]),
        ],
      ],
    });
  }
}

function latencies(metrics: ServiceMetrics, name: "ProduceLatency" | "FetchLatency"): IMetric[] {
  return [metrics.own(name, "p50", "p50"), metrics.own(name, "p99", "p99")];
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 } });
}
