import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BROKER_ENVIRONMENT } from "../lambdas/broker-environment.ts";
import { givenEndpoints, useEmbedded } from "./aws-environment.ts";
import { takeDataFolder } from "./data-folder.ts";
import { claimDataFolder } from "./data-regions.ts";
import { startDynoxide } from "./dynoxide.ts";
import { Region } from "./region.ts";
import { control } from "./region-control.ts";
import { type RegionEndpoint, startRegionEndpoint } from "./region-endpoint.ts";
import { RegionLinks } from "./region-links.ts";
import { readRegionalTiming } from "./regional-work.ts";
import type { Service } from "./service.ts";
import { StartupError } from "./startup-error.ts";
import { GROUP_TABLE, LOG_TABLE, METADATA_TABLE, makeTables } from "./stores.ts";

export interface RegionsOptions {
  readonly host: string;
  /** The first region's port, the others' follow; 0: any. */
  readonly port: number;
  readonly data: string;
  readonly regions: readonly string[];
}

/** What was started, to be ended in the opposite order. */
type Ends = (() => Promise<void> | void)[];

/**
 * Starts several regions on one machine: a store and a process for each, a store for the metadata, links between them, and
 * a port for each. Errors: StartupError; nothing is left running then.
 */
export async function startRegions(options: RegionsOptions, say: (line: string) => void): Promise<Service> {
  const ends: Ends = [];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    return await open(options, say, ends, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  { host, port, data, regions: names }: RegionsOptions,
  say: (line: string) => void,
  ends: Ends,
  close: () => Promise<void>,
): Promise<Service> {
  if (givenEndpoints(process.env).dynamoDb !== undefined) {
    throw new StartupError("--regions runs stores of its own: unset AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_DYNAMODB");
  }
  checkTiming();
  const folder = await takeDataFolder(data);
  ends.push(() => folder.release());
  claimDataFolder(folder.path, names);
  const metadata = await startDynoxide(join(made(folder.path, "metadata"), "dynamodb.db"));
  ends.push(() => metadata.stop());
  const prepare = async (endpoint: string) => {
    useEmbedded(process.env, endpoint);
    await makeTables(endpoint);
  };
  await prepare(metadata.endpoint);

  const links = new RegionLinks(Number(new URL(metadata.endpoint).port));
  ends.push(() => links.close());
  const regions = names.map((name, index) => {
    const environment = (own: string) => regionEnvironment(name, own, names, links, folder.path);
    const healed = () => links.reset(name);
    const regionFolder = join(folder.path, "regions", name);
    return new Region({ name, brokerId: index + 1, folder: regionFolder, prepare, environment, healed, say });
  });
  await links.open(regions);

  const endpoints: { region: Region; url: string; server: RegionEndpoint }[] = [];
  // Both at once: long polls end with the region's process, and an endpoint waits for them.
  ends.push(async () => {
    await Promise.all([...endpoints.map(({ server }) => server.close()), ...regions.map((region) => region.close())]);
  });
  for (const [index, region] of regions.entries()) {
    const answer = (method: string, url: URL) => control(endpoints, method, url);
    const server = await startRegionEndpoint(host, port === 0 ? 0 : port + index, region, answer);
    endpoints.push({ region, url: server.url, server });
  }
  await all(regions.map((region) => region.start()));
  let isStopping = false;
  return {
    url: endpoints[0]!.url,
    regions: endpoints.map(({ region: { name }, url }) => ({ name, url })),
    failed: metadata.ended.then(() => (isStopping ? new Promise<never>(() => {}) : undefined)),
    stop: async () => {
      isStopping = true;
      await close();
    },
  };
}

/** What a region's process finds in its environment, as a function on AWS does. `own`: where its own store is. */
function regionEnvironment(
  region: string,
  own: string,
  regions: readonly string[],
  links: RegionLinks,
  folder: string,
): Record<string, string | undefined> {
  const environment = { ...process.env };
  useEmbedded(environment, links.toMetadata(region));
  const endpoint = (other: string) => (other === region ? own : links.between(region, other));
  return {
    ...environment,
    AWS_REGION: region,
    [BROKER_ENVIRONMENT.logTable]: LOG_TABLE,
    [BROKER_ENVIRONMENT.metadataTable]: METADATA_TABLE,
    [BROKER_ENVIRONMENT.groupTable]: GROUP_TABLE,
    [BROKER_ENVIRONMENT.segments]: `${pathToFileURL(join(folder, "regions")).href}/{region}/segments`,
    [BROKER_ENVIRONMENT.regions]: regions.join(","),
    [BROKER_ENVIRONMENT.regionEndpoints]: regions.map((other) => `${other}=${endpoint(other)}`).join(","),
  };
}

function checkTiming(): void {
  try {
    readRegionalTiming(process.env);
  } catch (error) {
    throw new StartupError((error as Error).message);
  }
}

function made(...path: string[]): string {
  const folder = join(...path);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Waits for all, so that nothing goes on behind the error of one. */
async function all(works: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) if (result.status === "rejected") throw result.reason;
}
