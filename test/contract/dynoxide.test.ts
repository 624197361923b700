import { afterAll, beforeAll } from "vitest";
import { DynamoDbGroupStore } from "../../shared/storage/dynamodb/dynamodb-group-store.ts";
import { DynamoDbInstanceStore } from "../../shared/storage/dynamodb/dynamodb-instance-store.ts";
import { DynamoDbLogStore } from "../../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { DynamoDbSegmentRegistry } from "../../shared/storage/dynamodb/dynamodb-segment-registry.ts";
import { startTables, TABLES } from "../fixtures/dynamodb.ts";
import { groupStoreContract } from "./group-store.contract.ts";
import { instanceStoreContract } from "./instance-store.contract.ts";
import { logStoreContract } from "./log-store.contract.ts";
import { metadataStoreContract } from "./metadata-store.contract.ts";
import { segmentRegistryContract } from "./segment-registry.contract.ts";

let tables: Awaited<ReturnType<typeof startTables>>;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

logStoreContract("Dynoxide", () => new DynamoDbLogStore(tables.client, TABLES.log));
metadataStoreContract("Dynoxide", () => new DynamoDbMetadataStore(tables.client, TABLES.metadata));
segmentRegistryContract("Dynoxide", () => new DynamoDbSegmentRegistry(tables.client, TABLES.metadata));
groupStoreContract("Dynoxide", () => new DynamoDbGroupStore(tables.client, TABLES.group));
instanceStoreContract("Dynoxide", () => new DynamoDbInstanceStore(tables.client, TABLES.group));
