import { describe, expect, it } from "vitest";
import { elements, functionConfiguration, jsonAnswer, query } from "./control-plane.ts";
import { deployment, EMULATOR, ENDPOINT, JUDGES_POLICIES } from "./deployment.ts";
import { type Answer, type Credentials, sendSigned } from "./request.ts";

const first = deployment("first").name;
const second = deployment("second").name;

type Attempt = (credentials: Credentials) => Promise<Answer>;

const KEYS = {
  log: { tp: { S: "no-topic#0" }, baseOffset: { N: "0" } },
  metadata: { kind: { S: "topic" }, name: { S: "no-topic" } },
  group: { groupKey: { S: "g#no-group" }, itemKey: { S: "no-item" } },
};

function table(which: keyof typeof KEYS, action: string, name = first): Attempt {
  const TableName = `${name}-${which}`;
  const Key = KEYS[which];
  const inputs: Record<string, object> = {
    GetItem: { TableName, Key },
    PutItem: { TableName, Item: Key },
    DeleteItem: { TableName, Key },
    UpdateItem: { TableName, Key },
    BatchWriteItem: { RequestItems: { [TableName]: [{ DeleteRequest: { Key } }] } },
    TransactWriteItems: {
      TransactItems: [
        { Put: { TableName, Item: { ...Key, itemKey: { S: "other" } } } },
        { ConditionCheck: { TableName, Key, ConditionExpression: "attribute_not_exists(nothing)" } },
      ],
    },
    Scan: { TableName },
    DeleteTable: { TableName },
  };
  return (credentials) => jsonAnswer("dynamodb", `DynamoDB_20120810.${action}`, inputs[action]!, credentials);
}

function segment(method: string, name = first): Attempt {
  return async (credentials) => {
    const { Environment } = await functionConfiguration(`${name}-produce`);
    const bucket = new URL(Environment.Variables["MILLRACE_SEGMENTS"]!).hostname;
    const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
    const sent = { method, headers, ...(method === "PUT" ? { body: "x" } : {}) };
    return sendSigned(new URL(`/${bucket}/no-topic/1`, ENDPOINT), "s3", sent, credentials);
  };
}

function invocation(lambda: string): Attempt {
  const path = `/2015-03-31/functions/${first}-${lambda}/invocations`;
  return (credentials) => sendSigned(new URL(path, ENDPOINT), "lambda", { method: "POST", body: {} }, credentials);
}

function rule(action: string, name = first, clock = "sweep-minute"): Attempt {
  const input = {
    Name: `${name}-${clock}`,
    ...(action === "PutRule" ? { ScheduleExpression: "rate(1 day)" } : {}),
  };
  return (credentials) => jsonAnswer("events", `AWSEvents.${action}`, input, credentials);
}

/**
 * Asks as a function: MiniStack lets the account's root assume a role that only Lambda may assume. AWS lets nobody.
 */
async function as(lambda: string, attempt: Attempt): Promise<Answer> {
  const { Role } = await functionConfiguration(`${first}-${lambda}`);
  const parameters = { Version: "2011-06-15", RoleArn: Role, RoleSessionName: "test" };
  const assumed = await query("sts", { Action: "AssumeRole", ...parameters });
  const [accessKeyId, secretAccessKey, sessionToken] = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(
    (name) => elements(assumed, name)[0]!,
  ) as [string, string, string];
  return attempt({ accessKeyId, secretAccessKey, sessionToken });
}

describe.runIf(JUDGES_POLICIES && EMULATOR === "ministack")("a function's role", () => {
  it.each<[string, string, Attempt]>([
    ["produce", "deletes no segment", segment("DELETE")],
    ["produce", "scans no table", table("log", "Scan")],
    ["produce", "removes no table", table("log", "DeleteTable")],
    ["produce", "reaches no other deployment's log", table("log", "PutItem", second)],
    ["fetch", "appends to no log", table("log", "PutItem")],
    ["fetch", "removes nothing of a log", table("log", "BatchWriteItem")],
    ["fetch", "removes nothing of the metadata", table("metadata", "DeleteItem")],
    ["fetch", "writes no segment", segment("PUT")],
    ["fetch", "reaches no other deployment's metadata", table("metadata", "GetItem", second)],
    ["maintenance", "scans no table", table("log", "Scan")],
    ["maintenance", "changes no item of a log in place", table("log", "UpdateItem")],
    ["maintenance", "removes no table", table("log", "DeleteTable")],
    ["maintenance", "reaches no other deployment's log", table("log", "PutItem", second)],
    ["maintenance", "comes near no group", table("group", "GetItem")],
    ["maintenance", "sets no clock but its own", rule("EnableRule")],
    ["maintenance", "sets no other deployment's clock", rule("DisableRule", second, "upkeep")],
    ["maintenance", "changes no rule but its state", rule("PutRule", first, "upkeep")],
    ["maintenance", "reaches no other deployment's segments", segment("DELETE", second)],
    ["produce", "invokes no other function", invocation("fetch")],
    ["produce", "sets no clock", rule("EnableRule", first, "upkeep")],
    ["coordinator", "sets not the clock of the upkeep", rule("EnableRule", first, "upkeep")],
    ["fetch", "invokes no function", invocation("produce")],
    ["maintenance", "invokes no function", invocation("maintenance")],
    ["coordinator", "appends to no log", table("log", "PutItem")],
    ["coordinator", "removes nothing of the metadata", table("metadata", "DeleteItem")],
    ["coordinator", "writes no segment", segment("PUT")],
    ["coordinator", "deletes no segment", segment("DELETE")],
    ["coordinator", "scans no table", table("group", "Scan")],
    ["coordinator", "reaches no other deployment's groups", table("group", "PutItem", second)],
    ["coordinator", "invokes no function", invocation("coordinator")],
    ["coordinator", "sets no other deployment's clock", rule("EnableRule", second)],
    ["coordinator", "changes no rule but its state", rule("PutRule")],
    ["produce", "comes near no group", table("group", "PutItem")],
    ["fetch", "reads no group", table("group", "GetItem")],
    ["fetch", "sets no clock", rule("EnableRule")],
    ["authorizer", "reads no table", table("metadata", "GetItem")],
    ["authorizer", "reads no segment", segment("GET")],
  ])("(%s) %s", async (lambda, _what, attempt) => {
    const { text } = await as(lambda, attempt);
    expect(text).toContain("AccessDenied");
    expect(text).toContain(`assumed-role/${first}-service-${lambda}`);
  });

  it.each<[string, string, Attempt]>([
    ["produce", "appends to logs", table("log", "PutItem")],
    ["produce", "writes segments", segment("PUT")],
    ["produce", "invokes itself", invocation("produce")],
    ["fetch", "reads segments", segment("GET")],
    ["coordinator", "changes groups by transactions", table("group", "TransactWriteItems")],
    ["coordinator", "reads segments", segment("GET")],
    ["coordinator", "sets its clock", rule("EnableRule")],
    ["produce", "invokes maintenance", invocation("maintenance")],
    ["maintenance", "writes segments", segment("PUT")],
    ["maintenance", "reads segments", segment("GET")],
    ["maintenance", "removes segments", segment("DELETE")],
    ["maintenance", "sets its clock", rule("EnableRule", first, "upkeep")],
    ["maintenance", "removes logs' items", table("log", "BatchWriteItem")],
  ])("(%s) %s, asked in the same way", async (lambda, _what, attempt) => {
    const { status, text } = await as(lambda, attempt);
    expect([status < 300, text]).toEqual([true, expect.not.stringContaining("Error")]);
  });
});
