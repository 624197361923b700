import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { JWK } from "jose";

/** What test/deploy/run deployed, and where: it tells by environment variables and files. */

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new Error(`${name} is not set: run these tests by npm run test:deploy`);
  return value;
}

/** Where the emulator answers, on this machine. */
export const ENDPOINT = new URL(variable("AWS_ENDPOINT_URL"));
export const REGION = variable("AWS_REGION");
export const EMULATOR = variable("MILLRACE_TEST_EMULATOR") as "ministack" | "localstack";
/** Whether it judges requests by IAM policies: without, nothing here says whether the functions' permissions suffice. */
export const JUDGES_POLICIES = variable("MILLRACE_TEST_JUDGES_POLICIES") === "yes";

const folder = variable("MILLRACE_TEST_FOLDER");
const fileOf = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8")) as never;

/** An app that is deployed, in one region: the outputs of its service stack. */
export interface Deployment {
  readonly name: string;
  readonly region: string;
  readonly settingsFile: string;
  readonly outputs: Readonly<Record<string, string>>;
}

export function deployment(which: "first" | "second"): Deployment {
  const { name } = fileOf(`${which}.settings.json`) as { name: string };
  const stacks = fileOf(`${which}.outputs.json`) as Record<string, Record<string, string>>;
  const settingsFile = join(folder, `${which}.settings.json`);
  return { name, region: REGION, settingsFile, outputs: stacks[`${name}-service`]! };
}

/** The deployment in several regions, one for each in their order. */
export function regionalDeployments(): Deployment[] {
  const { name, regions } = fileOf("regions.settings.json") as { name: string; regions: string[] };
  const stacks = fileOf("regions.outputs.json") as Record<string, Record<string, string>>;
  const settingsFile = join(folder, "regions.settings.json");
  return regions.map((region) => ({ name, region, settingsFile, outputs: stacks[`${name}-service-${region}`]! }));
}

/** The issuer that the first deployment trusts, and the key that it signs with: issuer.ts. */
export function issuer(): { readonly url: string; readonly key: JWK } {
  return fileOf("issuer.json");
}

/**
 * The host name under which the emulator takes an API's requests as AWS does, stage in the path, in place of
 * `<id>.execute-api.<region>.amazonaws.com` in the outputs.
 */
export function localUrl(url: string): URL {
  const { host, pathname, search } = new URL(url);
  const suffix = EMULATOR === "localstack" ? "localhost.localstack.cloud" : "localhost";
  return new URL(
    `${ENDPOINT.protocol}//${host.split(".")[0]}.execute-api.${suffix}:${ENDPOINT.port}${pathname}${search}`,
  );
}
