import { readFileSync } from "node:fs";
import * as z from "zod";
import { nearestName } from "../shared/kafka/nearest-name.ts";
import { regionSetProblems } from "./region-sets.ts";
import { regionalProblems } from "./regional.ts";
import { type Settings, SettingsError, settingsSchema } from "./settings.ts";

type Given = Readonly<Record<string, unknown>>;

/** The context key that names a file of settings; keys beside it come before what the file says. */
const FILE_KEY = "settings";
const NAMES = Object.keys(settingsSchema.shape);
/** Settings that are text: what looks like JSON in them is none. */
const TEXTS = new Set(["name", "removalPolicy", "logLevel", "alarmEmail", "witnessRegion", "consumerDialect"]);
/** Settings that nothing but an object is, which a shell takes apart unless it is quoted. */
const OBJECTS = new Set(["access", "throttle", "tags", "restored"]);
/** Text, or JSON with one for each region. */
const REGIONAL = new Set(["encryptionKeyArn", "alarmTopicArn"]);

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
  if (REGIONAL.has(key) && !value.trimStart().startsWith("{")) return value;
  if (key === "regions" && !value.trimStart().startsWith("[")) return value.split(",").map((region) => region.trim());
  try {
    return JSON.parse(value);
  } catch {
    // What it has to be instead of text, the schema says.
    if (!OBJECTS.has(key)) return value;
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
function contradictions(settings: Settings): string[] {
  const { name, regions, witnessRegion, access, encryptionKeyArn, alarmTopicArn, alarmEmail, restored } = settings;
  const misplaced = regionSetProblems(regions, witnessRegion);
  // What is said of each region's keys and certificates would be beside the point.
  if (misplaced.length > 0) return misplaced;
  return [
    ...accessProblems(access, regions),
    ...regionalProblems("encryptionKeyArn", encryptionKeyArn, regions),
    ...regionalProblems("alarmTopicArn", alarmTopicArn, regions),
    ...(alarmTopicArn !== undefined && alarmEmail !== undefined
      ? ["alarmEmail: goes with a new topic; subscribe it to yours instead, or leave alarmTopicArn out"]
      : []),
    ...restoredProblems(name, regions, restored),
  ];
}

function accessProblems(access: Settings["access"], regions: readonly string[]): string[] {
  const problems: string[] = [];
  for (const [face, options] of Object.entries(access)) {
    const { domain } = options ?? {};
    if (domain === undefined) continue;
    const where = `access.${face}.domain`;
    problems.push(...regionalProblems(`${where}.certificateArn`, domain.certificateArn, regions));
    const isShared = regions.length > 1 && !domain.name.includes("{region}");
    if (isShared && face !== "oidc") {
      const why = face === "apiKey" ? "each region has API keys of its own" : "a signature is for one region";
      problems.push(`${where}.name: ${why}: put {region} into it, for a host name in each`);
    }
  }
  const domains = Object.values(access).flatMap((options) => options?.domain?.name ?? []);
  if (new Set(domains).size < domains.length) problems.push("access: two faces cannot share a domain");
  const keys = access.apiKey?.keys ?? [];
  if (new Set(keys).size < keys.length) problems.push("access.apiKey.keys: two keys have one name");
  return problems;
}

function restoredProblems(name: string, regions: readonly string[], restored: Settings["restored"]): string[] {
  if (regions.length > 1) {
    const isGiven = Object.values(restored).some((value) => value !== undefined);
    return isGiven ? ["restored: goes with one region; docs/operate/backup.md says what there is for several"] : [];
  }
  return (["metadata", "group"] as const).flatMap((table) => {
    const what = `restored.${table}StreamArn`;
    return [
      ...restoredStreamProblems(name, table, restored),
      ...regionalProblems(what, restored[`${table}StreamArn`], regions),
    ];
  });
}

/** A stream belongs to one table, and a table that was restored has none before it is given one. */
function restoredStreamProblems(name: string, which: "metadata" | "group", restored: Settings["restored"]): string[] {
  const table = restored[`${which}Table`];
  const streamArn = restored[`${which}StreamArn`];
  const what = `restored.${which}StreamArn`;
  if (streamArn === undefined) {
    return table === undefined
      ? []
      : [`${what}: goes with ${which}Table: docs/operate/backup.md, step 3, makes the stream`];
  }
  const tableName = table ?? `${name}-${which}`;
  return streamArn.includes(`:table/${tableName}/stream/`) ? [] : [`${what}: is no stream of the table ${tableName}`];
}
