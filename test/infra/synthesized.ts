import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { onTestFinished } from "vitest";
import { buildApp } from "../../infra/build-app.ts";
import { readSettings } from "../../infra/read-settings.ts";
import { stackName } from "../../infra/resource-names.ts";

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is JSON; the tests look into it.
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: string | string[];
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Parameters?: Readonly<Record<string, { readonly Type: string; readonly Default: string }>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Description: string }>>;
}

export const CDK_CONTEXT = (
  JSON.parse(readFileSync("cdk.json", "utf8")) as { readonly context: Record<string, unknown> }
).context;

interface Templates {
  readonly data: Template;
  readonly service: Template;
}

const made = new Map<string, ReadonlyMap<string, Templates>>();

/** The templates of a deployment in one region, as `cdk synth` makes them, once for the same settings; functions are not bundled. */
export function synthesized(given: Readonly<Record<string, unknown>> = {}): Templates {
  const [templates, ...others] = [...synthesizedRegions(given).values()];
  if (others.length > 0) throw new Error("these settings are for several regions");
  return templates!;
}

/** The same of several regions, by region. */
export function synthesizedRegions(given: Readonly<Record<string, unknown>>): ReadonlyMap<string, Templates> {
  const key = JSON.stringify(given);
  const known = made.get(key) ?? synthesize(given);
  made.set(key, known);
  return known;
}

function synthesize(given: Readonly<Record<string, unknown>>): ReadonlyMap<string, Templates> {
  const { app, folder, settings } = appFor(given);
  app.synth();
  const template = (kind: "data" | "service", region: string) =>
    JSON.parse(readFileSync(join(folder, `${stackName(settings, kind, region)}.template.json`), "utf8")) as Template;
  return new Map(
    settings.regions.map((region) => [
      region,
      { data: template("data", region), service: template("service", region) },
    ]),
  );
}

/** The app of a deployment, not yet synthesized. */
export function appFor(given: Readonly<Record<string, unknown>>) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-synth-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const app = new App({ outdir: folder, context: { ...CDK_CONTEXT, "aws:cdk:bundling-stacks": [] } });
  const settings = readSettings(given, "eu-west-1");
  buildApp(app, settings, undefined);
  return { app, folder, settings };
}

export function ofType(template: Template, type: string): Resource[] {
  return Object.values(template.Resources).filter((resource) => resource.Type === type);
}

/** Every way in, a domain, a key, alarms that tell somebody: all that settings can turn on. */
export const EVERYTHING = {
  name: "orders",
  regions: ["eu-west-1"],
  encryptionKeyArn: "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012",
  accessLogs: true,
  alarmEmail: "ops@example.com",
  maxConsumerLag: 100_000,
  access: {
    apiKey: { keys: ["first", "second"], requestsPerMonth: 1_000_000 },
    iam: {
      domain: {
        name: "kafka.example.com",
        certificateArn: "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        hostedZone: { id: "Z0123456789ABC", name: "example.com" },
      },
    },
    oidc: {
      identities: [
        { issuer: "https://accounts.google.com", audiences: ["https://millrace.example"], subjects: ["1234567890"] },
      ],
    },
  },
  tags: { team: "data" },
};

export const REGIONS = ["us-east-1", "us-east-2", "us-west-2"];

const inEach = (arn: (region: string) => string) => Object.fromEntries(REGIONS.map((region) => [region, arn(region)]));

/** The same in three regions. */
export const EVERYTHING_EVERYWHERE = {
  ...EVERYTHING,
  regions: REGIONS,
  encryptionKeyArn: inEach(
    (region) =>
      `arn:aws:kms:${region}:123456789012:key/12345678-1234-1234-1234-${region.padStart(12, "0").replaceAll(/[^0-9a-f]/g, "0")}`,
  ),
  access: {
    ...EVERYTHING.access,
    iam: {
      domain: {
        ...EVERYTHING.access.iam.domain,
        name: "kafka.{region}.example.com",
        certificateArn: inEach((region) => `arn:aws:acm:${region}:123456789012:certificate/of-${region}`),
      },
    },
    oidc: {
      ...EVERYTHING.access.oidc,
      domain: {
        ...EVERYTHING.access.iam.domain,
        name: "oidc.example.com",
        certificateArn: inEach((region) => `arn:aws:acm:${region}:123456789012:certificate/for-${region}`),
      },
    },
  },
};
