import { describe, expect, it } from "vitest";
import { readEnvironment as readAuthorizerEnvironment } from "../../lambdas/authorizer/environment.ts";
import { readBrokerEnvironment } from "../../lambdas/broker-environment.ts";
import { ENVIRONMENT as FETCH } from "../../lambdas/fetch/environment.ts";
import { deletedTopicKey } from "../../shared/storage/dynamodb/deleted-topic-item.ts";
import { transactItems } from "../../shared/storage/dynamodb/group-transaction.ts";
import { EVERYTHING, ofType, synthesized, type Template } from "./synthesized.ts";
import { invokeConfigOf, mappingOf } from "./template-parts.ts";

const functionsOf = (template: Template) =>
  ofType(template, "AWS::Lambda::Function").filter(({ Properties }) => Properties.FunctionName !== undefined);

const named = (template: Template, name: string) =>
  functionsOf(template).find(({ Properties }) => Properties.FunctionName === name)!.Properties;

describe("functions", () => {
  it("run on arm64 and Node.js 24, with the memory that the settings say", () => {
    const functions = functionsOf(synthesized({ memorySizeMb: 2_048 }).service);
    expect(functions.map(({ Properties }) => Properties.FunctionName)).toEqual([
      "millrace-produce",
      "millrace-fetch",
      "millrace-coordinator",
      "millrace-maintenance",
    ]);
    for (const { Properties } of functions) {
      expect(Properties).toMatchObject({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        Handler: "handler.handler",
        MemorySize: 2_048,
      });
    }
  });

  it("answer before API Gateway gives up", () => {
    const { service } = synthesized();
    for (const { Properties } of ofType(service, "AWS::ApiGateway::Method")) {
      expect(Properties.Integration.TimeoutInMillis).toBe(29_000);
    }
    for (const name of ["millrace-produce", "millrace-fetch", "millrace-coordinator"])
      expect(named(service, name).Timeout).toBe(28);
  });

  it("are told of tables, bucket and regions", () => {
    const { Variables } = named(synthesized().service, "millrace-fetch").Environment;
    expect(Variables).toMatchObject({
      [FETCH.logTable]: "millrace-log",
      [FETCH.metadataTable]: "millrace-metadata",
      [FETCH.regions]: "eu-west-1",
    });
    expect(JSON.stringify(Variables[FETCH.segments])).toContain("s3://millrace-segments-");
    expect(Variables.POWERTOOLS_SERVICE_NAME).toBe("millrace");
  });

  it("tell the authorizer whom to trust in a form that it reads", () => {
    const { Variables } = named(synthesized(EVERYTHING).service, "orders-authorizer").Environment;
    expect(readAuthorizerEnvironment(Variables).trustedIdentities).toEqual(EVERYTHING.access.oidc.identities);
  });

  it("keep their logs as long as the settings say, and the groups go with the stack", () => {
    const { service } = synthesized({ logRetentionDays: 7 });
    const groups = ofType(service, "AWS::Logs::LogGroup");
    expect(groups.map(({ Properties }) => Properties.LogGroupName)).toEqual([
      "/aws/lambda/millrace-produce",
      "/aws/lambda/millrace-fetch",
      "/aws/lambda/millrace-coordinator",
      "/aws/lambda/millrace-maintenance",
    ]);
    for (const { Properties, DeletionPolicy } of groups)
      expect([Properties.RetentionInDays, DeletionPolicy]).toEqual([7, "Delete"]);
  });

  it("produce what an answer did not wait for by themselves, once, and late at most five minutes", () => {
    const { service } = synthesized();
    expect(ofType(service, "AWS::Lambda::EventInvokeConfig")).toHaveLength(3);
    const config = invokeConfigOf(service, "produce");
    expect(config).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 300 });
  });

  it("maintain what is there when a topic is deleted, and are invoked for nothing else that is written", () => {
    const { data, service } = synthesized();
    expect(ofType(service, "AWS::Lambda::EventSourceMapping")).toHaveLength(2);
    const { FilterCriteria, FunctionName: _, EventSourceArn, ...rest } = mappingOf(service, "maintenance");
    const filters = FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) => JSON.parse(Pattern));
    const { kind } = deletedTopicKey("topicId");
    expect(filters).toEqual([{ eventName: ["INSERT"], dynamodb: { Keys: { kind: { S: [kind!.S] } } } }]);
    expect(rest).toMatchObject({
      StartingPosition: "TRIM_HORIZON",
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      MaximumBatchingWindowInSeconds: 300,
      ParallelizationFactor: 1,
      MaximumRecordAgeInSeconds: 86_400,
      MaximumRetryAttempts: 1_000,
    });
    // The stream is that of the data stack's table, whose ARN goes by way of a parameter.
    const [metadata] = Object.entries(data.Resources).filter(
      ([, { Properties }]) => Properties.TableName === "millrace-metadata",
    );
    expect(metadata![1].Properties.StreamSpecification).toEqual({ StreamViewType: "KEYS_ONLY" });
    const parameter = ofType(data, "AWS::SSM::Parameter").find(({ Properties }) =>
      Properties.Name.includes("metadata"),
    );
    expect(parameter!.Properties.Value).toEqual({ "Fn::GetAtt": [metadata![0], "StreamArn"] });
    expect(service.Parameters?.[EventSourceArn.Ref]).toEqual({
      Type: "AWS::SSM::Parameter::Value<String>",
      Default: parameter!.Properties.Name,
    });
  });
});

