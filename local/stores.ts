import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BROKER_ENVIRONMENT } from "../lambdas/broker-environment.ts";
import { dynamoDbClient } from "../shared/storage/dynamodb/client.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { S3SegmentStore } from "../shared/storage/s3/s3-segment-store.ts";
import { givenEndpoints, useEmbedded, useGiven } from "./aws-environment.ts";
import { takeDataFolder } from "./data-folder.ts";
import { claimDataFolder } from "./data-regions.ts";
import { type Dynoxide, startDynoxide } from "./dynoxide.ts";
import type { Options } from "./options.ts";
import { StartupError } from "./startup-error.ts";

export const LOG_TABLE = "millrace-log";
export const METADATA_TABLE = "millrace-metadata";
export const GROUP_TABLE = "millrace-group";
const BUCKET = "millrace-segments";

export interface Stores {
  /** Whether somebody must do what DynamoDB's TTL does. */
  readonly isEmbedded: boolean;
  /** Resolves if a store ended by itself; never for one that is not ours. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** Opens the stores and tells the handlers of them by the environment, as a deployment does. Errors: StartupError. */
export async function openStores({ data }: Options, say: (line: string) => void): Promise<Stores> {
  const environment = process.env;
  const given = givenEndpoints(environment);
  const folder = data === undefined ? undefined : await takeDataFolder(data);
  let dynoxide: Dynoxide | undefined;
  const close = async () => {
    await dynoxide?.stop();
    folder?.release();
  };
  try {
    if (folder !== undefined) claimDataFolder(folder.path, undefined);
    if (given.dynamoDb === undefined) dynoxide = await startDynoxide(folder && join(folder.path, "dynamodb.db"));
    if (dynoxide !== undefined) useEmbedded(environment, dynoxide.endpoint);
    else useGiven(environment, given.dynamoDb!);
    environment[BROKER_ENVIRONMENT.logTable] = LOG_TABLE;
    environment[BROKER_ENVIRONMENT.metadataTable] = METADATA_TABLE;
    environment[BROKER_ENVIRONMENT.groupTable] = GROUP_TABLE;
    environment[BROKER_ENVIRONMENT.regions] = environment["AWS_REGION"];
    await makeTables(dynoxide?.endpoint ?? given.dynamoDb!);
    const hasBucket = given.s3 !== undefined && (await makeBucket(given.s3));
    const local = folder === undefined ? "memory:" : pathToFileURL(join(folder.path, "segments")).href;
    environment[BROKER_ENVIRONMENT.segments] = hasBucket ? `s3://${BUCKET}` : local;
    if (given.s3 !== undefined && !hasBucket) {
      const where = folder === undefined ? "in memory, and end with this process" : `in ${folder.path}`;
      say(`There is no S3 at ${new URL(given.s3).origin}: segments are kept ${where}.`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { isEmbedded: dynoxide !== undefined, ended: dynoxide?.ended ?? new Promise(() => {}), close };
}

/** Makes the tables of a store, unless they are there. Errors: StartupError. */
export async function makeTables(endpoint: string): Promise<void> {
  const client = dynamoDbClient({ maxAttempts: 5, endpoint });
  try {
    await createTables(client, { log: LOG_TABLE, metadata: METADATA_TABLE, group: GROUP_TABLE });
  } catch (error) {
    throw new StartupError(
      `DynamoDB at ${new URL(endpoint).origin} does not answer as it should: ${(error as Error).message}`,
    );
  } finally {
    client.destroy();
  }
}

/** False if what answers there is no S3. Errors: StartupError for an S3 that fails: segments in it would be missed. */
async function makeBucket(endpoint: string): Promise<boolean> {
  const client = dynamoDbClient();
  try {
    const connection = { client, endpoint: new URL(endpoint), isPathStyle: true };
    await new S3SegmentStore(BUCKET, connection).createBucket();
    return true;
  } catch (error) {
    if (!isFailureOfS3(error as Error)) return false;
    throw new StartupError(
      `S3 at ${new URL(endpoint).origin} does not answer as it should: ${(error as Error).message}`,
    );
  }
}

/** As against an answer of something else than S3, which is any other status or no XML at all. */
function isFailureOfS3(error: Error & { code?: string; $metadata?: { httpStatusCode?: number } }): boolean {
  const isUnreachable = error.code !== undefined || error.name === "TimeoutError";
  const isRefused = error.$metadata?.httpStatusCode === 403;
  return isUnreachable || isRefused || ["InternalError", "ServiceUnavailable", "SlowDown"].includes(error.name);
}
