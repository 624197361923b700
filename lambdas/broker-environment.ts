/**
 * The environment variables of every function that acts as a broker: set by whoever deploys it, read by the function.
 * Nothing of the runtime is imported here: infra reads this too.
 */
export const BROKER_ENVIRONMENT = {
  /** The same in each region. */
  logTable: "MILLRACE_LOG_TABLE",
  metadataTable: "MILLRACE_METADATA_TABLE",
  /** `s3://bucket`, `file:///folder` or `memory:`. With several regions `{region}` in it stands for each one's name. */
  segments: "MILLRACE_SEGMENTS",
  /** Regions in order, divided by commas: broker id 1 is the first. The function's own region unless set. */
  regions: "MILLRACE_REGIONS",
  /** Where each region's DynamoDB is, as `us-east-1=http://127.0.0.1:8000,…`. Unset on AWS: the SDK knows. */
  regionEndpoints: "MILLRACE_REGION_ENDPOINTS",
} as const;

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
  /** All brokers in order of their ids, which are 1, 2, 3 and so on. */
  readonly brokers: readonly BrokerLocation[];
  /** The one whose region this process runs in. */
  readonly own: BrokerLocation;
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
    brokers,
    own: ownOf(brokers, variables),
  };
}

function required(variables: Variables, name: string): string {
  const value = variables[name];
  if (value === undefined || value === "") throw new Error(`environment variable ${name} is not set`);
  return value;
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
