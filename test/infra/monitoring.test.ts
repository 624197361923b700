import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MAX_TIERING_LAG_MS, RESCUE_MS, SEAL_WITHIN_MS, TIERING_ROOM_MS } from "../../shared/log/retention-expiry.ts";
import { BROKER_DIMENSION, METRICS, METRICS_DIMENSION, METRICS_NAMESPACE } from "../../shared/runtime/metric-names.ts";
import {
  EVERYTHING,
  EVERYTHING_EVERYWHERE,
  ofType,
  synthesized,
  synthesizedRegions,
  type Template,
} from "./synthesized.ts";

/** What one region alone never publishes. */
const OF_REPLICATION = [
  "ReplicaLag",
  "ReplicaLagTime",
  "UnderReplicatedPartitions",
  "UnderMinIsrPartitions",
  "OfflinePartitions",
  "IsrShrinks",
  "IsrExpands",
  "LeaderElections",
  "UncleanLeaderElections",
];

const inThree = (region: string) => synthesizedRegions(EVERYTHING_EVERYWHERE).get(region)!.service;

function headings(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, text]) =>
    text!.toLowerCase().replaceAll(" ", "-"),
  );
}

/** The dashboard's body as CloudWatch gets it, references left blank. */
function dashboardOf(template: Template): { widgets: { properties: { metrics?: unknown[][]; alarms?: unknown[] } }[] } {
  const [dashboard] = ofType(template, "AWS::CloudWatch::Dashboard");
  const body = dashboard!.Properties.DashboardBody;
  const text =
    typeof body === "string"
      ? body
      : body["Fn::Join"][1].map((part: unknown) => (typeof part === "string" ? part : "x")).join("");
  return JSON.parse(text);
}

