/**
 * The environment variables of every function that acts as a broker: set by whoever deploys it, read by the function.
 * Nothing of the runtime is imported here: infra reads this too.
 */
export const BROKER_ENVIRONMENT = {
  logTable: "MILLRACE_LOG_TABLE",
  metadataTable: "MILLRACE_METADATA_TABLE",
  /** `s3://bucket`, `file:///folder` or `memory:`. */
  segments: "MILLRACE_SEGMENTS",
  /** Regions in order, divided by commas: broker id 1 is the first. */
  regions: "MILLRACE_REGIONS",
} as const;

export interface BrokerEnvironment {
  readonly logTable: string;
  readonly metadataTable: string;
  readonly segments: URL;
  readonly regions: readonly string[];
}

/** Errors: an Error that names the variable that is missing or wrong. */
export function readBrokerEnvironment(variables: Readonly<Record<string, string | undefined>>): BrokerEnvironment {
  const required = (name: string) => {
    const value = variables[name];
    if (value === undefined || value === "") throw new Error(`environment variable ${name} is not set`);
    return value;
  };
  const segments = required(BROKER_ENVIRONMENT.segments);
  if (!/^(s3:\/\/[a-z0-9.-]+$|file:\/\/\/|memory:$)/.test(segments)) {
    throw new Error(`${BROKER_ENVIRONMENT.segments} must be s3://bucket, file:///folder or memory:`);
  }
  return {
    logTable: required(BROKER_ENVIRONMENT.logTable),
    metadataTable: required(BROKER_ENVIRONMENT.metadataTable),
    segments: new URL(segments),
    regions: required(BROKER_ENVIRONMENT.regions).split(","),
  };
}
