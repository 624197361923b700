import { describe, expect, it } from "vitest";
import { EVERYTHING, ofType, synthesized, type Template } from "./synthesized.ts";

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

function statementsOf(template: Template, lambda: string): Statement[] {
  const policies = ofType(template, "AWS::IAM::Policy").filter(({ Properties }) =>
    Properties.PolicyName.startsWith(lambda),
  );
  return policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[]);
}

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

  it("let Lambda read the metadata's stream for maintenance, and for nothing else", () => {
    const { service } = synthesized();
    const statements = ofType(service, "AWS::IAM::Policy").flatMap(({ Properties }) =>
      (Properties.PolicyDocument.Statement as Statement[])
        .filter(({ Action }) => [Action].flat().some((action) => /Stream|GetRecords|Shard/.test(action)))
        .filter(({ Sid }) => Sid !== "WriteLogs")
        .map(({ Sid, Resource }) => [Properties.PolicyName, Sid, Resource]),
    );
    const [mapping] = ofType(service, "AWS::Lambda::EventSourceMapping");
    expect(statements).toEqual([
      [expect.stringMatching(/^maintenance/), "ReadStream", mapping!.Properties.EventSourceArn],
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
