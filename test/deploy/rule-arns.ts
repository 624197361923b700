import { readFileSync } from "node:fs";
import { elements, iam } from "./control-plane.ts";

/**
 * Lets the coordinators of deployments, by their files of settings, set their clocks beside MiniStack, which takes the ARN of a rule of the
 * default event bus for `rule/default/NAME`. On AWS it is `rule/NAME`, as the policy has it:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
 */
const [account, ...files] = process.argv.slice(2);
const roles = elements(await iam("ListRoles", { MaxItems: "1000" }), "RoleName");
for (const file of files) {
  const { name, regions } = JSON.parse(readFileSync(file, "utf8")) as { name: string; regions: string[] };
  const own = roles.filter((role) => new RegExp(`^${name}-service.*coordinatorRole`).test(role));
  if (own.length !== regions.length) throw new Error(`${name} has ${own.length} coordinators: ${own.join(", ")}`);
  const Resource = regions.flatMap((region) =>
    ["minute", "hour"].map((clock) => `arn:aws:events:${region}:${account}:rule/default/${name}-sweep-${clock}`),
  );
  const statement = { Effect: "Allow", Action: ["events:EnableRule", "events:DisableRule"], Resource };
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  for (const RoleName of own) await iam("PutRolePolicy", { RoleName, PolicyName: "rule-arns", PolicyDocument });
  console.log(`${own.join(", ")}: ${Resource.join(", ")}`);
}
