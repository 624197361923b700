import type { Stack } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import { readBrokerEnvironment } from "../../lambdas/broker-environment.ts";
import {
  appFor,
  EVERYTHING_EVERYWHERE,
  ofType,
  REGIONS,
  type Resource,
  synthesized,
  synthesizedRegions,
  type Template,
} from "./synthesized.ts";
import { filled, mappingOf, statementsOf } from "./template-parts.ts";

const TABLE = "AWS::DynamoDB::GlobalTable";
const several = (given: Record<string, unknown> = {}) => synthesizedRegions({ regions: REGIONS, ...given });
const services = (given?: Record<string, unknown>) =>
  [...several(given)].map(([region, { service }]) => [region, service] as const);

const tableNamed = (template: Template, name: string) =>
  ofType(template, TABLE).find(({ Properties }) => Properties.TableName === name);

const functionNamed = (template: Template, name: string) =>
  ofType(template, "AWS::Lambda::Function").find(({ Properties }) => Properties.FunctionName === name)!.Properties;

describe("the metadata of several regions", () => {
  it("are one table with strong consistency, made by the first region's stack with all its copies", () => {
    const made = [...several()].map(([region, { data }]) => [region, tableNamed(data, "millrace-metadata")] as const);
    expect(made.slice(1).map(([, table]) => table)).toEqual([undefined, undefined]);
    const { Properties } = made[0]![1]!;
    expect(Properties.MultiRegionConsistency).toBe("STRONG");
    expect(Properties.GlobalTableWitnesses).toBeUndefined();
    const replicas = Properties.Replicas as { Region: string }[];
    expect(replicas.map(({ Region }) => Region).toSorted()).toEqual(REGIONS);
    for (const replica of replicas) {
      expect(replica).toMatchObject({
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 },
      });
    }
  });

  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
  it("ask for nothing that such a table does not have: TTL, local indexes, provisioned capacity", () => {
    const { Properties } = tableNamed(several().get("us-east-1")!.data, "millrace-metadata")!;
    expect(Properties).not.toHaveProperty("TimeToLiveSpecification");
    expect(Properties).not.toHaveProperty("LocalSecondaryIndexes");
    expect(Properties.BillingMode).toBe("PAY_PER_REQUEST");
  });

  it("have a witness where there are two regions", () => {
    const given = { regions: ["eu-west-1", "eu-central-1"], witnessRegion: "eu-west-3" };
    const { Properties } = tableNamed(synthesizedRegions(given).get("eu-west-1")!.data, "millrace-metadata")!;
    expect(Properties.GlobalTableWitnesses).toEqual([{ Region: "eu-west-3" }]);
    expect(Properties.Replicas).toHaveLength(2);
    expect(synthesizedRegions(given).size).toBe(2);
  });
});

