import { type App, Tags, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { stackName } from "./resource-names.ts";
import type { Settings } from "./settings.ts";
import { DataStack } from "./stacks/data-stack.ts";
import { ServiceStack } from "./stacks/service-stack.ts";

/** The stacks of a deployment, two in each region. `account`: undefined for templates that fit any. */
export function buildApp(app: App, settings: Settings, account = process.env["CDK_DEFAULT_ACCOUNT"]): void {
  const { name, regions, tags } = settings;
  const envOf = (region: string) => (account === undefined ? { region } : { account, region });
  const data = regions.map(
    (region) =>
      new DataStack(app, stackName(settings, "data", region), {
        description: `Millrace ${name}: data`,
        env: envOf(region),
        settings,
      }),
  );
  for (const region of regions) {
    const service = new ServiceStack(app, stackName(settings, "service", region), {
      description: `Millrace ${name}: functions and ways in`,
      env: envOf(region),
      settings,
    });
    // The functions of each region act on the tables of all.
    for (const stack of data) service.addStackDependency(stack);
  }
  Tags.of(app).add("millrace:name", name);
  for (const [key, value] of Object.entries(tags)) Tags.of(app).add(key, value);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
