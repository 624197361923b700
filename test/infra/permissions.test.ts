import { describe, expect, it } from "vitest";
import { groupHomeKey } from "../../shared/storage/dynamodb/group-home-item.ts";
import { EVERYTHING, ofType, synthesized } from "./synthesized.ts";
import { type Statement, statementsOf } from "./template-parts.ts";

const actionsOf = (statements: Statement[]) => statements.flatMap(({ Action }) => Action).toSorted();

describe("permissions", () => {
  it.each([{}, EVERYTHING])("hold no wildcard but the objects of the one bucket, with settings %#", (settings) => {
    const { service } = synthesized(settings);
    const statements = ofType(service, "AWS::IAM::Policy").flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement as Statement[],
    );
    expect(statements.length).toBeGreaterThan(10);
    for (const { Action, Resource, Effect } of statements) {
      expect(Effect).toBe("Allow");
      expect([Action].flat().join()).not.toContain("*");
      for (const resource of [Resource].flat()) {
        const text = JSON.stringify(resource);
        if (text.includes("*")) expect(text).toMatch(/arn:aws:s3:::(millrace|orders)-segments-.*\/\*/);
      }
    }
  });

  it("let the fetch function write nothing but the cluster's id", () => {
    const statements = statementsOf(synthesized().service, "fetch");
    expect(actionsOf(statements)).toEqual(
      [
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:ListBucket",
      ].toSorted(),
    );
    const writing = statements.find(({ Action }) => Action === "dynamodb:PutItem");
    expect(writing?.Condition).toEqual({ "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["cluster"] } });
    expect(JSON.stringify(writing?.Resource)).toContain("table/millrace-metadata");
  });

  it("let the produce function neither read nor delete segments, nor delete records one by one", () => {
    const actions = actionsOf(statementsOf(synthesized().service, "produce"));
    expect(actions.filter((action) => action.startsWith("s3:"))).toEqual(["s3:PutObject"]);
    expect(actions).not.toContain("dynamodb:Scan");
  });

  it("let the coordinator do with groups what it does, write a group's home, set its own clock, and read all else", () => {
    const { service } = synthesized();
    const statements = statementsOf(service, "coordinator");
    const bySid = Object.fromEntries(statements.map(({ Sid, Action, Resource }) => [Sid, { Action, Resource }]));
    const of = (sid: string) => [[bySid[sid]!.Action].flat().toSorted(), JSON.stringify(bySid[sid]!.Resource)] as const;
    expect(of("UseGroups")[0]).toEqual([
      "dynamodb:BatchGetItem",
      "dynamodb:ConditionCheckItem",
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:UpdateItem",
    ]);
    expect(of("UseGroups")[1]).toMatch(/:table\/millrace-group"\]\]\}$/);
    const home = statements.find(({ Sid }) => Sid === "WriteGroupHomes")!;
    expect([home.Action, JSON.stringify(home.Resource)]).toEqual([
      "dynamodb:PutItem",
      expect.stringMatching(/:table\/millrace-metadata"\]\]\}$/),
    ]);
    const kinds = ["cluster", groupHomeKey("g")["kind"]!.S];
    expect(home.Condition).toEqual({ "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": kinds } });
    expect(of("SetSweepClock")[0]).toEqual(["events:DisableRule", "events:EnableRule"]);
    const rules = [...of("SetSweepClock")[1].matchAll(/:rule\/([\w-]+)"/g)].map(([, name]) => name);
    expect(rules).toEqual(["millrace-sweep-minute", "millrace-sweep-hour"]);
    const others = statements.filter(({ Sid }) => !["UseGroups", "WriteGroupHomes", "SetSweepClock"].includes(Sid));
    const writing = actionsOf(others).filter((action) => !/:(Get|List|Query|Describe)/.test(action));
    expect(writing).toEqual(["logs:CreateLogStream", "logs:PutLogEvents"]);
  });

  it("let no other function come near groups", () => {
    for (const lambda of ["produce", "fetch", "maintenance", "authorizer"]) {
      expect(JSON.stringify(statementsOf(synthesized(EVERYTHING).service, lambda))).not.toContain("orders-group");
    }
  });

  it("let Lambda read the metadata's stream for maintenance, the groups' for the coordinator, and no other", () => {
    const { service } = synthesized();
    const statements = ofType(service, "AWS::IAM::Policy").flatMap(({ Properties }) =>
      (Properties.PolicyDocument.Statement as Statement[])
        .filter(({ Action }) => [Action].flat().some((action) => /Stream|GetRecords|Shard/.test(action)))
        .filter(({ Sid }) => Sid !== "WriteLogs")
        .map(({ Sid, Resource }) => [Properties.PolicyName, Sid, Resource]),
    );
    const [maintenance, coordinator] = ofType(service, "AWS::Lambda::EventSourceMapping").map(
      ({ Properties }) => Properties.EventSourceArn,
    );
    expect(statements).toEqual([
      [expect.stringMatching(/^coordinator/), "ReadStream", coordinator],
      [expect.stringMatching(/^maintenance/), "ReadStream", maintenance],
    ]);
  });

  it("let maintenance do with logs and segments what the upkeep does, set its own clock, and nothing else", () => {
    const { service } = synthesized();
    const statements = statementsOf(service, "maintenance");
    const allowed = (resource: RegExp) =>
      actionsOf(statements.filter(({ Resource }) => resource.test(JSON.stringify(Resource))));
    const write = ["dynamodb:BatchWriteItem", "dynamodb:PutItem"];
    const read = ["dynamodb:GetItem", "dynamodb:Query"];
    expect(allowed(/:table\/millrace-log"/)).toEqual([...write, ...read].toSorted());
    expect(allowed(/:table\/millrace-metadata"/)).toEqual([...write, ...read, "dynamodb:DeleteItem"].toSorted());
    expect(allowed(/:s3:::/)).toEqual(
      ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"].toSorted(),
    );
    const clock = statements.find(({ Sid }) => Sid === "SetUpkeepClock")!;
    expect([[clock.Action].flat().toSorted(), JSON.stringify(clock.Resource)]).toEqual([
      ["events:DisableRule", "events:EnableRule"],
      expect.stringMatching(/:rule\/millrace-upkeep"\]\]\}$/),
    ]);
    const rest = actionsOf(statements).filter((action) => !/^(dynamodb|s3|logs|events):/.test(action));
    expect(rest).toEqual([]);
    const [key] = statementsOf(synthesized(EVERYTHING).service, "maintenance").filter(({ Sid }) => Sid === "UseKey");
    expect(key!.Action).toEqual(["kms:Decrypt", "kms:GenerateDataKey"]);
  });

  it("let the produce function invoke itself and maintenance, by their names, and no other invoke anything", () => {
    const invoking = ofType(synthesized().service, "AWS::IAM::Policy").flatMap(({ Properties }) =>
      (Properties.PolicyDocument.Statement as Statement[])
        .filter(({ Action }) => [Action].flat().some((action) => action.startsWith("lambda:")))
        .map(({ Action, Resource }) => [Properties.PolicyName, Action, JSON.stringify(Resource)]),
    );
    expect(invoking).toEqual([
      [
        expect.stringMatching(/^produce/),
        "lambda:InvokeFunction",
        expect.stringMatching(/:function:millrace-produce"\]\]\}$/),
      ],
      [
        expect.stringMatching(/^produce/),
        "lambda:InvokeFunction",
        expect.stringMatching(/:function:millrace-maintenance"\]\]\}$/),
      ],
    ]);
  });

  it("let the authorizer do nothing but write its log", () => {
    const actions = actionsOf(statementsOf(synthesized(EVERYTHING).service, "authorizer"));
    expect(actions).toEqual(["logs:CreateLogStream", "logs:PutLogEvents"]);
  });

  it("come to a key of one's own where there is one, and only to that", () => {
    const statements = statementsOf(synthesized(EVERYTHING).service, "produce").filter(({ Sid }) => Sid === "UseKey");
    expect(statements).toEqual([
      {
        Sid: "UseKey",
        Effect: "Allow",
        Action: ["kms:Decrypt", "kms:GenerateDataKey"],
        Resource: EVERYTHING.encryptionKeyArn,
      },
    ]);
  });

  it("use no managed policy for a function", () => {
    const roles = ofType(synthesized(EVERYTHING).service, "AWS::IAM::Role");
    const managed = roles.filter(({ Properties }) => Properties.ManagedPolicyArns !== undefined);
    // API Gateway's logging role for the account, with the setting accessLogs alone.
    expect(managed.map(({ Properties }) => JSON.stringify(Properties.AssumeRolePolicyDocument))).toEqual([
      expect.stringContaining("apigateway.amazonaws.com"),
    ]);
  });
});
