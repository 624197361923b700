import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { StartupError } from "./startup-error.ts";

/** Dynoxide is published as one package for each platform, each called after it: https://github.com/nubo-db/dynoxide */
const PLATFORMS = new Set(["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"]);
const WITHOUT = "set AWS_ENDPOINT_URL to a DynamoDB that runs elsewhere, such as LocalStack or DynamoDB Local";

/** The embedded DynamoDB's binary for a platform. Errors: StartupError that says what to install, or to do without. */
export function dynoxideBinary(platform = `${process.platform}-${process.arch}`): string {
  if (!PLATFORMS.has(platform)) throw new StartupError(`there is no embedded DynamoDB for ${platform}: ${WITHOUT}`);
  const require = createRequire(import.meta.url);
  const name = `@dynoxide/${platform}`;
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), "dynoxide");
  } catch {
    const { devDependencies } = require("../package.json") as { devDependencies: Record<string, string> };
    const version = devDependencies["@dynoxide/linux-x64"];
    throw new StartupError(
      `the embedded DynamoDB for this platform is missing: run npm install --no-save ${name}@${version}, or ${WITHOUT}`,
    );
  }
}
