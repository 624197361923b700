import { RegionInfo } from "aws-cdk-lib/region-info";
import * as z from "zod";
import { identityFaults, type TrustedIdentity } from "../lambdas/authorizer/environment.ts";
import { nearestName } from "../shared/http/schema/nearest-name.ts";

/** Partitions of AWS that Millrace goes into. Others lack arm64 functions or API keys, or nobody has looked. */
const PARTITIONS = ["aws", "aws-us-gov"];

/** Days that CloudWatch Logs knows: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** API Gateway's and CloudFormation's names take letters, digits and hyphens; the bucket's name adds 39 characters to it. */
const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,22}[a-z0-9]$/,
    "must be 2 to 24 lower-case letters, digits and hyphens, beginning with a letter",
  );

const region = z.string().superRefine((value, context) => {
  const partition = RegionInfo.get(value).partition;
  const known = RegionInfo.regions.filter((info) => PARTITIONS.includes(info.partition ?? "")).map((info) => info.name);
  if (known.includes(value)) return;
  const nearest = nearestName(value, known);
  const hint = nearest === undefined ? `known are: ${known.join(", ")}` : `did you mean ${nearest}?`;
  const isElsewhere = RegionInfo.regions.some((info) => info.name === value);
  const message = isElsewhere
    ? `${value} is a region of the partition ${partition}; Millrace needs one of ${PARTITIONS.join(" or ")}`
    : `there is no region ${value}: ${hint}`;
  context.addIssue({ code: "custom", message });
});

const count = (from: number, to: number) => z.number().int().min(from).max(to);

const arn = (service: string, resource: string, id = ".+") =>
  z
    .string()
    .regex(
      new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]*:\\d{12}:${resource}${id}$`),
      `must be an ARN such as arn:aws:${service}:us-east-1:123456789012:${resource}…`,
    );

/** A host name of one's own for one face. The certificate is ACM's, of the same region; the zone gets an alias if given. */
const domain = z.strictObject({
  name: z
    .string()
    .regex(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/, "must be a host name such as kafka.example.com"),
  certificateArn: arn("acm", "certificate/"),
  hostedZone: z
    .strictObject({ id: z.string().regex(/^Z[A-Z0-9]+$/, "must be a hosted zone's id"), name: z.string() })
    .optional(),
});

/** Requests for each face: API Gateway answers 429 beyond. */
const throttle = z.strictObject({ ratePerSecond: count(1, 100_000), burst: count(1, 100_000) });

const keyName = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]{0,63}$/, "must be 1 to 64 letters, digits, hyphens and underscores");

/** Lambda's environment takes 4 KB in all: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_IDENTITIES_BYTES = 3_500;

const identities = z.array(z.custom<TrustedIdentity>()).superRefine((value, context) => {
  for (const { path, message } of identityFaults(value)) context.addIssue({ code: "custom", path: [...path], message });
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= MAX_IDENTITIES_BYTES) return;
  const message = `is ${bytes} bytes of JSON; a function's environment has room for ${MAX_IDENTITIES_BYTES}: trust fewer, or use patterns`;
  context.addIssue({ code: "custom", message });
});

/** Who may call, and how they show who they are: a face, which is a REST API of its own, for each. There is no open one. */
const access = z
  .strictObject({
    /** An API key each, in one usage plan. Keys are made by API Gateway; none is in a template. */
    apiKey: z
      .strictObject({
        keys: z.array(keyName).min(1).max(100).default(["default"]),
        requestsPerMonth: count(1, 1_000_000_000).optional(),
        domain: domain.optional(),
      })
      .optional(),
    /** Requests signed with AWS credentials (Signature Version 4), allowed by the caller's IAM policy. */
    iam: z.strictObject({ domain: domain.optional() }).optional(),
    /** Workload identities of other clouds, by their OIDC tokens. */
    oidc: z.strictObject({ identities, domain: domain.optional() }).optional(),
  })
  .refine((faces) => Object.values(faces).some((face) => face !== undefined), {
    error: "needs apiKey, iam or oidc: nobody could call it",
    when: ({ issues }) => issues.length === 0,
  });

/** Everything a deployment may be told. README of infra/ shows it as a table. */
export const settingsSchema = z.strictObject({
  /** What stacks, tables, bucket, APIs and alarms begin with: two names do not meet in one account. */
  name: name.default("millrace"),
  /** Broker id 1 is the first. */
  regions: z.array(region).min(1).max(1, "deploying more than one region is not there yet: give one"),
  access: access.prefault({ apiKey: {} }),
  throttle: throttle.prefault({ ratePerSecond: 1_000, burst: 2_000 }),
  /** What becomes of tables and bucket when the stack goes or a change would replace them. */
  removalPolicy: z.enum(["retain", "destroy"]).default("retain"),
  /** A key of one's own in KMS for tables and bucket; AWS's owned keys, which cost nothing, unless told. */
  encryptionKeyArn: arn("kms", "key/", "(mrk-[0-9a-f]{32}|[0-9a-f-]{36})").optional(),
  /** How far back tables can be restored, and how long deleted objects of the bucket are kept for it. */
  recoveryDays: count(1, 35).default(7),
  memorySizeMb: count(256, 10_240).default(1_024),
  logLevel: z.enum(["DEBUG", "INFO", "WARN", "ERROR"]).default("INFO"),
  logRetentionDays: z
    .number()
    .refine((days) => LOG_RETENTION_DAYS.includes(days), `must be one of ${LOG_RETENTION_DAYS.join(", ")}`)
    .default(30),
  /** API Gateway's access logs. Sets the account's CloudWatch role for API Gateway, which all its APIs share. */
  accessLogs: z.boolean().default(false),
  /** Where alarms go: a topic of one's own, or a new one with a subscription by mail. */
  alarmTopicArn: arn("sns", "").optional(),
  alarmEmail: z.email().optional(),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
  /** Restored tables, and a bucket, that the service uses in place of the data stack's: docs/operate/backup.md. */
  restored: z
    .strictObject({
      logTable: z.string().optional(),
      metadataTable: z.string().optional(),
      metadataStreamArn: arn("dynamodb", "table/", "[^/]+/stream/.+").optional(),
      bucket: z.string().optional(),
    })
    .prefault({}),
});

export type Settings = z.output<typeof settingsSchema>;
export type Domain = z.output<typeof domain>;
export type Face = keyof Settings["access"];

/** What is wrong with the settings, told in lines. */
export class SettingsError extends Error {}
