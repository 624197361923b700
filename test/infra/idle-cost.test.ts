import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PRICES } from "../../bench/prices.ts";
import { METRICS } from "../../shared/runtime/metric-names.ts";
import { EVERYTHING, ofType, type Resource, synthesized, type Template } from "./synthesized.ts";

const PAGE = readFileSync("docs/operate/costs.md", "utf8");

/** Its sentences, however they are broken into lines. */
const TEXT = PAGE.replaceAll(/\s+/g, " ");

/** Resource types in the first cells of the page's tables. */
const LISTED = PAGE.split("\n")
  .filter((line) => line.startsWith("| `"))
  .flatMap((line) => [...line.split("|")[1]!.matchAll(/`((?:AWS|Custom)::[\w:]+)`/g)].map(([, type]) => type!));

/** Types, or beginnings of them, that bill by the hour or the month whether they are used or not, or have others billed. */
const BILLED_WHILE_IDLE = [
  ..."AmazonMQ ACMPCA Aurora Backup Cassandra Config DAX DMS DocDB ECS EC2 EFS EKS ElastiCache".split(" "),
  ..."ElasticLoadBalancing FSx GuardDuty Grafana Kinesis KMS MemoryDB MSK Neptune OpenSearchService".split(" "),
  ..."RDS Redshift SecretsManager ServiceDiscovery Synthetics Timestream Transfer VpcLattice WAF WAFv2".split(" "),
  ..."ApiGateway::VpcLink ApiGateway::DomainNameAccessAssociation CloudWatch::InsightRule".split(" "),
  ..."CloudWatch::AnomalyDetector CloudWatch::MetricStream Route53::HostedZone Route53::HealthCheck".split(" "),
  ..."Lambda::CapacityProvider S3::StorageLens".split(" "),
  // A clock runs functions, and those bill, whether there is something to do or not.
  ..."Events Scheduler Pipes StepFunctions".split(" "),
].map((name) => new RegExp(`^AWS::${name}(::|V2::|$)`));

/** Properties that make a resource bill while it is idle, or at all where it bills nothing now. */
const BILLED_PROPERTIES = new Set([
  ..."ProvisionedConcurrencyConfig ProvisionedConcurrentExecutions ProvisionedThroughput".split(" "),
  ..."WriteProvisionedThroughputSettings ReadProvisionedThroughputSettings GlobalSecondaryIndexes".split(" "),
  ..."KinesisStreamSpecification ContributorInsightsSpecification WarmThroughput ProvisionedPollerConfig".split(" "),
  ..."CacheClusterEnabled CacheClusterSize VpcConfig SnapStart EphemeralStorage TracingConfig TracingEnabled".split(
    " ",
  ),
  ..."AnalyticsConfigurations InventoryConfigurations MetricsConfigurations ReplicationConfiguration".split(" "),
]);

/** Every template that settings can make, as far as their resources differ. */
function templates(): Template[] {
  const given = [{}, EVERYTHING, { ...EVERYTHING, removalPolicy: "destroy" }];
  return given.map(synthesized).flatMap(({ data, service }) => [data, service]);
}

function billedWhileIdle({ Resources }: Template): string[] {
  return Object.entries(Resources).flatMap(([id, { Type, Properties }]) => [
    ...(BILLED_WHILE_IDLE.some((expression) => expression.test(Type)) ? [`${id}: ${Type}`] : []),
    ...propertyNames(Properties).flatMap((name) => (BILLED_PROPERTIES.has(name) ? [`${id}: ${name}`] : [])),
  ]);
}

function propertyNames(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return [...own, ...Object.values(value).flatMap(propertyNames)];
}

function planted(Type: string, Properties: object = {}): Template {
  return { Resources: { Planted: { Type, Properties } as Resource } };
}

