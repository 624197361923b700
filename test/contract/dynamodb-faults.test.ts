import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type LogKey, logKey } from "../../shared/log/log-item.ts";
import { dynamoDbClient } from "../../shared/storage/dynamodb/client.ts";
import { DynamoDbLogStore } from "../../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { localClient, startTables, TABLES } from "../fixtures/dynamodb.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { hugeCheckpoint, item } from "./log-items.ts";

const END = Number.MAX_SAFE_INTEGER;
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

let tables: Awaited<ReturnType<typeof startTables>>;
let proxy: FaultProxy;
let endpoint: string;
/** Through the faults, and around them. */
let store: DynamoDbLogStore;
let direct: DynamoDbLogStore;
let log: LogKey;

beforeAll(async () => {
  tables = await startTables();
  proxy = new FaultProxy(tables.endpoint);
  endpoint = await proxy.listen();
  store = new DynamoDbLogStore(localClient(endpoint), TABLES.log);
  direct = new DynamoDbLogStore(tables.client, TABLES.log);
});
beforeEach(() => {
  proxy.meet();
  log = logKey(crypto.randomUUID(), 0);
});
afterAll(async () => {
  proxy.close();
  await tables.stop();
});

describe("a put", () => {
  it.each(["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"])(
    "that meets %s is throttled and certainly not applied, after one request",
    async (error) => {
      proxy.meet(() => ({ error }));
      const code = "THROTTLING_QUOTA_EXCEEDED";
      await expect(store.putItem(log, item(0))).rejects.toMatchObject({ code, outcome: "none", retriable: true });
      expect(proxy.requests).toEqual(["PutItem"]);
    },
  );

  it("that the store fails on may have been applied, after one request", async () => {
    proxy.meet(() => ({ error: "InternalServerError", status: 500 }));
    const failure = { code: "KAFKA_STORAGE_ERROR", outcome: "unknown", retriable: true };
    await expect(store.putItem(log, item(0))).rejects.toMatchObject(failure);
    expect(proxy.requests).toEqual(["PutItem"]);
  });

  it("whose answer is lost may have been applied; sent again, it meets itself", async () => {
    proxy.meet((_, count) => (count === 1 ? "answer lost" : undefined));
    const own = item(0, { appendId: Buffer.alloc(16, 9).toString("base64url") });
    const failure = { code: "KAFKA_STORAGE_ERROR", outcome: "unknown" };
    await expect(store.putItem(log, own)).rejects.toMatchObject(failure);
    const again = await store.putItem(log, own);
    expect(again.kind === "occupied" && again.item.appendId).toBe(own.appendId);
    expect(proxy.requests).toEqual(["PutItem", "PutItem"]);
  });

  it("that is lost itself is no more certain, and not in the log", async () => {
    proxy.meet(() => "lost");
    await expect(store.putItem(log, item(0))).rejects.toMatchObject({ outcome: "unknown" });
    expect(await direct.readItemAtOrBelow(log, END)).toBeUndefined();
  });

  it("that is not answered in time may have been applied", async () => {
    proxy.meet(() => "silence");
    const failure = { code: "KAFKA_STORAGE_ERROR", outcome: "unknown" };
    await expect(store.putItem(log, item(0))).rejects.toMatchObject(failure);
  });

  it("that finds nobody at the endpoint is certainly not applied", async () => {
    const closed = new FaultProxy(tables.endpoint);
    const nobody = await closed.listen();
    closed.close();
    const failure = { code: "KAFKA_STORAGE_ERROR", outcome: "none", retriable: true };
    const lonely = new DynamoDbLogStore(localClient(nobody), TABLES.log);
    await expect(lonely.putItem(log, item(0))).rejects.toMatchObject(failure);
  });

  it("that is too large, or for a table that is not there, is refused for good", async () => {
    const huge = item(0, { payload: { kind: "inline", batches: Buffer.alloc(401 * 1024) } });
    const failure = { code: "UNKNOWN_SERVER_ERROR", outcome: "none", retriable: false };
    await expect(store.putItem(log, huge)).rejects.toMatchObject(failure);
    const nowhere = new DynamoDbLogStore(localClient(endpoint), "no-such-table");
    await expect(nowhere.putItem(log, item(0))).rejects.toMatchObject(failure);
  });

  it("that a client of its own mind repeated is not called certain because the last attempt is", async () => {
    proxy.meet((_, count) => (count === 1 ? "answer lost" : { error: "ThrottlingException" }));
    const stubborn = dynamoDbClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 2 });
    const failure = { code: "THROTTLING_QUOTA_EXCEEDED", outcome: "unknown" };
    await expect(new DynamoDbLogStore(stubborn, TABLES.log).putItem(log, item(0))).rejects.toMatchObject(failure);
    expect((await direct.readItemAtOrBelow(log, END))?.baseOffset).toBe(0);
  });

  it("to a store that does not tell who has the slot fails: without that no append is ever decided", async () => {
    await direct.putItem(log, item(0));
    proxy.meet(() => ({ change: ({ Item: _, ...answer }) => answer }));
    await expect(store.putItem(log, item(0))).rejects.toMatchObject({ code: "UNKNOWN_SERVER_ERROR" });
  });
});