describe("alarms", () => {
  it("each link a heading of the runbook that there is, and each heading has its alarm", () => {
    const alarms = [synthesized(EVERYTHING).service, inThree("us-east-2")].flatMap((service) =>
      ofType(service, "AWS::CloudWatch::Alarm"),
    );
    const linked = alarms.map(({ Properties }) => /docs\/runbook\.md#([\w-]+)$/.exec(Properties.AlarmDescription)?.[1]);
    expect(linked.length).toBeGreaterThan(8);
    const known = headings("docs/runbook.md");
    expect(linked.filter((anchor) => anchor === undefined || !known.includes(anchor))).toEqual([]);
    const names = alarms.map(({ Properties }) => Properties.AlarmName.replace("orders-", ""));
    expect(names).toEqual(linked);
    const sections = [...readFileSync("docs/runbook.md", "utf8").matchAll(/^## ([a-z-]+)$/gm)].map(([, id]) => id!);
    expect(sections.toSorted()).toEqual([...new Set(names)].toSorted());
  });

  it("tell the topic they are given, or one that mails, or nobody", () => {
    const actions = (given: Record<string, unknown>) =>
      ofType(synthesized(given).service, "AWS::CloudWatch::Alarm").map(({ Properties }) => Properties.AlarmActions);
    expect(new Set(actions({}))).toEqual(new Set([undefined]));
    const alarmTopicArn = "arn:aws:sns:eu-west-1:123456789012:ops";
    for (const action of actions({ alarmTopicArn })) expect(action).toEqual([alarmTopicArn]);
    for (const action of actions({ alarmEmail: "ops@example.com" }))
      expect(action).toEqual([{ Ref: expect.any(String) }]);
    const [subscription] = ofType(synthesized({ alarmEmail: "ops@example.com" }).service, "AWS::SNS::Subscription");
    expect(subscription!.Properties).toMatchObject({ Protocol: "email", Endpoint: "ops@example.com" });
  });

  it("watch metrics that the functions publish, in the deployment's own dimension", () => {
    const alarms = ofType(inThree("us-west-2"), "AWS::CloudWatch::Alarm").map(({ Properties }) => Properties);
    const own = alarms.filter(({ Namespace }) => Namespace === METRICS_NAMESPACE);
    expect(own.length).toBeGreaterThan(2);
    for (const { MetricName, Dimensions } of own) {
      expect(Object.keys(METRICS)).toContain(MetricName);
      expect(Dimensions).toEqual([{ Name: METRICS_DIMENSION, Value: "orders" }]);
    }
    const places = [METRICS_NAMESPACE, "AWS/Lambda", "AWS/ApiGateway"];
    expect(alarms.filter(({ Namespace }) => !places.includes(Namespace))).toEqual([]);
  });

  it("are quiet where nothing is measured, which is where nothing is done, but for the lease", () => {
    const alarms = [synthesized(EVERYTHING).service, inThree("us-east-1")].flatMap((service) =>
      ofType(service, "AWS::CloudWatch::Alarm"),
    );
    const missing = alarms.filter(({ Properties }) => Properties.TreatMissingData === "breaching");
    expect(missing.map(({ Properties }) => Properties)).toEqual([
      expect.objectContaining({
        AlarmName: "orders-lease-missing",
        ComparisonOperator: "LessThanThreshold",
        MetricName: "Invocations",
        Threshold: 1,
      }),
    ]);
    for (const { Properties } of alarms.filter((alarm) => !missing.includes(alarm))) {
      expect(Properties).toMatchObject({
        ComparisonOperator: "GreaterThanThreshold",
        TreatMissingData: "notBreaching",
      });
    }
  });

  it("go off when tiering is half a day late, before writers stop setting a TTL and days before one ends, wherever there are logs", () => {
    for (const service of [synthesized().service, synthesized(EVERYTHING).service, inThree("us-east-2")]) {
      const alarms = ofType(service, "AWS::CloudWatch::Alarm").map(({ Properties }) => Properties);
      const lag = alarms.find(({ AlarmName }) => AlarmName.endsWith("-tiering-lag"));
      expect(lag).toMatchObject({
        Namespace: METRICS_NAMESPACE,
        MetricName: "TieringLag",
        Statistic: "Maximum",
        Period: 3_600,
        Threshold: 12 * 3_600_000,
      });
      expect(METRICS.TieringLag.unit).toBe("Milliseconds");
      const heardOfMs = lag.Threshold + lag.EvaluationPeriods * lag.Period * 1_000;
      expect(heardOfMs).toBeLessThan(MAX_TIERING_LAG_MS);
      expect(SEAL_WITHIN_MS + heardOfMs).toBeLessThan(TIERING_ROOM_MS - RESCUE_MS);
    }
  });

  it("go off when a deleted topic is not removed, long before its record is given up", () => {
    const { service } = synthesized();
    const alarms = ofType(service, "AWS::CloudWatch::Alarm").map(({ Properties }) => Properties);
    const behind = alarms.find(({ AlarmName }) => AlarmName === "millrace-maintenance-behind");
    expect(behind).toMatchObject({
      Namespace: "AWS/Lambda",
      MetricName: "IteratorAge",
      Statistic: "Maximum",
      Dimensions: [{ Name: "FunctionName", Value: "millrace-maintenance" }],
    });
    const { MaximumRecordAgeInSeconds, MaximumBatchingWindowInSeconds } = ofType(
      service,
      "AWS::Lambda::EventSourceMapping",
    )[0]!.Properties;
    expect(behind.Threshold).toBeGreaterThan(2 * MaximumBatchingWindowInSeconds * 1_000);
    expect(behind.Threshold).toBeLessThan((MaximumRecordAgeInSeconds * 1_000) / 2);
  });
});

describe("the dashboard", () => {
  it("shows every metric that the functions publish, and what drives the bill", () => {
    const text = JSON.stringify(dashboardOf(synthesized(EVERYTHING).service));
    const shown = (body: string) =>
      Object.keys(METRICS).filter((name) => body.includes(`"${METRICS_NAMESPACE}","${name}"`));
    expect(Object.keys(METRICS).filter((name) => !shown(text).includes(name))).toEqual(OF_REPLICATION);
    expect(shown(JSON.stringify(dashboardOf(inThree("us-east-2"))))).toEqual(Object.keys(METRICS));
    for (const name of ["ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits", "Count", "Duration"]) {
      expect(text).toContain(`"${name}"`);
    }
    for (const statistic of ["p50", "p99"]) expect(text).toContain(`"stat":"${statistic}"`);
    expect(text).toContain("FILL(conflicts, 0) / appends");
  });

  it("shows every alarm", () => {
    for (const service of [synthesized(EVERYTHING).service, inThree("us-east-1")]) {
      const shown = dashboardOf(service).widgets.flatMap(({ properties }) => properties.alarms ?? []);
      expect(shown).toHaveLength(ofType(service, "AWS::CloudWatch::Alarm").length);
    }
  });

  it("tells a region's followers apart, which are the other regions", () => {
    const text = JSON.stringify(dashboardOf(inThree("us-east-2")));
    const lags = [...text.matchAll(/\["Millrace","ReplicaLag","(\w+)","(\w+)","(\w+)","(\w+)",\{"label":"([\w-]+)"/g)];
    expect(lags.map(([, ...dimensions]) => dimensions)).toEqual([
      [BROKER_DIMENSION, "1", METRICS_DIMENSION, "orders", "us-east-1"],
      [BROKER_DIMENSION, "3", METRICS_DIMENSION, "orders", "us-west-2"],
    ]);
  });
});
