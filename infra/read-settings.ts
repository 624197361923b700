import { readFileSync } from "node:fs";
import * as z from "zod";
import { nearestName } from "../shared/http/schema/nearest-name.ts";
import { type Settings, SettingsError, settingsSchema } from "./settings.ts";

type Given = Readonly<Record<string, unknown>>;

/** The context key that names a file of settings; keys beside it come before what the file says. */
const FILE_KEY = "settings";
const NAMES = Object.keys(settingsSchema.shape);
/** Settings that are text: what looks like JSON in them is none. */
const TEXTS = new Set(["name", "removalPolicy", "encryptionKeyArn", "logLevel", "alarmTopicArn", "alarmEmail"]);

/**
 * The settings in the CDK's context: from a file (`-c settings=prod.json`), from `cdk.json`, and one by one
 * (`-c name=orders -c regions=eu-west-1 -c 'access={"iam":{}}'`), which counts most. The region is that of the AWS profile
 * unless told. Errors: SettingsError with a line for each thing that is wrong.
 */
export function readSettings(context: Given, defaultRegion: string | undefined): Settings {
  const own = Object.entries(context).filter(([key]) => !isOfCdk(key) && key !== FILE_KEY);
  const fromFile = readFile(context[FILE_KEY]);
  const unknown = [...own.map(([key]) => key), ...Object.keys(fromFile)].filter((key) => !NAMES.includes(key));
  if (unknown.length > 0) throw new SettingsError(unknown.map(unknownLine).join("\n"));
  const given = { ...fromFile, ...Object.fromEntries(own.map(([key, value]) => [key, parsed(key, value)])) };
  const result = settingsSchema.safeParse({ regions: [defaultRegion ?? "us-east-1"], ...given });
  if (!result.success) throw new SettingsError(result.error.issues.map(issueLine).join("\n"));
  const problems = contradictions(result.data);
  if (problems.length > 0) throw new SettingsError(problems.join("\n"));
  return result.data;
}

/** The CDK's own context: feature flags, look-ups that it caches, what its CLI tells the app. */
function isOfCdk(key: string): boolean {
  return /[:@/]/.test(key) || key === "cdk-migrate" || key.startsWith("tree-metadata");
}

/** Context from the command line is always text. */
function parsed(key: string, value: unknown): unknown {
  if (typeof value !== "string" || TEXTS.has(key)) return value;
  if (key === "regions" && !value.trimStart().startsWith("[")) return value.split(",").map((region) => region.trim());
  try {
    return JSON.parse(value);
  } catch {
    throw new SettingsError(
      `${key}: ${JSON.stringify(value)} is not JSON; on a command line quote it: -c '${key}={"…":…}'`,
    );
  }
}

function readFile(path: unknown): Given {
  if (path === undefined) return {};
  if (typeof path !== "string") throw new SettingsError(`${FILE_KEY}: must be the path of a JSON file`);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new SettingsError(`${FILE_KEY}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    throw new SettingsError(`${FILE_KEY}: ${path} is not a JSON object`);
  }
}

function unknownLine(key: string): string {
  const nearest = nearestName(key, NAMES);
  return `${key}: there is no such setting${nearest === undefined ? `; there are ${NAMES.join(", ")}` : `: did you mean ${nearest}?`}`;
}

function issueLine(issue: z.core.$ZodIssue): string {
  return `${issue.path.join(".")}: ${issue.message}`;
}

/** What is right by itself and wrong beside the rest. */
function contradictions({
  name,
  regions,
  access,
  encryptionKeyArn,
  alarmTopicArn,
  alarmEmail,
  restored,
}: Settings): string[] {
  const [region] = regions;
  const problems: string[] = [];
  const inRegion = (what: string, arn: string | undefined) => {
    const place = arn?.split(":")[3];
    if (place !== undefined && place !== region)
      problems.push(`${what}: is in ${place}, the deployment is in ${region}`);
  };
  for (const [face, options] of Object.entries(access)) {
    inRegion(`access.${face}.domain.certificateArn`, options?.domain?.certificateArn);
  }
  const domains = Object.values(access).flatMap((options) => options?.domain?.name ?? []);
  if (new Set(domains).size < domains.length) problems.push("access: two faces cannot share a domain");
  const keys = access.apiKey?.keys ?? [];
  if (new Set(keys).size < keys.length) problems.push("access.apiKey.keys: two keys have one name");
  inRegion("encryptionKeyArn", encryptionKeyArn);
  inRegion("alarmTopicArn", alarmTopicArn);
  if (alarmTopicArn !== undefined && alarmEmail !== undefined) {
    problems.push("alarmEmail: goes with a new topic; subscribe it to yours instead, or leave alarmTopicArn out");
  }
  problems.push(...restoredStreamProblems(name, restored));
  inRegion("restored.metadataStreamArn", restored.metadataStreamArn);
  return problems;
}

/** A stream belongs to one table, and a table that was restored has none before it is given one. */
function restoredStreamProblems(name: string, { metadataTable, metadataStreamArn }: Settings["restored"]): string[] {
  if (metadataStreamArn === undefined) {
    if (metadataTable === undefined) return [];
    return ["restored.metadataStreamArn: goes with metadataTable: docs/operate/backup.md, step 3, makes the stream"];
  }
  const table = metadataTable ?? `${name}-metadata`;
  const isOfTable = metadataStreamArn.includes(`:table/${table}/stream/`);
  return isOfTable ? [] : [`restored.metadataStreamArn: is no stream of the table ${table}`];
}