describe("the sweep over consumer groups", () => {
  it("comes by two clocks, which the coordinator is told of and may turn on and off, and by no other", () => {
    const { service } = synthesized(EVERYTHING);
    const rules = ofType(service, "AWS::Events::Rule")
      .map(({ Properties }) => Properties)
      .filter(({ Targets }) => JSON.stringify(Targets).includes("coordinatorFunction"));
    expect(rules.map(({ Name, ScheduleExpression }) => [Name, ScheduleExpression])).toEqual([
      ["orders-sweep-minute", "rate(1 minute)"],
      ["orders-sweep-hour", "rate(1 hour)"],
    ]);
    for (const { Targets } of rules) expect(Targets).toHaveLength(1);
    const { Variables } = named(service, "orders-coordinator").Environment;
    const read = readBrokerEnvironment({ ...Variables, [FETCH.segments]: "memory:" });
    expect(read.sweepRules).toEqual({ minute: "orders-sweep-minute", hour: "orders-sweep-hour" });
    expect(read.groupTable).toBe("orders-group");
  });

  it("is there from the start, so that clocks that are made anew miss no group; which are not needed the first sweep finds out", () => {
    for (const { Properties } of ofType(synthesized().service, "AWS::Events::Rule")) {
      expect(Properties.State).toBe("ENABLED");
      if (!Properties.Name.includes("sweep")) continue;
      // Another table's groups are others: a rule with another description is put anew, and enabled.
      expect(Properties.Description).toContain("millrace-group");
    }
  });

  it("is woken by groups that begin or end, for a day if it must be, and by nothing else that is written to groups", () => {
    const { data, service } = synthesized();
    const { FilterCriteria, EventSourceArn, FunctionName: _, ...rest } = mappingOf(service, "coordinator");
    const filters = FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) => JSON.parse(Pattern));
    const [listing] = transactItems("group", "g", { kind: "put-listing", listing: { groupId: "g", sweepAt: 0 } });
    const { groupKey } = listing!.Put!.Item!;
    expect(filters).toEqual([{ dynamodb: { Keys: { groupKey: { S: [groupKey!.S] } } } }]);
    expect(rest).toMatchObject({
      StartingPosition: "TRIM_HORIZON",
      MaximumBatchingWindowInSeconds: 1,
      MaximumRecordAgeInSeconds: 86_400,
      MaximumRetryAttempts: 1_000,
    });
    const [id, group] = Object.entries(data.Resources).find(
      ([, { Properties }]) => Properties.TableName === "millrace-group",
    )!;
    expect(group.Properties.StreamSpecification).toEqual({ StreamViewType: "KEYS_ONLY" });
    const parameter = ofType(data, "AWS::SSM::Parameter").find(({ Properties }) => Properties.Name.includes("group"));
    expect(parameter!.Properties.Value).toEqual({ "Fn::GetAtt": [id, "StreamArn"] });
    expect(service.Parameters?.[EventSourceArn.Ref]?.Default).toBe(parameter!.Properties.Name);
  });

  it("is repeated when it dies: it may have stopped its clock, and not yet looked for groups that began meanwhile", () => {
    const config = invokeConfigOf(synthesized().service, "coordinator");
    expect(config).toMatchObject({ MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 600 });
  });
});

