import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BROKER_ENVIRONMENT } from "../lambdas/broker-environment.ts";
import { dynamoDbClient } from "../shared/storage/dynamodb/client.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { S3SegmentStore } from "../shared/storage/s3/s3-segment-store.ts";
import { takeDataFolder } from "./data-folder.ts";
import { startDynoxide } from "./dynoxide.ts";
import type { Options } from "./options.ts";
import { StartupError } from "./startup-error.ts";

const LOG_TABLE = "millrace-log";
const METADATA_TABLE = "millrace-metadata";
const BUCKET = "millrace-segments";
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

export interface Stores {
  /** Whether somebody must do what DynamoDB's TTL does. */
  readonly isEmbedded: boolean;
  /** Resolves if a store ended by itself; never for one that is not ours. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the stores and tells the handlers of them by the environment, as a deployment does. Errors: StartupError.
 */
export async function openStores({ data }: Options, say: (line: string) => void): Promise<Stores> {
  const environment = process.env;
  const everything = environment["AWS_ENDPOINT_URL"];
  const given = environment["AWS_ENDPOINT_URL_DYNAMODB"] ?? everything;
  const folder = data === undefined ? undefined : await takeDataFolder(data);
  const dynoxide = given === undefined ? await startDynoxide(folder && join(folder.path, "dynamodb.db")) : undefined;
  const close = async () => {
    await dynoxide?.stop();
    folder?.release();
  };
  try {
    environment["AWS_REGION"] ??= environment["AWS_DEFAULT_REGION"] ?? "us-east-1";
    environment["AWS_ENDPOINT_URL_DYNAMODB"] = dynoxide?.endpoint ?? given;
    // The user's own credentials are never sent to an embedded store; a store on this machine asks for none.
    if (dynoxide !== undefined || isLocalWithoutCredentials(given)) useDummyCredentials(environment);
    environment[BROKER_ENVIRONMENT.logTable] = LOG_TABLE;
    environment[BROKER_ENVIRONMENT.metadataTable] = METADATA_TABLE;
    environment[BROKER_ENVIRONMENT.regions] = environment["AWS_REGION"];
    await makeTables(dynoxide?.endpoint ?? given!);
    const hasBucket = everything !== undefined && (await makeBucket(everything, say));
    const local = folder === undefined ? "memory:" : pathToFileURL(join(folder.path, "segments")).href;
    environment[BROKER_ENVIRONMENT.segments] = hasBucket ? `s3://${BUCKET}` : local;
  } catch (error) {
    await close();
    throw error;
  }
  return { isEmbedded: dynoxide !== undefined, ended: dynoxide?.ended ?? new Promise(() => {}), close };
}

async function makeTables(endpoint: string): Promise<void> {
  const client = dynamoDbClient({ maxAttempts: 5 });
  try {
    await createTables(client, { log: LOG_TABLE, metadata: METADATA_TABLE });
  } catch (error) {
    throw new StartupError(`DynamoDB at ${endpoint} does not answer as it should: ${(error as Error).message}`);
  } finally {
    client.destroy();
  }
}

/** False if there is no S3 at the endpoint. */
async function makeBucket(endpoint: string, say: (line: string) => void): Promise<boolean> {
  try {
    await new S3SegmentStore(BUCKET, { forcePathStyle: true, maxAttempts: 1 }).createBucket();
    return true;
  } catch {
    say(`There is no S3 at ${endpoint}: segments are kept on this machine.`);
    return false;
  }
}

function isLocalWithoutCredentials(endpoint: string | undefined): boolean {
  if (
    endpoint === undefined ||
    process.env["AWS_ACCESS_KEY_ID"] !== undefined ||
    process.env["AWS_PROFILE"] !== undefined
  )
    return false;
  return LOOPBACK.has(new URL(endpoint).hostname);
}

function useDummyCredentials(environment: NodeJS.ProcessEnv): void {
  environment["AWS_ACCESS_KEY_ID"] = "millrace";
  environment["AWS_SECRET_ACCESS_KEY"] = "millrace";
  delete environment["AWS_SESSION_TOKEN"];
  delete environment["AWS_PROFILE"];
}
