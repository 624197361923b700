import { readFileSync } from "node:fs";
import { elements, iam } from "./control-plane.ts";

/**
 * Lets the functions of deployments, by their files of settings, set their clocks beside MiniStack, which takes the ARN of a rule of the default event
 * bus for `rule/default/NAME`. On AWS it is `rule/NAME`, as the policies have it:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
 */
const [account, ...files] = process.argv.slice(2);
const roles = elements(await iam("ListRoles", { MaxItems: "1000" }), "RoleName");
for (const file of files) {
  const { name, regions } = JSON.parse(readFileSync(file, "utf8")) as { name: string; regions: string[] };
  await letSet(name, regions, "coordinator", ["sweep-minute", "sweep-hour"]);
  // With several regions that of the upkeep is always on.
  if (regions.length === 1) await letSet(name, regions, "maintenance", ["upkeep"]);
}

async function letSet(name: string, regions: string[], lambda: string, clocks: string[]): Promise<void> {
  const own = roles.filter((role) => new RegExp(`^${name}-service.*${lambda}Role`).test(role));
  if (own.length !== regions.length) throw new Error(`${name} has ${own.length} of ${lambda}: ${own.join(", ")}`);
  const Resource = regions.flatMap((region) =>
    clocks.map((clock) => `arn:aws:events:${region}:${account}:rule/default/${name}-${clock}`),
  );
  const statement = { Effect: "Allow", Action: ["events:EnableRule", "events:DisableRule"], Resource };
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  for (const RoleName of own) await iam("PutRolePolicy", { RoleName, PolicyName: "rule-arns", PolicyDocument });
  console.log(`${own.join(", ")}: ${Resource.join(", ")}`);
}
