/**
 * The environment variables of every function that acts as a broker: set by whoever deploys it, read by the function.
 * Nothing of the runtime is imported here: infra reads this too.
 */
export const BROKER_ENVIRONMENT = {
  /** The same in each region. */
  logTable: "MILLRACE_LOG_TABLE",
  metadataTable: "MILLRACE_METADATA_TABLE",
  /** The same in each region. Unset: the function has nothing to do with consumer groups. */
  groupTable: "MILLRACE_GROUP_TABLE",
  /**
   * Two rules of EventBridge by name, divided by a comma: that which begins the sweep over consumer groups each minute, and that which does
   * each hour. The coordinator turns them on and off. Unset: something else begins the sweep.
   */
  sweepRules: "MILLRACE_SWEEP_RULES",
  /**
   * The name of the maintenance function, the same in each region, for functions that append: they begin the upkeep of logs that fill a segment, and of
   * all where no clock does. Unset: a process or a clock does, however much is appended.
   */
  maintenanceFunction: "MILLRACE_MAINTENANCE_FUNCTION",
  /** The name of EventBridge's rule that begins the upkeep each hour; the maintenance function turns it on and off. Unset: it is always on. */
  upkeepRule: "MILLRACE_UPKEEP_RULE",
  /** Whose REST Proxy consumer instances (/consumers) behave like: `confluent`, unless set, or `strimzi`. docs/http.md says how they differ. */
  consumerDialect: "MILLRACE_CONSUMER_DIALECT",
  /** `s3://bucket`, `file:///folder` or `memory:`. With several regions `{region}` in it stands for each one's name. */
  segments: "MILLRACE_SEGMENTS",
  /** Regions in order, divided by commas: broker id 1 is the first. The function's own region unless set. */
  regions: "MILLRACE_REGIONS",
  /** Where each region's DynamoDB is, as `us-east-1=http://127.0.0.1:8000,…`. Unset on AWS: the SDK knows. */
  regionEndpoints: "MILLRACE_REGION_ENDPOINTS",
  /** Milliseconds that a region counts as alive without a word from it. With one region nobody asks. */
  leaseMs: "MILLRACE_LEASE_MS",
  /** Kafka's replica.lag.time.max.ms, milliseconds: a follower that is behind for so long leaves the in-sync set. */
  replicaLagTimeMaxMs: "MILLRACE_REPLICA_LAG_TIME_MAX_MS",
} as const;

/** What a number of the environment is unless set, and what it may be. */
export interface NumberSetting {
  readonly unless: number;
  readonly min: number;
  readonly max: number;
}

/** Below 5 s a lease does not outlive a Lambda that is slow to start: a deployment asks for no less, tests do. */
export const LEASE_MS: NumberSetting = { unless: 10_000, min: 1_000, max: 900_000 };
export const MIN_DEPLOYED_LEASE_MS = 5_000;
/** Kafka's default is 30 s: https://kafka.apache.org/documentation/#brokerconfigs_replica.lag.time.max.ms */
export const REPLICA_LAG_TIME_MAX_MS: NumberSetting = { unless: 30_000, min: 1_000, max: 86_400_000 };

/** What a process has to know of one broker, which is a region. */
export interface BrokerLocation {
  readonly brokerId: number;
  readonly region: string;
  readonly segments: URL;
  /** undefined: wherever the SDK finds the region's DynamoDB. */
  readonly endpoint: string | undefined;
}

