import type { LambdaName } from "./bundle-lambda.ts";
import { isReplicated } from "./regional.ts";
import type { Settings } from "./settings.ts";

/** Tables and bucket by name: they are the same whoever asks, the data stack, the service stack or another region's. */
export interface ResourceNames {
  readonly logTable: string;
  readonly metadataTable: string;
  readonly groupTable: string;
  readonly bucket: string;
}

/**
 * The names that a region's data stack gives. `account` may be a token. The bucket's is unique among all of AWS: the longest is 63
 * characters, S3's limit, with 24 for the deployment's name.
 */
export function dataNames({ name }: Settings, account: string, region: string): ResourceNames {
  return {
    logTable: `${name}-log`,
    metadataTable: `${name}-metadata`,
    groupTable: `${name}-group`,
    bucket: `${name}-segments-${account}-${region}`,
  };
}

/** The names that the service uses in a region: the data stack's, or those of what was restored in their place. */
export function serviceNames(settings: Settings, account: string, region: string): ResourceNames {
  const { logTable, metadataTable, groupTable, bucket } = settings.restored;
  return { ...dataNames(settings, account, region), ...definedOnly({ logTable, metadataTable, groupTable, bucket }) };
}

/** The clocks of a region's sweep over consumer groups, as EventBridge's rules. */
export interface SweepRuleNames {
  readonly minute: string;
  readonly hour: string;
}

/** Given, because the function that turns them on and off is what they invoke: neither can refer to the other. */
export function sweepRuleNames({ name }: Settings): SweepRuleNames {
  return { minute: `${name}-sweep-minute`, hour: `${name}-sweep-hour` };
}

/** With one region: the clock of the upkeep of logs. Given, as those of the sweep are. */
export function upkeepRuleName({ name }: Settings): string {
  return `${name}-upkeep`;
}

/** A function's; the same in each region. */
export function functionName({ name }: Settings, lambda: LambdaName): string {
  return `${name}-${lambda}`;
}

/** With one region there are two stacks; with several two in each, which their names tell. */
export function stackName(settings: Settings, kind: "data" | "service", region: string): string {
  return isReplicated(settings) ? `${settings.name}-${kind}-${region}` : `${settings.name}-${kind}`;
}

/** Tables of a region whose stream is read there: the group's, and the metadata's with one region, the log's with several. */
export type StreamedTable = "metadata" | "log" | "group";

/** The name under which a data stack tells the service stack of its region the ARN of a table's stream, which AWS makes up. */
export function streamParameter({ name }: Settings, table: StreamedTable): string {
  return `/millrace/${name}/${table}-stream`;
}

function definedOnly<T extends object>(values: T): Partial<{ [K in keyof T]: NonNullable<T[K]> }> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
