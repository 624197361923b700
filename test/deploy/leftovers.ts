import { elements, iam, json, query, rest } from "./control-plane.ts";
import { ENDPOINT } from "./deployment.ts";
import { sendSigned } from "./request.ts";

/**
 * Looks for what is left of deployments in the regions given, by the beginning of their names, once they are destroyed. Exit code 1:
 * something.
 */
const [prefix = "", ...regions] = process.argv.slice(2);
if (prefix === "" || regions.length === 0) throw new Error("leftovers.ts needs the beginning of a name, and regions");

type Named = Readonly<Record<string, string>>;
const names = (list: Named[] | null | undefined, field: string) => (list ?? []).map((item) => item[field] ?? "");
const monitoring = (Action: string, region: string) => query("monitoring", { Action, Version: "2010-08-01" }, region);
const get = async (service: string, path: string, region: string) =>
  (await rest(service, "GET", path, undefined, region)).body;

const KINDS: Readonly<Record<string, (region: string) => Promise<string[]>>> = {
  stack: async (region) => {
    const stacks = await query("cloudformation", { Action: "DescribeStacks", Version: "2010-05-15" }, region);
    return elements(stacks, "StackName");
  },
  table: async (region) => (await json("dynamodb", "DynamoDB_20120810.ListTables", {}, region)).body.TableNames,
  bucket: async (region) => {
    const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
    return elements(await sendSigned(new URL("/", ENDPOINT), "s3", { headers, region }), "Name");
  },
  function: async (region) => names((await get("lambda", "/2015-03-31/functions/", region)).Functions, "FunctionName"),
  mapping: async (region) =>
    names((await get("lambda", "/2015-03-31/event-source-mappings/", region)).EventSourceMappings, "FunctionArn"),
  "REST API": async (region) => names((await get("apigateway", "/restapis?limit=500", region)).item, "name"),
  "API key": async (region) => names((await get("apigateway", "/apikeys?limit=500", region)).item, "name"),
  "usage plan": async (region) => names((await get("apigateway", "/usageplans?limit=500", region)).item, "name"),
  "log group": async (region) =>
    names((await json("logs", "Logs_20140328.DescribeLogGroups", {}, region)).body.logGroups, "logGroupName"),
  rule: async (region) => names((await json("events", "AWSEvents.ListRules", {}, region)).body.Rules, "Name"),
  parameter: async (region) =>
    names((await json("ssm", "AmazonSSM.DescribeParameters", {}, region)).body.Parameters, "Name"),
  topic: async (region) =>
    elements(await query("sns", { Action: "ListTopics", Version: "2010-03-31" }, region), "TopicArn"),
  alarm: async (region) => elements(await monitoring("DescribeAlarms", region), "AlarmName"),
  dashboard: async (region) => elements(await monitoring("ListDashboards", region), "DashboardName"),
  role: async () => elements(await iam("ListRoles"), "RoleName"),
  user: async () => elements(await iam("ListUsers"), "UserName"),
};

/**
 * What stays, on AWS too unless told, and why: taken away here, so that an emulator that goes on is left as it was found.
 */
const STAYS: readonly { kind: string; pattern: RegExp; remove(name: string, region: string): Promise<unknown> }[] = [
  {
    // Lambda itself makes it for CDK's custom resource, when that runs; no stack has it.
    kind: "log group",
    pattern: /^\/aws\/lambda\/.*-CustomS3AutoDeleteObj/,
    remove: removeLogGroup,
  },
  {
    // Functions that nobody calls were at work: on AWS a function without logs:CreateLogGroup does not bring its group back.
    kind: "log group",
    pattern: /^\/aws\/lambda\/.*-(coordinator|maintenance|replicator|lease)$/,
    remove: removeLogGroup,
  },
  {
    // The account's role for API Gateway, which other APIs may use: infra/constructs/access-logs.ts.
    kind: "role",
    pattern: /-AccessLogsRole/,
    remove: removeRole,
  },
];

function removeLogGroup(logGroupName: string, region: string): Promise<unknown> {
  return json("logs", "Logs_20140328.DeleteLogGroup", { logGroupName }, region);
}

async function removeRole(RoleName: string): Promise<void> {
  for (const PolicyArn of elements(await iam("ListAttachedRolePolicies", { RoleName }), "PolicyArn")) {
    await iam("DetachRolePolicy", { RoleName, PolicyArn });
  }
  await iam("DeleteRole", { RoleName });
}

let seen = 0;
const left: string[] = [];
for (const region of regions) {
  for (const [kind, list] of Object.entries(KINDS)) {
    const all = await list(region);
    seen += all.length;
    for (const name of all.filter((name) => new RegExp(`(^|[/:])${prefix}`).test(name))) {
      const known = STAYS.find((known) => known.kind === kind && known.pattern.test(name));
      if (known === undefined) left.push(`${kind} ${name}, ${region}`);
      else {
        await known.remove(name, region);
        console.log(`${kind} ${name} stays, for a reason: removed`);
      }
    }
  }
}
// The bootstrap stack, its bucket and its roles stay: a list that shows none of them is no evidence.
if (seen === 0) throw new Error("the emulator lists nothing at all, not even the bootstrap stack");
for (const line of left) console.log(`left: ${line}`);
if (left.length > 0) process.exitCode = 1;