describe("a read", () => {
  it("is repeated when it fails in passing", async () => {
    await direct.putItem(log, item(0));
    const faults = [{ error: "ThrottlingException" }, "lost"] as const;
    proxy.meet((_, count) => faults[count - 1]);
    expect((await store.readItems(log, 0, { maxItems: 10, maxBytes: 1000 })).items).toHaveLength(1);
    expect(proxy.requests).toEqual(["Query", "Query", "Query"]);
  });

  it("is repeated a bounded number of times", async () => {
    proxy.meet(() => ({ error: "InternalServerError", status: 500 }));
    await expect(store.readItemAtOrBelow(log, 0)).rejects.toMatchObject({ code: "KAFKA_STORAGE_ERROR" });
    expect(proxy.requests).toHaveLength(3);
  });

  it("is not repeated when it was refused for good", async () => {
    proxy.meet(() => ({ error: "AccessDeniedException" }));
    await expect(store.readCheckpoint(log)).rejects.toMatchObject({ code: "UNKNOWN_SERVER_ERROR" });
    expect(proxy.requests).toHaveLength(1);
  });
});

describe("a deletion", () => {
  const unprocessed = (count: number) => ({
    UnprocessedItems: {
      [TABLES.log]: Array.from({ length: count }, (_, offset) => ({
        DeleteRequest: { Key: { tp: { S: log }, baseOffset: { N: String(offset) } } },
      })),
    },
  });

  it("sends again what DynamoDB left unprocessed", async () => {
    for (let offset = 0; offset < 4; offset++) await direct.putItem(log, item(offset));
    proxy.meet((operation, count) =>
      operation === "BatchWriteItem" && count === 1 ? { answer: unprocessed(4) } : undefined,
    );
    expect(await store.deleteItems(log, 10, 100)).toBe(4);
    expect(await direct.readItemAtOrBelow(log, END)).toBeUndefined();
  });

  it("gives up as throttled when nothing is ever processed", async () => {
    await direct.putItem(log, item(0));
    proxy.meet((operation) => (operation === "BatchWriteItem" ? { answer: unprocessed(1) } : undefined));
    await expect(store.deleteItems(log, 10, 100)).rejects.toMatchObject({ code: "THROTTLING_QUOTA_EXCEEDED" });
    expect(proxy.requests.filter((operation) => operation === "BatchWriteItem")).toHaveLength(8);
  });

  it("of expired items passes over one that is gone by then", async () => {
    await direct.putItem(log, item(0, { expiresAt: 5 }));
    proxy.meet((operation) =>
      operation === "DeleteItem" ? { after: () => direct.deleteItems(log, 1, 1) } : undefined,
    );
    expect(await store.deleteExpiredItems(6, 10)).toBe(0);
    expect(proxy.requests).toEqual(["Scan", "DeleteItem"]);
  });
});

describe("a checkpoint in parts", () => {
  /** Items under the checkpoint's partition key. */
  async function itemCount(): Promise<number> {
    const query = new QueryCommand({
      TableName: TABLES.log,
      KeyConditionExpression: "tp = :tp",
      ExpressionAttributeValues: { ":tp": { S: `${log}#checkpoint` } },
      Select: "COUNT",
    });
    return (await tables.client.send(query)).Count ?? 0;
  }

  it("is read whole, or the newer one is, when a newer one takes its parts away", async () => {
    const newer = hugeCheckpoint(200);
    await direct.putCheckpoint(log, hugeCheckpoint(100));
    proxy.meet((operation, count) =>
      operation === "Query" && count === 1 ? { after: () => direct.putCheckpoint(log, newer) } : undefined,
    );
    expect(await store.readCheckpoint(log)).toEqual(newer);
  });

  it("stays as it was when the writer of a newer one dies before its head", async () => {
    const [first, last] = [hugeCheckpoint(100), hugeCheckpoint(300)];
    await direct.putCheckpoint(log, first);
    const whole = await itemCount();
    expect(whole).toBeGreaterThan(1);
    proxy.meet((_, count) => (count === whole ? "lost" : undefined));
    await expect(store.putCheckpoint(log, hugeCheckpoint(200))).rejects.toMatchObject({ outcome: "unknown" });
    expect(await direct.readCheckpoint(log)).toEqual(first);
    expect(await itemCount()).toBe(2 * whole - 1);
    await direct.putCheckpoint(log, last);
    expect(await direct.readCheckpoint(log)).toEqual(last);
    expect(await itemCount()).toBe(whole);
    await direct.deleteItems(log, END, 1);
    expect(await itemCount()).toBe(0);
  });
});

describe("a change of metadata", () => {
  it("whose answer is lost has taken place when it is sent again", async () => {
    const metadata = new DynamoDbMetadataStore(localClient(endpoint), TABLES.metadata);
    const topic = {
      name: `t-${crypto.randomUUID()}`,
      topicId: crypto.randomUUID(),
      partitionCount: 1,
      replicationFactor: 1,
      configs: {},
      createdAt: 1,
      version: 0,
    };
    await metadata.createTopic(topic);
    proxy.meet((_, count) => (count === 1 ? "answer lost" : undefined));
    const changed = { ...topic, partitionCount: 2, version: 1 };
    await expect(metadata.updateTopic(changed)).rejects.toMatchObject({ outcome: "unknown", retriable: true });
    expect(await metadata.updateTopic(changed)).toBe(true);
  });

  it("that another region is making just now has certainly not taken place, and may be tried again", async () => {
    const metadata = new DynamoDbMetadataStore(localClient(endpoint), TABLES.metadata);
    proxy.meet(() => ({ error: "ReplicatedWriteConflictException" }));
    const failure = { code: "KAFKA_STORAGE_ERROR", outcome: "none", retriable: true };
    await expect(metadata.putLease(1, 1)).rejects.toMatchObject(failure);
  });
});
