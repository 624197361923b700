import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fetch } from "../../../shared/broker/fetch.ts";
import { listOffsets } from "../../../shared/broker/list-offsets.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import type { SegmentStore } from "../../../shared/log/segment-store.ts";
import { batchHeaders, verifyCrc } from "../../../shared/record/read-batch-header.ts";
import { DynamoDbLogStore } from "../../../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../../../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { DynamoDbSegmentRegistry } from "../../../shared/storage/dynamodb/dynamodb-segment-registry.ts";
import { FileSegmentStore } from "../../../shared/storage/file/file-segment-store.ts";
import { S3SegmentStore } from "../../../shared/storage/s3/s3-segment-store.ts";
import { memoryParts } from "../../fixtures/broker.ts";
import { localClient, startTables, TABLES } from "../../fixtures/dynamodb.ts";
import { ALL_VALUES, filled } from "../../fixtures/half-cold.ts";
import { largeColdLog } from "../../fixtures/large-cold-log.ts";
import { startObjectServer } from "../../fixtures/object-server.ts";
import { seen } from "../../fixtures/regions.ts";
import { temporaryFolder } from "../../fixtures/service.ts";
import { tierUpTo } from "../../fixtures/tiered-log.ts";

let tables: Awaited<ReturnType<typeof startTables>>;
let server: Awaited<ReturnType<typeof startObjectServer>>;
const folder = temporaryFolder();

beforeAll(async () => {
  tables = await startTables();
  server = await startObjectServer();
});
afterAll(async () => {
  await tables.stop();
  await server.stop();
  folder.remove();
});

const STORES: readonly [string, () => SegmentStore][] = [
  ["files", () => new FileSegmentStore(folder.path)],
  [
    "S3's protocol",
    () => new S3SegmentStore("bucket", { client: localClient(server.url), endpoint: new URL(server.url) }),
  ],
];

describe.each(STORES)("segments in %s, the rest in DynamoDB", (_, open) => {
  const partsOf = () =>
    memoryParts({
      logStore: new DynamoDbLogStore(tables.client, TABLES.log),
      metadataStore: new DynamoDbMetadataStore(tables.client, TABLES.metadata),
      segmentRegistry: new DynamoDbSegmentRegistry(tables.client, TABLES.metadata),
      segmentStore: open(),
    });
  const forget = async () => {
    const metadataStore = new DynamoDbMetadataStore(tables.client, TABLES.metadata);
    const topic = await metadataStore.getTopic("t");
    if (topic !== undefined) await metadataStore.deleteTopic("t", topic.topicId);
  };

  it("are read with what is hot as one log, by offset and by timestamp", async () => {
    await forget();
    const parts = partsOf();
    const topicId = await filled(parts, 30);
    expect((await tierUpTo(openBroker(parts), topicId, 40)).length).toBeGreaterThan(2);
    const broker = openBroker(parts);
    for (const offset of [0, 3, 38, 39, 40, 59])
      expect(await seen(broker, "t", offset)).toEqual(ALL_VALUES.slice(offset));
    for (const offset of [0, 17, 39, 40, 59]) {
      const listed = await listOffsets(broker, { topic: "t", partition: 0, timestamp: 1_000 + offset });
      expect(listed).toMatchObject({ ok: true, value: { offset, timestamp: 1_000 + offset } });
    }
  });

  it("that are large are read range by range, every batch as it was", async () => {
    await forget();
    const parts = partsOf();
    const log = { segments: 2, segmentBytes: 20 * 2 ** 20, recordsPerBatch: 16 };
    const { localLogStartOffset, coldBytes } = await largeColdLog(parts, log);
    const broker = openBroker(parts);
    let bytes = 0;
    for (let offset = 0; offset < localLogStartOffset; ) {
      const fetched = await fetch(broker, {
        topic: "t",
        partition: 0,
        offset,
        maxBytes: 2 ** 20,
        minBytes: 1,
        maxWaitMs: 0,
      });
      if (!fetched.ok) throw new Error(fetched.refusal.message);
      const { batches, nextOffset } = fetched.value;
      for (const { header, at } of batchHeaders(batches)) {
        expect(header.baseOffset).toBe(offset);
        verifyCrc(batches, at, header);
        offset = header.lastOffset + 1;
      }
      expect(offset).toBe(nextOffset);
      bytes += batches.length;
    }
    expect(bytes).toBe(coldBytes);
  });
});
