import { describe, expect, it } from "vitest";
import { fetch } from "../../../shared/broker/fetch.ts";
import { listOffsets } from "../../../shared/broker/list-offsets.ts";
import { produceBatches } from "../../../shared/broker/produce-batches.ts";
import { crc32c } from "../../../shared/record/crc32c.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { writeInt32, writeInt64 } from "../../../shared/record/int64.ts";
import { AT, CRC_FROM } from "../../../shared/record/layout.ts";
import { batchHeaders } from "../../../shared/record/read-batch-header.ts";
import { memoryBroker, topicOf, values } from "../../fixtures/broker.ts";

describe("producing RecordBatches", () => {
  const record = (value: string, timestamp = 1_700_000_000_000) => ({
    key: null,
    value: Buffer.from(value),
    headers: [],
    timestamp,
  });
  const send = (broker: ReturnType<typeof memoryBroker>, batches: Uint8Array) =>
    produceBatches(broker, { topic: "t", partition: 0, batches, acks: -1, timeoutMs: 5_000 });

  it("keeps them byte for byte but for their offset and epoch", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t");
    const sent = encodeBatch([record("a"), record("b")], { compressionType: "lz4", baseOffset: 99 });
    await send(broker, sent);
    expect(await send(broker, sent)).toMatchObject({ ok: true, value: { baseOffset: 2, lastOffset: 3 } });
    const fetched = await fetch(broker, {
      topic: "t",
      partition: 0,
      offset: 3,
      maxBytes: 1,
      minBytes: 1,
      maxWaitMs: 0,
    });
    const batches = fetched.ok ? Buffer.from(fetched.value.batches) : Buffer.alloc(0);
    expect(batches.subarray(16).equals(Buffer.from(sent).subarray(16))).toBe(true);
    expect(batches.readBigInt64BE(0)).toBe(2n);
  });

  it("appends nothing of a request in which one batch is wrong", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t");
    const wrong = Buffer.from(encodeBatch([record("b")]));
    wrong[wrong.length - 1]! ^= 1;
    const result = await send(broker, Buffer.concat([encodeBatch([record("a")]), wrong]));
    expect(result).toMatchObject({ ok: false, refusal: { code: "CORRUPT_MESSAGE" } });
    expect(await values(broker, "t")).toEqual([]);
  });

  it("stamps and recompresses them where the topic says so", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t", 1, { "message.timestamp.type": "LogAppendTime", "compression.type": "zstd" });
    const result = await send(broker, encodeBatch([record("a", 5)], { compressionType: "gzip" }));
    const stamped = result.ok ? result.value.logAppendTime : -1;
    expect(stamped).toBeGreaterThan(1_700_000_000_000);
    const fetched = await fetch(broker, {
      topic: "t",
      partition: 0,
      offset: 0,
      maxBytes: 1,
      minBytes: 1,
      maxWaitMs: 0,
    });
    const [placed] = batchHeaders(fetched.ok ? fetched.value.batches : new Uint8Array());
    expect(placed?.header).toMatchObject({
      compressionType: "zstd",
      timestampType: "LogAppendTime",
      maxTimestamp: stamped,
    });
  });

  it("corrects a maxTimestamp that lies, so that a search by time finds its records", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t");
    const batch = Buffer.from(encodeBatch([record("a", 1_000), record("b", 2_000)]));
    writeInt64(batch, AT.maxTimestamp, 1_500);
    writeInt32(batch, AT.crc, crc32c(batch, CRC_FROM));
    expect(await send(broker, batch)).toMatchObject({ ok: true });
    const found = await listOffsets(broker, { topic: "t", partition: 0, timestamp: 1_900 });
    expect(found).toMatchObject({ ok: true, value: { offset: 1, timestamp: 2_000 } });
    expect(await values(broker, "t")).toEqual(["0=a", "1=b"]);
  });

  it("refuses what the topic's compression would make too large", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t", 1, { "compression.type": "uncompressed" });
    const zeros = { key: null, value: Buffer.alloc(2_000_000), headers: [], timestamp: 1_700_000_000_000 };
    const large = await send(broker, encodeBatch([zeros], { compressionType: "zstd" }));
    expect(large).toMatchObject({ ok: false, refusal: { code: "MESSAGE_TOO_LARGE" } });
    const half = encodeBatch([{ ...zeros, value: Buffer.alloc(900_000) }], { compressionType: "zstd" });
    const many = await send(broker, Buffer.concat(Array.from({ length: 10 }, () => half)));
    expect(many).toMatchObject({ ok: false, refusal: { code: "RECORD_LIST_TOO_LARGE" } });
    expect(await values(broker, "t")).toEqual([]);
  });

  it("lets many small bombs be no more than a large one", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t");
    const bomb = encodeBatch([{ ...record(""), value: Buffer.alloc(30 * 1024 * 1024) }], { compressionType: "zstd" });
    expect(await send(broker, Buffer.concat([bomb, bomb]))).toMatchObject({ ok: true });
    expect(await send(broker, Buffer.concat([bomb, bomb, bomb]))).toMatchObject({
      ok: false,
      refusal: { code: "MESSAGE_TOO_LARGE" },
    });
  });
});
