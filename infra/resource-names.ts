import type { Settings } from "./settings.ts";

/** Tables and bucket by name: they are the same whoever asks, the data stack, the service stack or another region's. */
export interface ResourceNames {
  readonly logTable: string;
  readonly metadataTable: string;
  readonly bucket: string;
}

/**
 * The names that the data stack gives. `account` may be a token. The bucket's is unique among all of AWS: the longest is 63
 * characters, S3's limit, with 24 for the deployment's name.
 */
export function dataNames({ name, regions }: Settings, account: string): ResourceNames {
  return {
    logTable: `${name}-log`,
    metadataTable: `${name}-metadata`,
    bucket: `${name}-segments-${account}-${regions[0]}`,
  };
}

/** The names that the service uses: the data stack's, or those of what was restored in their place. */
export function serviceNames(settings: Settings, account: string): ResourceNames {
  const { logTable, metadataTable, bucket } = settings.restored;
  return { ...dataNames(settings, account), ...definedOnly({ logTable, metadataTable, bucket }) };
}

/** The name under which the data stack tells the service stack the ARN of the metadata's stream, which AWS makes up. */
export function metadataStreamParameter({ name }: Settings): string {
  return `/millrace/${name}/metadata-stream`;
}

function definedOnly<T extends object>(values: T): Partial<{ [K in keyof T]: NonNullable<T[K]> }> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
