import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PRICES } from "../../bench/prices.ts";
import { readSettings } from "../../infra/read-settings.ts";
import { renewEveryMs } from "../../shared/broker/keep-lease.ts";
import { LONG_LEASE_MS } from "../../shared/broker/stay-alive.ts";
import { METRICS } from "../../shared/runtime/metric-names.ts";
import {
  EVERYTHING,
  EVERYTHING_EVERYWHERE,
  ofType,
  REGIONS,
  type Resource,
  synthesized,
  synthesizedRegions,
  type Template,
} from "./synthesized.ts";
import { statementsOf } from "./template-parts.ts";

/** Hours of a month, as AWS counts them. */
const HOURS = 730;

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

/** Every template that settings can make with one region, as far as their resources differ. */
function templates(): Template[] {
  const given = [{}, EVERYTHING, { ...EVERYTHING, removalPolicy: "destroy" }];
  return given.map(synthesized).flatMap(({ data, service }) => [data, service]);
}

/** The same with several regions. */
function templatesOfThree(given: Record<string, unknown> = { regions: REGIONS }): Template[] {
  return [...synthesizedRegions(given).values()].flatMap(({ data, service }) => [data, service]);
}

function billedWhileIdle({ Resources }: Template): string[] {
  return Object.entries(Resources).flatMap(([id, { Type, Properties }]) => [
    ...(BILLED_WHILE_IDLE.some((expression) => expression.test(Type)) ? [`${id}: ${Type}`] : []),
    ...propertyNames(Properties).flatMap((name) => (BILLED_PROPERTIES.has(name) ? [`${id}: ${name}`] : [])),
  ]);
}

/**
 * The clocks of a template that the one function which they invoke may turn off, itself and no other: sweep-clock.ts does when no group needs it,
 * upkeep-clock.ts when no log does.
 */
function clocksThatStop(template: Template): string[] {
  return Object.entries(template.Resources).flatMap(([id, { Type, Properties }]) => {
    if (Type !== "AWS::Events::Rule" || Properties.Targets?.length !== 1) return [];
    const [, lambda] = /"(\w+?)Function/.exec(JSON.stringify(Properties.Targets)) ?? [];
    const stopping = statementsOf(template, lambda ?? "nobody").filter(({ Action }) =>
      [Action].flat().includes("events:DisableRule"),
    );
    const isStopped = JSON.stringify(stopping.map(({ Resource }) => Resource)).includes(`:rule/${Properties.Name}"`);
    return isStopped ? [`${id}: ${Type}`] : [];
  });
}

