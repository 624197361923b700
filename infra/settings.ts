import { RegionInfo } from "aws-cdk-lib/region-info";
import * as z from "zod";
import { identityFaults, type TrustedIdentity } from "../lambdas/authorizer/environment.ts";
import { LEASE_MS, MIN_DEPLOYED_LEASE_MS, REPLICA_LAG_TIME_MAX_MS } from "../lambdas/broker-environment.ts";
import { nearestName } from "../shared/kafka/nearest-name.ts";
import type { Regional } from "./regional.ts";

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

const arnForm = (service: string, resource: string, id: string) => ({
  form: new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]+:\\d{12}:${resource}${id}$`),
  message: `must be an ARN such as arn:aws:${service}:us-east-1:123456789012:${resource}…`,
});

const arn = (service: string, resource: string, id = ".+") => {
  const { form, message } = arnForm(service, resource, id);
  return z.string().regex(form, message);
};

/** An ARN, or with several regions one for each: `{"us-east-1":"arn:…","us-west-2":"arn:…"}`. */
const regionalArn = (service: string, resource: string, id = ".+") => {
  const { form, message } = arnForm(service, resource, id);
  return z.custom<Regional<string>>().superRefine((value: unknown, context) => {
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    const arns: [path: string[], value: unknown][] = isMap
      ? Object.entries(value).map(([place, one]) => [[place], one])
      : [[[], value]];
    for (const [path, one] of arns) {
      if (typeof one !== "string" || !form.test(one)) context.addIssue({ code: "custom", path, message });
    }
  });
};

/**
 * A host name of one's own for one face; `{region}` in it stands for the region's name. The certificate is ACM's, of the same
 * region; the zone gets an alias if given.
 */
const domain = z.strictObject({
  name: z
    .string()
    .regex(
      /^((\{region\}|[a-z0-9])((\{region\}|[a-z0-9-])*(\{region\}|[a-z0-9]))?\.)+[a-z]{2,}$/,
      "must be a host name such as kafka.example.com or kafka.{region}.example.com",
    ),
  certificateArn: regionalArn("acm", "certificate/"),
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

/** Everything a deployment may be told. docs/aws.md shows it as a table. */
export const settingsSchema = z.strictObject({
  /** What stacks, tables, bucket, APIs and alarms begin with: two names do not meet in one account. */
  name: name.default("millrace"),
  /** Broker id 1 is the first: their order is never changed. One, two and a witness, or three: region-sets.ts. */
  regions: z.array(region, 'must be a list such as ["eu-west-1"]; on a command line eu-west-1 will do').min(1),
  /** With two regions: a third, where the metadata have a witness and nothing else is. */
  witnessRegion: region.optional(),
  /** With several regions: for how long a region counts as alive without a word from it. */
  leaseSeconds: count(MIN_DEPLOYED_LEASE_MS / 1_000, LEASE_MS.max / 1_000).default(LEASE_MS.unless / 1_000),
  /** With several regions: a follower that is behind for so long leaves the in-sync set. Kafka's replica.lag.time.max.ms. */
  replicaLagSeconds: count(1, REPLICA_LAG_TIME_MAX_MS.max / 1_000).default(REPLICA_LAG_TIME_MAX_MS.unless / 1_000),
  access: access.prefault({ apiKey: {} }),
  throttle: throttle.prefault({ ratePerSecond: 1_000, burst: 2_000 }),
  /** What becomes of tables and bucket when the stack goes or a change would replace them. */
  removalPolicy: z.enum(["retain", "destroy"]).default("retain"),
  /**
   * A key of one's own in KMS for tables and bucket; AWS's owned keys, which cost nothing, unless told. With several regions a
   * multi-Region key that has a copy in each, or one for each.
   */
  encryptionKeyArn: regionalArn("kms", "key/", "(mrk-[0-9a-f]{32}|[0-9a-f-]{36})").optional(),
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
  alarmTopicArn: regionalArn("sns", "").optional(),
  alarmEmail: z.email().optional(),
  /** Whose REST Proxy the consumer instances of /consumers behave like, where Confluent's and Strimzi's differ: docs/http.md. */
  consumerDialect: z.enum(["confluent", "strimzi"]).default("confluent"),
  /** Records that a consumer group may be behind in a partition before the alarm goes off; without it there is no such alarm. */
  maxConsumerLag: count(1, Number.MAX_SAFE_INTEGER).optional(),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
  /** Restored tables, and a bucket, that the service uses in place of the data stack's: docs/operate/backup.md. */
  restored: z
    .strictObject({
      logTable: z.string().optional(),
      metadataTable: z.string().optional(),
      metadataStreamArn: arn("dynamodb", "table/", "[^/]+/stream/.+").optional(),
      groupTable: z.string().optional(),
      groupStreamArn: arn("dynamodb", "table/", "[^/]+/stream/.+").optional(),
      bucket: z.string().optional(),
    })
    .prefault({}),
});

export type Settings = z.output<typeof settingsSchema>;
export type Domain = z.output<typeof domain>;
export type Face = keyof Settings["access"];

/** What is wrong with the settings, told in lines. */
export class SettingsError extends Error {}
