import { App } from "aws-cdk-lib";
import { buildApp } from "./build-app.ts";
import { readSettings } from "./read-settings.ts";
import { SettingsError } from "./settings.ts";

/** What `cdk` runs: settings in, stacks out. */
try {
  const app = new App();
  buildApp(app, readSettings(app.node.getAllContext() as Record<string, unknown>, process.env["CDK_DEFAULT_REGION"]));
  app.synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  process.stderr.write(`millrace: the settings are not right\n${error.message.replaceAll(/^/gm, "  ")}\n`);
  process.exitCode = 1;
}