describe("the upkeep of logs", () => {
  const upkeepRule = (template: Template) =>
    ofType(template, "AWS::Events::Rule").find(({ Properties }) => Properties.Name?.endsWith("-upkeep"))?.Properties;

  it("comes by a clock of an hour, made running, which maintenance is told of, and by no other", () => {
    const { service } = synthesized(EVERYTHING);
    const { Targets, ...rule } = upkeepRule(service);
    expect(rule).toMatchObject({ Name: "orders-upkeep", ScheduleExpression: "cron(0 * * * ? *)", State: "ENABLED" });
    // Another table's logs are others: a rule with another description is put anew, and enabled.
    expect(rule.Description).toContain("orders-metadata");
    expect(Targets).toEqual([
      expect.objectContaining({ RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 } }),
    ]);
    expect(JSON.stringify(Targets)).toContain("maintenanceFunction");
    const told = ["produce", "fetch", "coordinator", "maintenance"].map((lambda) => {
      const { Variables } = named(service, `orders-${lambda}`).Environment;
      const { upkeepRule: rule, maintenanceFunction } = readBrokerEnvironment({
        ...Variables,
        [FETCH.segments]: "memory:",
      });
      return [lambda, rule, maintenanceFunction];
    });
    expect(told).toEqual([
      ["produce", undefined, "orders-maintenance"],
      ["fetch", undefined, undefined],
      ["coordinator", undefined, undefined],
      ["maintenance", "orders-upkeep", undefined],
    ]);
  });

  it("has Lambda's longest time, memory for four copies at once, and is repeated within the hour when it dies", () => {
    for (const [memorySizeMb, expected] of [
      [256, 1_024],
      [2_048, 2_048],
    ]) {
      const { service } = synthesized({ memorySizeMb });
      expect(named(service, "millrace-maintenance")).toMatchObject({ Timeout: 900, MemorySize: expected });
      expect(named(service, "millrace-produce").MemorySize).toBe(memorySizeMb);
      expect(named(service, "millrace-maintenance")).not.toHaveProperty("ReservedConcurrentExecutions");
    }
    const config = invokeConfigOf(synthesized().service, "maintenance");
    expect(config).toMatchObject({ MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 3_600 });
  });
});

describe("a way in", () => {
  it("hands all bodies over in base64, is regional, and is throttled as the settings say", () => {
    const { service } = synthesized({ throttle: { ratePerSecond: 50, burst: 60 } });
    const [api] = ofType(service, "AWS::ApiGateway::RestApi");
    expect(api!.Properties).toMatchObject({
      BinaryMediaTypes: ["*/*"],
      EndpointConfiguration: { Types: ["REGIONAL"] },
    });
    const [stage] = ofType(service, "AWS::ApiGateway::Stage");
    expect(stage!.Properties.MethodSettings).toEqual([
      expect.objectContaining({
        ThrottlingRateLimit: 50,
        ThrottlingBurstLimit: 60,
        ResourcePath: "/*",
        HttpMethod: "*",
      }),
    ]);
    expect(ofType(service, "AWS::ApiGateway::UsagePlan")[0]!.Properties.Throttle).toEqual({
      RateLimit: 50,
      BurstLimit: 60,
    });
  });

  it("by key has a key for each name, none of whose values is in the template", () => {
    const { service } = synthesized(EVERYTHING);
    const keys = ofType(service, "AWS::ApiGateway::ApiKey");
    expect(keys.map(({ Properties }) => Properties.Name)).toEqual(["orders-first", "orders-second"]);
    for (const { Properties } of keys) expect(Properties).not.toHaveProperty("Value");
    expect(ofType(service, "AWS::ApiGateway::UsagePlanKey")).toHaveLength(2);
    expect(ofType(service, "AWS::ApiGateway::UsagePlan")[0]!.Properties.Quota).toEqual({
      Limit: 1_000_000,
      Period: "MONTH",
    });
  });

  it("under a host name of one's own has its certificate, TLS 1.2, and a DNS record where the zone is told", () => {
    const { service } = synthesized(EVERYTHING);
    const [domain] = ofType(service, "AWS::ApiGateway::DomainName");
    expect(domain!.Properties).toMatchObject({
      DomainName: "kafka.example.com",
      RegionalCertificateArn: EVERYTHING.access.iam.domain.certificateArn,
      SecurityPolicy: "TLS_1_2",
    });
    expect(ofType(service, "AWS::Route53::RecordSet")[0]!.Properties).toMatchObject({
      Name: "kafka.example.com.",
      Type: "A",
    });
  });

  it("is told in the outputs, with what a caller must know", () => {
    const { Outputs = {} } = synthesized(EVERYTHING).service;
    expect(Object.keys(Outputs).toSorted()).toEqual(["ApiKeyIds", "ApiKeyUrl", "IamResource", "IamUrl", "OidcUrl"]);
    expect(Outputs["IamUrl"]!.Value).toBe("https://kafka.example.com");
  });

  it("writes access logs where the settings say so", () => {
    const [stage] = ofType(synthesized({ accessLogs: true }).service, "AWS::ApiGateway::Stage");
    expect(stage!.Properties.AccessLogSetting.Format).toContain("$context.requestId");
    expect(stage!.DependsOn ?? (stage as { DependsOn?: unknown }).DependsOn).toEqual(
      expect.arrayContaining([expect.stringContaining("Account")]),
    );
    expect(ofType(synthesized().service, "AWS::ApiGateway::Stage")[0]!.Properties).not.toHaveProperty(
      "AccessLogSetting",
    );
  });
});
