import { describe, expect, it } from "vitest";
import { readEnvironment as readAuthorizerEnvironment } from "../../lambdas/authorizer/environment.ts";
import { ENVIRONMENT as FETCH } from "../../lambdas/fetch/environment.ts";
import { deletedTopicKey } from "../../shared/storage/dynamodb/deleted-topic-item.ts";
import { EVERYTHING, ofType, synthesized, type Template } from "./synthesized.ts";

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
    for (const name of ["millrace-produce", "millrace-fetch"]) expect(named(service, name).Timeout).toBe(28);
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
      "/aws/lambda/millrace-maintenance",
    ]);
    for (const { Properties, DeletionPolicy } of groups)
      expect([Properties.RetentionInDays, DeletionPolicy]).toEqual([7, "Delete"]);
  });

  it("maintain what is there when a topic is deleted, and are invoked for nothing else that is written", () => {
    const { data, service } = synthesized();
    const [mapping, ...others] = ofType(service, "AWS::Lambda::EventSourceMapping");
    expect(others).toEqual([]);
    const { FilterCriteria, FunctionName, EventSourceArn, ...rest } = mapping!.Properties;
    expect(JSON.stringify(FunctionName)).toContain("maintenanceFunction");
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
    const [parameter] = ofType(data, "AWS::SSM::Parameter");
    expect(parameter!.Properties.Value).toEqual({ "Fn::GetAtt": [metadata![0], "StreamArn"] });
    expect(service.Parameters?.[EventSourceArn.Ref]).toEqual({
      Type: "AWS::SSM::Parameter::Value<String>",
      Default: parameter!.Properties.Name,
    });
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