describe("what a deployment bills while it is idle", () => {
  it("is told on the page for every type of resource, and for no other", () => {
    const types = templates().flatMap(({ Resources }) => Object.values(Resources).map(({ Type }) => Type));
    expect(new Set(types).size).toBeGreaterThan(25);
    expect([...new Set(LISTED)].toSorted()).toEqual([...new Set(types)].toSorted());
    expect(LISTED).toHaveLength(new Set(LISTED).size);
  });

  it("holds nothing that bills by the hour", () => {
    expect(templates().flatMap(billedWhileIdle)).toEqual([]);
  });

  it("would be found if it did", () => {
    for (const type of ["AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", "AWS::KMS::Key", "AWS::WAFv2::WebACL"]) {
      expect(billedWhileIdle(planted(type))).toEqual([`Planted: ${type}`]);
    }
    const alias = planted("AWS::Lambda::Alias", {
      ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: 1 },
    });
    expect(billedWhileIdle(alias)).toHaveLength(2);
    const insights = { Replicas: [{ ContributorInsightsSpecification: { Enabled: true } }], WarmThroughput: {} };
    expect(billedWhileIdle(planted("AWS::DynamoDB::GlobalTable", insights))).toHaveLength(2);
    expect(billedWhileIdle(planted("AWS::Events::Rule", { ScheduleExpression: "rate(1 hour)" }))).toHaveLength(1);
  });

  it("holds no function that is invoked where nobody calls and nobody deletes", () => {
    for (const template of templates()) {
      for (const { Properties } of ofType(template, "AWS::Lambda::EventSourceMapping")) {
        const patterns = Properties.FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) => Pattern);
        expect(patterns).toEqual([expect.stringContaining('"deleted-topic"')]);
      }
      for (const { Properties } of ofType(template, "AWS::Lambda::Permission")) {
        expect(Properties.Principal).toBe("apigateway.amazonaws.com");
      }
      // The advanced tier bills by the month.
      for (const { Properties } of ofType(template, "AWS::SSM::Parameter")) {
        expect([undefined, "Standard"]).toContain(Properties.Tier);
      }
    }
  });

  it("has tables that are paid by the request, in one region", () => {
    for (const template of templates()) {
      for (const { Properties } of ofType(template, "AWS::DynamoDB::GlobalTable")) {
        expect(Properties.BillingMode).toBe("PAY_PER_REQUEST");
        expect(Properties.Replicas).toHaveLength(1);
      }
    }
  });

  it("has alarms on one metric of a minute or more each, as many as the page counts", () => {
    const [alone, all] = [synthesized().service, synthesized(EVERYTHING).service].map((service) =>
      ofType(service, "AWS::CloudWatch::Alarm"),
    ) as [Resource[], Resource[]];
    for (const { Properties } of all) {
      expect(Properties.Metrics).toBeUndefined();
      expect(Properties.Period).toBeGreaterThanOrEqual(60);
    }
    const [, told, toldWithOidc] = /\| (\d+) alarms, (\d+) with `oidc`/.exec(TEXT) ?? [];
    expect([told, toldWithOidc].map(Number)).toEqual([alone.length, all.length]);
  });

  it("sums up to what the page says", () => {
    const { service } = synthesized();
    const alarms = ofType(service, "AWS::CloudWatch::Alarm").length * PRICES.alarmMonth;
    const dashboards = ofType(service, "AWS::CloudWatch::Dashboard").length * PRICES.dashboardMonth;
    expect(TEXT).toContain(`**$${(alarms + dashboards).toFixed(2)} a month**`);
  });

  it("keeps the dashboard and the metrics within the numbers that the page names", () => {
    const body = JSON.stringify(ofType(synthesized(EVERYTHING).service, "AWS::CloudWatch::Dashboard")[0]);
    const metrics = [...body.matchAll(/\[\\"(Millrace|AWS\/\w+)\\"/g)];
    expect(metrics.length).toBeGreaterThan(30);
    expect(metrics.length).toBeLessThanOrEqual(50);
    expect(TEXT).toContain(`${Object.keys(METRICS).length} custom metrics`);
  });
});
