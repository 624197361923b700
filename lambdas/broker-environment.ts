/**
 * The environment variables of every function that acts as a broker: set by whoever deploys it, read by the function.
 * Nothing of the runtime is imported here: infra reads this too.
 */
export const BROKER_ENVIRONMENT = {
  logTable: "MILLRACE_LOG_TABLE",
  metadataTable: "MILLRACE_METADATA_TABLE",
  /** `s3://bucket`, `file:///folder` or `memory:`. */
  segments: "MILLRACE_SEGMENTS",
  /** Regions in order, divided by commas: broker id 1 is the first. The function's own region unless set. */
  regions: "MILLRACE_REGIONS",
} as const;

export interface BrokerEnvironment {
  readonly logTable: string;
  readonly metadataTable: string;
  readonly segments: URL;
  readonly regions: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Errors: an Error that names the variable that is missing or wrong. */
export function readBrokerEnvironment(variables: Variables): BrokerEnvironment {
  return {
    logTable: required(variables, BROKER_ENVIRONMENT.logTable),
    metadataTable: required(variables, BROKER_ENVIRONMENT.metadataTable),
    segments: segmentsOf(required(variables, BROKER_ENVIRONMENT.segments)),
    regions: regionsOf(variables[BROKER_ENVIRONMENT.regions] || required(variables, "AWS_REGION")),
  };
}

function required(variables: Variables, name: string): string {
  const value = variables[name];
  if (value === undefined || value === "") throw new Error(`environment variable ${name} is not set`);
  return value;
}

function segmentsOf(value: string): URL {
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  if (!/^(s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]|file:\/\/\/.*|memory:)$/.test(value)) {
    throw new Error(`${BROKER_ENVIRONMENT.segments} must be s3://bucket, file:///folder or memory:`);
  }
  return new URL(value);
}

/** A region that is named twice would be two brokers in one place, and a blank one shifts the ids of those after it. */
function regionsOf(value: string): readonly string[] {
  const regions = value.split(",").map((region) => region.trim());
  if (regions.includes("") || new Set(regions).size < regions.length) {
    throw new Error(`${BROKER_ENVIRONMENT.regions} must be regions divided by commas, each of them once`);
  }
  return regions;
}