export interface BrokerEnvironment {
  readonly logTable: string;
  readonly metadataTable: string;
  readonly groupTable: string | undefined;
  readonly sweepRules: { readonly minute: string; readonly hour: string } | undefined;
  readonly maintenanceFunction: string | undefined;
  readonly upkeepRule: string | undefined;
  readonly consumerDialect: "confluent" | "strimzi";
  /** All brokers in order of their ids, which are 1, 2, 3 and so on. */
  readonly brokers: readonly BrokerLocation[];
  /** The one whose region this process runs in. */
  readonly own: BrokerLocation;
  readonly leaseMs: number;
  readonly replicaLagTimeMaxMs: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Errors: an Error that names the variable that is missing or wrong. */
export function readBrokerEnvironment(variables: Variables): BrokerEnvironment {
  const regions = regionsOf(variables[BROKER_ENVIRONMENT.regions] || required(variables, "AWS_REGION"));
  const segments = required(variables, BROKER_ENVIRONMENT.segments);
  const endpoints = endpointsOf(variables[BROKER_ENVIRONMENT.regionEndpoints] || undefined, regions);
  const brokers = regions.map((region, index) => ({
    brokerId: index + 1,
    region,
    segments: segmentsOf(segments, region, regions.length),
    endpoint: endpoints?.get(region),
  }));
  return {
    logTable: required(variables, BROKER_ENVIRONMENT.logTable),
    metadataTable: required(variables, BROKER_ENVIRONMENT.metadataTable),
    groupTable: variables[BROKER_ENVIRONMENT.groupTable] || undefined,
    sweepRules: sweepRulesOf(variables[BROKER_ENVIRONMENT.sweepRules] || undefined),
    maintenanceFunction: variables[BROKER_ENVIRONMENT.maintenanceFunction] || undefined,
    upkeepRule: variables[BROKER_ENVIRONMENT.upkeepRule] || undefined,
    consumerDialect: consumerDialectOf(variables[BROKER_ENVIRONMENT.consumerDialect] || "confluent"),
    brokers,
    own: ownOf(brokers, variables),
    ...readReplicationTiming(variables),
  };
}

/** Errors: an Error that names the variable that is wrong, and what it may be. */
export function readReplicationTiming(
  variables: Variables,
): Pick<BrokerEnvironment, "leaseMs" | "replicaLagTimeMaxMs"> {
  return {
    leaseMs: numberOf(variables, BROKER_ENVIRONMENT.leaseMs, LEASE_MS),
    replicaLagTimeMaxMs: numberOf(variables, BROKER_ENVIRONMENT.replicaLagTimeMaxMs, REPLICA_LAG_TIME_MAX_MS),
  };
}

function required(variables: Variables, name: string): string {
  const value = variables[name];
  if (value === undefined || value === "") throw new Error(`environment variable ${name} is not set`);
  return value;
}

function numberOf(variables: Variables, name: string, { unless, min, max }: NumberSetting): number {
  const value = variables[name] || String(unless);
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new Error(`${name} must be milliseconds, ${min} to ${max}`);
}

function consumerDialectOf(value: string): "confluent" | "strimzi" {
  if (value === "confluent" || value === "strimzi") return value;
  throw new Error(`${BROKER_ENVIRONMENT.consumerDialect} must be confluent or strimzi`);
}

/** One bucket for all regions would be lost for all with its own, and memory is no other region's to read. */
function segmentsOf(value: string, region: string, regionCount: number): URL {
  if (regionCount > 1 && !value.includes("{region}")) {
    throw new Error(`${BROKER_ENVIRONMENT.segments} must contain {region} where there are several regions`);
  }
  const own = value.replaceAll("{region}", region);
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  if (!/^(s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]|file:\/\/\/.*|memory:)$/.test(own)) {
    throw new Error(`${BROKER_ENVIRONMENT.segments} must be s3://bucket, file:///folder or memory:`);
  }
  return new URL(own);
}

/** A region that is named twice would be two brokers in one place, and a blank one shifts the ids of those after it. */
function regionsOf(value: string): readonly string[] {
  const regions = value.split(",").map((region) => region.trim());
  if (regions.includes("") || new Set(regions).size < regions.length) {
    throw new Error(`${BROKER_ENVIRONMENT.regions} must be regions divided by commas, each of them once`);
  }
  return regions;
}

function sweepRulesOf(value: string | undefined): BrokerEnvironment["sweepRules"] {
  if (value === undefined) return undefined;
  const [, minute, hour] = /^([.\w-]{1,64}),([.\w-]{1,64})$/.exec(value) ?? [];
  if (minute !== undefined && hour !== undefined) return { minute, hour };
  throw new Error(`${BROKER_ENVIRONMENT.sweepRules} must be the names of two rules, divided by a comma`);
}

/** All regions or none: one that is missing would be looked for on AWS. */
function endpointsOf(value: string | undefined, regions: readonly string[]): ReadonlyMap<string, string> | undefined {
  if (value === undefined) return undefined;
  const endpoints = new Map(
    value.split(",").map((entry): [string, string] => {
      const [region = "", ...url] = entry.split("=");
      return [region.trim(), url.join("=").trim()];
    }),
  );
  const isUrl = (url: string | undefined) => /^https?:$/.test(URL.parse(url ?? "")?.protocol ?? "");
  if (endpoints.size !== regions.length || !regions.every((region) => isUrl(endpoints.get(region)))) {
    throw new Error(
      `${BROKER_ENVIRONMENT.regionEndpoints} must be region=URL divided by commas, for each of ${regions.join(", ")}`,
    );
  }
  return endpoints;
}

function ownOf(brokers: readonly BrokerLocation[], variables: Variables): BrokerLocation {
  // With one region there is nothing to tell apart, wherever the function runs.
  if (brokers.length === 1) return brokers[0]!;
  const region = required(variables, "AWS_REGION");
  const own = brokers.find((broker) => broker.region === region);
  if (own === undefined) throw new Error(`AWS_REGION ${region} is none of ${BROKER_ENVIRONMENT.regions}`);
  return own;
}