describe("a region of several", () => {
  it("has a log and a bucket of its own, the log with a stream of keys that the service finds", () => {
    const buckets = new Set<string>();
    for (const [region, { data, service }] of several()) {
      const log = Object.entries(data.Resources).find(
        ([, { Properties }]) => Properties?.TableName === "millrace-log",
      )!;
      expect(log[1].Properties).toMatchObject({
        StreamSpecification: { StreamViewType: "KEYS_ONLY" },
        TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
      });
      expect(log[1].Properties.Replicas.map(({ Region }: { Region: string }) => Region)).toEqual([region]);
      expect(log[1].Properties).not.toHaveProperty("MultiRegionConsistency");
      const parameter = ofType(data, "AWS::SSM::Parameter").find(({ Properties }) => Properties.Name.includes("log"));
      expect(parameter!.Properties.Value).toEqual({ "Fn::GetAtt": [log[0], "StreamArn"] });
      const mapping = mappingOf(service, "replicator");
      expect(service.Parameters?.[mapping.EventSourceArn.Ref]?.Default).toBe(parameter!.Properties.Name);
      const [bucket] = ofType(data, "AWS::S3::Bucket");
      expect(filled(bucket!.Properties.BucketName)).toBe(`"millrace-segments-123456789012-${region}"`);
      buckets.add(filled(bucket!.Properties.BucketName));
    }
    expect(buckets.size).toBe(3);
  });

  it("tells its functions of all regions, in their order, in a form that they read", () => {
    for (const [region, service] of services({ leaseSeconds: 20, replicaLagSeconds: 60 })) {
      for (const lambda of ["produce", "fetch", "coordinator", "maintenance", "replicator", "lease"]) {
        const { Variables } = functionNamed(service, `millrace-${lambda}`).Environment;
        const read = readBrokerEnvironment({ ...(JSON.parse(filled(Variables)) as object), AWS_REGION: region });
        expect(read.brokers.map((broker) => [broker.brokerId, broker.region, broker.segments.href])).toEqual(
          REGIONS.map((name, index) => [index + 1, name, `s3://millrace-segments-123456789012-${name}`]),
        );
        expect(read).toMatchObject({ own: { region }, leaseMs: 20_000, replicaLagTimeMaxMs: 60_000 });
      }
    }
  });

  it("wakes the replicator by what is put into its log, and does not bring again what it failed on", () => {
    for (const [, service] of services()) {
      expect(ofType(service, "AWS::Lambda::EventSourceMapping")).toHaveLength(2);
      const { FilterCriteria, FunctionName: _, ...rest } = mappingOf(service, "replicator");
      expect(FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) => JSON.parse(Pattern))).toEqual([
        { eventName: ["INSERT", "MODIFY"] },
      ]);
      expect(rest).toMatchObject({
        StartingPosition: "LATEST",
        MaximumBatchingWindowInSeconds: 1,
        MaximumRetryAttempts: 0,
        MaximumRecordAgeInSeconds: 60,
      });
    }
  });

  it("looks after followers and keeps its lease each minute, and maintains what is there each hour, in turn", () => {
    const clocks = services().map(([, service]) =>
      Object.fromEntries(
        ofType(service, "AWS::Events::Rule").flatMap(({ Properties }) => {
          const [target] = Properties.Targets;
          if (Properties.Name !== undefined) return [];
          expect(target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 });
          return [[/"(\w+)Function/.exec(JSON.stringify(target.Arn))![1], Properties.ScheduleExpression as string]];
        }),
      ),
    );
    for (const { replicator, lease } of clocks)
      expect([replicator, lease]).toEqual(["rate(1 minute)", "rate(1 minute)"]);
    expect(clocks.map(({ maintenance }) => maintenance)).toEqual(
      [0, 20, 40].map((minute) => `cron(${minute} * * * ? *)`),
    );
  });

  it("gives the lease function little memory and more time than the minute until it is invoked again", () => {
    for (const [, service] of services({ memorySizeMb: 2_048 })) {
      const { MemorySize, Timeout } = functionNamed(service, "millrace-lease");
      expect(MemorySize).toBe(256);
      expect(Timeout).toBeGreaterThan(70);
      expect(functionNamed(service, "millrace-replicator")).toMatchObject({ MemorySize: 2_048, Timeout: 70 });
    }
  });

  it("repeats none of what was invoked asynchronously, but a sweep over groups", () => {
    for (const [, service] of services()) {
      const configs = ofType(service, "AWS::Lambda::EventInvokeConfig").map(({ Properties }) => [
        /"(\w+)Function/.exec(JSON.stringify(Properties.FunctionName))![1],
        Properties.MaximumRetryAttempts as number,
      ]);
      expect(Object.fromEntries(configs)).toEqual({
        produce: 0,
        maintenance: 0,
        replicator: 0,
        lease: 0,
        coordinator: 2,
      });
    }
  });

  it("has the groups that began in it in a table of its own, and a sweep with clocks of its own", () => {
    for (const [region, { data, service }] of several()) {
      const group = tableNamed(data, "millrace-group")!.Properties;
      expect(group.Replicas.map(({ Region }: { Region: string }) => Region)).toEqual([region]);
      // Groups are changed by transactions, which a table with strong consistency over regions has none of.
      expect(group).not.toHaveProperty("MultiRegionConsistency");
      expect(group.TimeToLiveSpecification).toEqual({ AttributeName: "expiresAt", Enabled: true });
      expect(group.StreamSpecification).toEqual({ StreamViewType: "KEYS_ONLY" });
      const parameter = ofType(data, "AWS::SSM::Parameter").find(({ Properties }) => Properties.Name.includes("group"));
      const { EventSourceArn } = mappingOf(service, "coordinator");
      expect(service.Parameters?.[EventSourceArn.Ref]?.Default).toBe(parameter!.Properties.Name);
      const { Variables } = functionNamed(service, "millrace-coordinator").Environment;
      const read = readBrokerEnvironment({ ...(JSON.parse(filled(Variables)) as object), AWS_REGION: region });
      expect([read.groupTable, read.sweepRules]).toEqual([
        "millrace-group",
        { minute: "millrace-sweep-minute", hour: "millrace-sweep-hour" },
      ]);
    }
  });

  it("is deployed when the tables of all regions are there", () => {
    const { app } = appFor({ regions: REGIONS });
    for (const region of REGIONS) {
      const stack = app.node.findChild(`millrace-service-${region}`) as Stack;
      expect(stack.region).toBe(region);
      expect(stack.dependencies.map(({ stackName }) => stackName).toSorted()).toEqual(
        REGIONS.map((name) => `millrace-data-${name}`),
      );
    }
  });

  it("has an own host name by its region, or one name with the others that leads to the nearest", () => {
    for (const [region, { service }] of synthesizedRegions(EVERYTHING_EVERYWHERE)) {
      const domains = ofType(service, "AWS::ApiGateway::DomainName").map(({ Properties }) => Properties);
      expect(domains.map(({ DomainName, RegionalCertificateArn }) => [DomainName, RegionalCertificateArn])).toEqual([
        [`kafka.${region}.example.com`, `arn:aws:acm:${region}:123456789012:certificate/of-${region}`],
        ["oidc.example.com", `arn:aws:acm:${region}:123456789012:certificate/for-${region}`],
      ]);
      const records = ofType(service, "AWS::Route53::RecordSet").map(({ Properties }) => Properties);
      expect(records.map(({ Name, Region, SetIdentifier }) => [Name, Region, SetIdentifier])).toEqual([
        [`kafka.${region}.example.com.`, undefined, undefined],
        ["oidc.example.com.", region, region],
      ]);
      expect(records.map(({ AliasTarget }) => AliasTarget.EvaluateTargetHealth)).toEqual([undefined, true]);
      expect(service.Outputs?.["IamUrl"]?.Value).toBe(`https://kafka.${region}.example.com`);
    }
  });

  it("encrypts under its own key, and reaches the others'", () => {
    const keys = EVERYTHING_EVERYWHERE.encryptionKeyArn;
    for (const [region, { data, service }] of synthesizedRegions(EVERYTHING_EVERYWHERE)) {
      const log = tableNamed(data, "orders-log")!;
      expect(log.Properties.Replicas[0].SSESpecification).toEqual({ KMSMasterKeyId: keys[region] });
      expect(JSON.stringify(ofType(data, "AWS::S3::Bucket")[0]!.Properties.BucketEncryption)).toContain(keys[region]);
      for (const statement of statementsOf(service, "replicator").filter(({ Sid }) => Sid === "UseKey")) {
        expect(statement.Resource).toEqual(Object.values(keys));
      }
    }
    const metadata = tableNamed(synthesizedRegions(EVERYTHING_EVERYWHERE).get("us-east-1")!.data, "orders-metadata")!;
    for (const { Region, SSESpecification } of metadata.Properties.Replicas) {
      expect(SSESpecification).toEqual({ KMSMasterKeyId: keys[Region] });
    }
  });

  it("encrypts under the copy of a multi-Region key that is in its region", () => {
    const id = `mrk-${"0".repeat(32)}`;
    const given = { encryptionKeyArn: `arn:aws:kms:us-east-1:123456789012:key/${id}` };
    for (const [region, { data }] of several(given)) {
      const key = `arn:aws:kms:${region}:123456789012:key/${id}`;
      expect(tableNamed(data, "millrace-log")!.Properties.Replicas[0].SSESpecification).toEqual({
        KMSMasterKeyId: key,
      });
    }
  });
});

describe("one region", () => {
  it("has no function, stream, schedule or variable of replication", () => {
    const { data, service } = synthesized({ leaseSeconds: 20 });
    expect(tableNamed(data, "millrace-log")!.Properties).not.toHaveProperty("StreamSpecification");
    const targets = ofType(service, "AWS::Events::Rule").map(({ Properties }) => JSON.stringify(Properties.Targets));
    expect(targets.map((target) => /"(\w+?)Function/.exec(target)?.[1]).toSorted()).toEqual([
      "coordinator",
      "coordinator",
      "maintenance",
    ]);
    const names = ofType(service, "AWS::Lambda::Function").map(({ Properties }: Resource) => Properties.FunctionName);
    expect(names).toEqual(["millrace-produce", "millrace-fetch", "millrace-coordinator", "millrace-maintenance"]);
    expect(JSON.stringify(service)).not.toMatch(/MILLRACE_LEASE_MS|MILLRACE_REPLICA_LAG|replica/i);
  });
});
