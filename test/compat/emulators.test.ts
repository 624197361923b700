import { beforeAll } from "vitest";
import { DynamoDbGroupStore } from "../../shared/storage/dynamodb/dynamodb-group-store.ts";
import { DynamoDbLogStore } from "../../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { DynamoDbSegmentRegistry } from "../../shared/storage/dynamodb/dynamodb-segment-registry.ts";
import { createTables } from "../../shared/storage/dynamodb/tables.ts";
import { S3SegmentStore } from "../../shared/storage/s3/s3-segment-store.ts";
import { groupStoreContract } from "../contract/group-store.contract.ts";
import { logStoreContract } from "../contract/log-store.contract.ts";
import { metadataStoreContract } from "../contract/metadata-store.contract.ts";
import { segmentRegistryContract } from "../contract/segment-registry.contract.ts";
import { segmentStoreContract } from "../contract/segment-store.contract.ts";
import { localClient, TABLES } from "../fixtures/dynamodb.ts";

function endpoint(variable: string): string {
  const url = process.env[variable];
  if (url === undefined) throw new Error(`${variable} is not set: run npm run test:compat`);
  return url;
}

const EMULATORS = { moto: "MILLRACE_TEST_MOTO", "DynamoDB Local": "MILLRACE_TEST_DYNAMODB_LOCAL" };

for (const [name, variable] of Object.entries(EMULATORS)) {
  const client = localClient(endpoint(variable));
  beforeAll(() => createTables(client, TABLES));
  logStoreContract(name, () => new DynamoDbLogStore(client, TABLES.log));
  metadataStoreContract(name, () => new DynamoDbMetadataStore(client, TABLES.metadata));
  groupStoreContract(name, () => new DynamoDbGroupStore(client, TABLES.group), { isolates: name !== "moto" });
  segmentRegistryContract(name, () => new DynamoDbSegmentRegistry(client, TABLES.metadata));
}

const bucket = new S3SegmentStore("millrace-contract", {
  client: localClient(endpoint("MILLRACE_TEST_MOTO")),
  endpoint: new URL(endpoint("MILLRACE_TEST_MOTO")),
  isPathStyle: true,
});
beforeAll(() => bucket.createBucket());
segmentStoreContract("S3 (moto)", () => bucket);