const billedForGood = (template: Template) =>
  billedWhileIdle(template).filter((one) => !clocksThatStop(template).includes(one));

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
    const all = [...templates(), ...templatesOfThree()];
    const types = all.flatMap(({ Resources }) => Object.values(Resources).map(({ Type }) => Type));
    expect(new Set(types).size).toBeGreaterThan(25);
    expect([...new Set(LISTED)].toSorted()).toEqual([...new Set(types)].toSorted());
    expect(LISTED).toHaveLength(new Set(LISTED).size);
  });

  it("holds nothing that bills by the hour, but clocks that stop themselves", () => {
    expect(templates().flatMap(billedForGood)).toEqual([]);
    expect(clocksThatStop(synthesized().service)).toHaveLength(3);
    expect(billedWhileIdle(synthesized().service)).toEqual(clocksThatStop(synthesized().service));
  });

  it("holds with several regions three clocks in each, and else nothing that bills by the hour", () => {
    for (const template of templatesOfThree(EVERYTHING_EVERYWHERE)) {
      const clocks = ofType(template, "AWS::Lambda::Function").length > 2 ? 3 : 0;
      const billed = billedForGood(template);
      expect(billed.filter((one) => !one.endsWith("AWS::Events::Rule"))).toEqual([]);
      expect(billed).toHaveLength(clocks);
    }
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
    expect(billedForGood(planted("AWS::Events::Rule", { ScheduleExpression: "rate(1 hour)" }))).toHaveLength(1);
    const { Resources } = synthesized().service;
    const [upkeep] = Object.values(Resources).filter(({ Properties }) => Properties?.Name === "millrace-upkeep");
    const others = [{ Name: "millrace-upkeep-day" }, { Targets: [] }, { Name: "millrace-sweep-hour" }];
    for (const other of others) {
      const Planted = { Type: "AWS::Events::Rule", Properties: { ...upkeep!.Properties, ...other } };
      expect(billedForGood({ Resources: { ...Resources, Planted } })).toHaveLength(1);
    }
  });

  it("holds no function that is invoked where nobody calls, nobody deletes, no group begins or ends and no log is to be kept", () => {
    for (const template of templates()) {
      for (const { Properties } of ofType(template, "AWS::Lambda::EventSourceMapping")) {
        const patterns = Properties.FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) => Pattern);
        expect(patterns).toEqual([expect.stringMatching(/"deleted-topic"|"groupKey":\{"S":\["groups"\]\}/)]);
      }
      for (const { Properties } of ofType(template, "AWS::Lambda::Permission")) {
        if (Properties.Principal === "apigateway.amazonaws.com") continue;
        const rule = Properties.SourceArn["Fn::GetAtt"]?.[0];
        expect(clocksThatStop(template)).toContain(`${rule}: AWS::Events::Rule`);
      }
      // The advanced tier bills by the month.
      for (const { Properties } of ofType(template, "AWS::SSM::Parameter")) {
        expect([undefined, "Standard"]).toContain(Properties.Tier);
      }
    }
  });

  it("has tables that are paid by the request, in one region unless there are several", () => {
    for (const template of [...templates(), ...templatesOfThree()]) {
      for (const { Properties } of ofType(template, "AWS::DynamoDB::GlobalTable")) {
        expect(Properties.BillingMode).toBe("PAY_PER_REQUEST");
        const isGlobal = Properties.MultiRegionConsistency !== undefined;
        expect(Properties.Replicas).toHaveLength(isGlobal ? 3 : 1);
      }
    }
    expect(templates().some((template) => JSON.stringify(template).includes("MultiRegionConsistency"))).toBe(false);
  });

  it("has alarms on one metric of a minute or more each, as many as the page counts", () => {
    const [alone, all] = [synthesized().service, synthesized(EVERYTHING).service].map((service) =>
      ofType(service, "AWS::CloudWatch::Alarm"),
    ) as [Resource[], Resource[]];
    for (const { Properties } of all) {
      expect(Properties.Metrics).toBeUndefined();
      expect(Properties.Period).toBeGreaterThanOrEqual(60);
    }
    const [, told, toldOfAll, inThree] =
      /\| (\d+) alarms, (\d+) with `oidc` and `maxConsumerLag`, (\d+) in each of several regions/.exec(TEXT) ?? [];
    const ofThree = ofType(templatesOfThree()[1]!, "AWS::CloudWatch::Alarm");
    expect([told, toldOfAll, inThree].map(Number)).toEqual([alone.length, all.length, ofThree.length]);
  });

  it("sums up to what the page says", () => {
    const { service } = synthesized();
    const alarms = ofType(service, "AWS::CloudWatch::Alarm").length * PRICES.alarmMonth;
    const dashboards = ofType(service, "AWS::CloudWatch::Dashboard").length * PRICES.dashboardMonth;
    expect(TEXT).toContain(`**$${(alarms + dashboards).toFixed(2)} a month**`);
  });

  it("sums up to what the page says in three regions, with a short lease and with a long one", () => {
    const [, service] = templatesOfThree() as [Template, Template];
    const functionOf = (name: string) =>
      ofType(service, "AWS::Lambda::Function").find(({ Properties }) => Properties.FunctionName === `millrace-${name}`)!
        .Properties;
    const gb = (name: string) => functionOf(name).MemorySize / 1_024;
    const alarms = ofType(service, "AWS::CloudWatch::Alarm").length * PRICES.alarmMonth;
    const dashboard = PRICES.dashboardMonth;
    const runs = 60 * HOURS;
    // A run of nothing: the seconds that the page assumes.
    const [, assumed] = /a run that finds nothing to do (0\.\d+) s/.exec(TEXT) ?? [];
    const run = (name: string, seconds: number) => PRICES.lambdaRequest + seconds * gb(name) * PRICES.lambdaGbSecond;
    const replicator = runs * (run("replicator", Number(assumed)) + 2 * PRICES.dynamoDbReadUnit);
    const maintenance = HOURS * (run("maintenance", Number(assumed)) + 2 * PRICES.dynamoDbReadUnit);
    // A renewal reads the own log table, and is written in each region; a look reads the leases.
    const renewal = PRICES.dynamoDbReadUnit + REGIONS.length * PRICES.dynamoDbWriteUnit;
    const lease = (seconds: number, renewals: number, looks: number) =>
      runs * (run("lease", seconds) + renewals * renewal + looks * PRICES.dynamoDbReadUnit);
    const source = readFileSync("lambdas/lease/handler.ts", "utf8");
    const workMs = Number(/UNTIL_NEXT_MS = ([\d_]+);/.exec(source)![1]!.replaceAll("_", ""));
    const { leaseSeconds } = readSettings({}, "us-east-1");
    expect(leaseSeconds * 1_000).toBeLessThan(LONG_LEASE_MS);
    const short = lease(workMs / 1_000, workMs / renewEveryMs(leaseSeconds * 1_000), workMs / 1_000);
    const long = lease(Number(assumed), 1, 1);
    const region = alarms + dashboard + replicator + maintenance;
    const dollars = (amount: number) => `$${amount.toFixed(0)}`;
    expect(TEXT).toContain(`**${dollars(REGIONS.length * (region + short))} a month**`);
    expect(TEXT).toContain(`**${dollars(REGIONS.length * (region + long))}** with \`leaseSeconds=180\``);
    expect(TEXT).toContain(`the lease $${short.toFixed(2)}`);
    expect(TEXT).toContain(`the replicator $${replicator.toFixed(2)}`);
    expect(180_000).toBeGreaterThanOrEqual(LONG_LEASE_MS);
  });

  it("keeps the dashboard and the metrics within the numbers that the page names", () => {
    const body = JSON.stringify(ofType(synthesized(EVERYTHING).service, "AWS::CloudWatch::Dashboard")[0]);
    const bodies = [synthesized().service, templatesOfThree()[1]!, synthesized(EVERYTHING).service].map((service) =>
      JSON.stringify(ofType(service, "AWS::CloudWatch::Dashboard")[0]),
    );
    const counts = bodies.map((text) => [...text.matchAll(/\[\\"(Millrace|AWS\/\w+)\\"/g)].length);
    const [, ...told] =
      /(\d+) on the default one, (\d+) with several regions, (\d+) with every way in/.exec(TEXT) ?? [];
    expect(told.map(Number)).toEqual(counts);
    expect(counts[0]).toBeLessThanOrEqual(50);
    const alone = [...new Set([...body.matchAll(/\[\\"Millrace\\",\\"(\w+)/g)].map(([, name]) => name))];
    expect(TEXT).toContain(`${alone.length} custom metrics`);
    // Two of them once more for each of two followers.
    expect(TEXT).toContain(`${Object.keys(METRICS).length + 4} in each of three regions`);
  });
});
