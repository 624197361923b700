import { afterAll, beforeAll } from "vitest";
import { DynamoDbLogStore } from "../../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { startTables, TABLES } from "../fixtures/dynamodb.ts";
import { logStoreContract } from "./log-store.contract.ts";
import { metadataStoreContract } from "./metadata-store.contract.ts";

let tables: Awaited<ReturnType<typeof startTables>>;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

logStoreContract("Dynoxide", () => new DynamoDbLogStore(tables.client, TABLES.log));
metadataStoreContract("Dynoxide", () => new DynamoDbMetadataStore(tables.client, TABLES.metadata));
