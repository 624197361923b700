import { type App, Tags, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import type { Settings } from "./settings.ts";
import { DataStack } from "./stacks/data-stack.ts";
import { ServiceStack } from "./stacks/service-stack.ts";

/** The stacks of a deployment. `account`: undefined for templates that fit any. */
export function buildApp(app: App, settings: Settings, account = process.env["CDK_DEFAULT_ACCOUNT"]): void {
  const { name, tags } = settings;
  const region = settings.regions[0]!;
  const env = account === undefined ? { region } : { account, region };
  const data = new DataStack(app, `${name}-data`, {
    description: `Millrace ${name}: data`,
    env,
    settings,
  });
  const service = new ServiceStack(app, `${name}-service`, {
    description: `Millrace ${name}: functions and ways in`,
    env,
    settings,
  });
  service.addStackDependency(data);
  Tags.of(app).add("millrace:name", name);
  for (const [key, value] of Object.entries(tags)) Tags.of(app).add(key, value);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
