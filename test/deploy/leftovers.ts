import { elements, iam, json, query, rest } from "./control-plane.ts";
import { ENDPOINT } from "./deployment.ts";
import { sendSigned } from "./request.ts";

/** Looks for what is left of deployments, by the beginning of their names, once they are destroyed. Exit code 1: something. */
const [prefix = ""] = process.argv.slice(2);
if (prefix === "") throw new Error("leftovers.ts needs the beginning of a name");

type Named = Readonly<Record<string, string>>;
const s3 = () => sendSigned(new URL("/", ENDPOINT), "s3", { headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } });
const monitoring = (Action: string) => query("monitoring", { Action, Version: "2010-08-01" });
const names = (list: Named[] | null | undefined, field: string) => (list ?? []).map((item) => item[field] ?? "");

const KINDS: Readonly<Record<string, () => Promise<string[]>>> = {
  stack: async () => {
    const stacks = await query("cloudformation", { Action: "DescribeStacks", Version: "2010-05-15" });
    return elements(stacks, "StackName");
  },
  table: async () => (await json("dynamodb", "DynamoDB_20120810.ListTables", {})).body.TableNames,
  bucket: async () => elements(await s3(), "Name"),
  function: async () => names((await rest("lambda", "GET", "/2015-03-31/functions/")).body.Functions, "FunctionName"),
  "REST API": async () => names((await rest("apigateway", "GET", "/restapis?limit=500")).body.item, "name"),
  "API key": async () => names((await rest("apigateway", "GET", "/apikeys?limit=500")).body.item, "name"),
  "usage plan": async () => names((await rest("apigateway", "GET", "/usageplans?limit=500")).body.item, "name"),
  "log group": async () =>
    names((await json("logs", "Logs_20140328.DescribeLogGroups", {})).body.logGroups, "logGroupName"),
  rule: async () => names((await json("events", "AWSEvents.ListRules", {})).body.Rules, "Name"),
  parameter: async () => names((await json("ssm", "AmazonSSM.DescribeParameters", {})).body.Parameters, "Name"),
  mapping: async () =>
    names((await rest("lambda", "GET", "/2015-03-31/event-source-mappings/")).body.EventSourceMappings, "FunctionArn"),
  topic: async () => elements(await query("sns", { Action: "ListTopics", Version: "2010-03-31" }), "TopicArn"),
  alarm: async () => elements(await monitoring("DescribeAlarms"), "AlarmName"),
  dashboard: async () => elements(await monitoring("ListDashboards"), "DashboardName"),
  role: async () => elements(await iam("ListRoles"), "RoleName"),
  user: async () => elements(await iam("ListUsers"), "UserName"),
};

/**
 * What stays, on AWS too unless told, and why: taken away here, so that an emulator that goes on is left as it was found.
 */
const STAYS: readonly { kind: string; pattern: RegExp; remove(name: string): Promise<unknown> }[] = [
  {
    // Lambda itself makes it for CDK's custom resource, when that runs; no stack has it.
    kind: "log group",
    pattern: /^\/aws\/lambda\/.*-CustomS3AutoDeleteObjects/,
    remove: (logGroupName) => json("logs", "Logs_20140328.DeleteLogGroup", { logGroupName }),
  },
  {
    // Maintenance of topics deleted just now was at work: on AWS a function without logs:CreateLogGroup does not bring its group back.
    kind: "log group",
    pattern: /^\/aws\/lambda\/.*-maintenance$/,
    remove: (logGroupName) => json("logs", "Logs_20140328.DeleteLogGroup", { logGroupName }),
  },
  {
    // The account's role for API Gateway, which other APIs may use: infra/constructs/access-logs.ts.
    kind: "role",
    pattern: /-AccessLogsRole/,
    remove: removeRole,
  },
];

async function removeRole(RoleName: string): Promise<void> {
  for (const PolicyArn of elements(await iam("ListAttachedRolePolicies", { RoleName }), "PolicyArn")) {
    await iam("DetachRolePolicy", { RoleName, PolicyArn });
  }
  await iam("DeleteRole", { RoleName });
}

let seen = 0;
const left: string[] = [];
for (const [kind, list] of Object.entries(KINDS)) {
  const all = await list();
  seen += all.length;
  for (const name of all.filter((name) => new RegExp(`(^|[/:])${prefix}`).test(name))) {
    const known = STAYS.find((known) => known.kind === kind && known.pattern.test(name));
    if (known === undefined) left.push(`${kind} ${name}`);
    else {
      await known.remove(name);
      console.log(`${kind} ${name} stays, for a reason: removed`);
    }
  }
}
// The bootstrap stack, its bucket and its roles stay: a list that shows none of them is no evidence.
if (seen === 0) throw new Error("the emulator lists nothing at all, not even the bootstrap stack");
for (const line of left) console.log(`left: ${line}`);
if (left.length > 0) process.exitCode = 1;
