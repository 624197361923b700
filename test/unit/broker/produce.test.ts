import { describe, expect, it } from "vitest";
import { fetch } from "../../../shared/broker/fetch.ts";
import { listOffsets } from "../../../shared/broker/list-offsets.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { produceBatches } from "../../../shared/broker/produce-batches.ts";
import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import { partitionForKey } from "../../../shared/kafka/partitioner.ts";
import { type LogItem, logKey } from "../../../shared/log/log-item.ts";
import { crc32c } from "../../../shared/record/crc32c.ts";
import { decodeRecords } from "../../../shared/record/decode-batch.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { writeInt32, writeInt64 } from "../../../shared/record/int64.ts";
import { AT, CRC_FROM } from "../../../shared/record/layout.ts";
import { batchHeaders, verifyCrc } from "../../../shared/record/read-batch-header.ts";
import { MemoryLogStore } from "../../../shared/storage/memory/memory-log-store.ts";
import { memoryBroker, memoryParts, produce, topicOf } from "../../fixtures/broker.ts";

/** A log store that counts puts and does as it is told before the next ones. */
class WatchedLogStore extends MemoryLogStore {
  puts = 0;
  before: ((item: LogItem) => Promise<void>) | undefined;
  after: (() => Promise<void>) | undefined;

  override async putItem(log: `${string}#${number}`, item: LogItem) {
    this.puts++;
    await this.before?.(item);
    const result = await super.putItem(log, item);
    await this.after?.();
    return result;
  }
}

const values = async (broker: ReturnType<typeof memoryBroker>, topic: string, partition = 0) => {
  const fetched = await fetch(broker, { topic, partition, offset: 0, maxBytes: 1 << 24, minBytes: 1, maxWaitMs: 0 });
  if (!fetched.ok) throw new Error(fetched.refusal.message);
  const { batches } = fetched.value;
  return batchHeaders(batches).flatMap(({ header, at }) => {
    verifyCrc(batches, at, header);
    return decodeRecords(batches, at, header).map(
      ({ offset, value }) =>
        `${offset}=${Buffer.from(value ?? [])
          .toString()
          .slice(0, 20)}`,
    );
  });
};

const lost = () => new KafkaError("KAFKA_STORAGE_ERROR", "the answer was lost", { outcome: "unknown" });

describe("producing records", () => {
  it("puts keyed records where Kafka's partitioner puts them, and unkeyed ones together", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t", 6);
    const keys = ["a", "b", "some key", ""];
    const keyed = await produce(
      broker,
      "t",
      keys.map((key) => ({ key })),
    );
    expect(keyed.map((place) => Number(place.split(":")[0]))).toEqual(
      keys.map((key) => partitionForKey(Buffer.from(key), 6)),
    );
    const unkeyed = await produce(broker, "t", [{}, {}, {}]);
    expect(new Set(unkeyed.map((place) => place.split(":")[0])).size).toBe(1);
  });

  it("answers each record in order, the wrong ones by themselves", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t", 2);
    const sent = [
      { partition: 0 },
      { partition: 5 },
      { partition: 1 },
      { partition: 0 },
      { partition: 0, value: "x".repeat(1_048_600) },
    ];
    expect(await produce(broker, "t", sent)).toEqual([
      "0:0",
      "UNKNOWN_TOPIC_OR_PARTITION",
      "1:0",
      "0:1",
      "MESSAGE_TOO_LARGE",
    ]);
  });

  it("is one put for all of a partition's records", async () => {
    const logStore = new WatchedLogStore();
    const broker = memoryBroker({ logStore });
    await topicOf(broker, "t");
    await produce(
      broker,
      "t",
      Array.from({ length: 100 }, () => ({ partition: 0 })),
    );
    expect(logStore.puts).toBe(1);
  });

  it("groups what arrives while a put is in flight into the next item", async () => {
    const logStore = new WatchedLogStore();
    const broker = memoryBroker({ logStore });
    await topicOf(broker, "t");
    await produce(broker, "t", [{}]);
    logStore.before = () => new Promise((resolve) => setTimeout(resolve, 20));
    const first = produce(broker, "t", [{ value: "first" }]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const rest = Array.from({ length: 50 }, (_, index) => produce(broker, "t", [{ value: `${index}` }]));
    const places = await Promise.all([first, ...rest]);
    expect(logStore.puts).toBe(3);
    expect(places.flat()).toEqual(Array.from({ length: 51 }, (_, index) => `0:${index + 1}`));
  });

  it("does not append twice when the answer of a put was lost", async () => {
    const logStore = new WatchedLogStore();
    const broker = memoryBroker({ logStore });
    await topicOf(broker, "t");
    let losses = 2;
    logStore.after = async () => {
      if (losses-- > 0) throw lost();
    };
    expect(await produce(broker, "t", [{ value: "once" }])).toEqual(["0:0"]);
    expect(await values(broker, "t")).toEqual(["0=once"]);
  });

  it("says that it does not know when the store stays silent, and reads the log before it goes on", async () => {
    const logStore = new WatchedLogStore();
    const broker = memoryBroker({ logStore });
    await topicOf(broker, "t");
    logStore.after = () => Promise.reject(lost());
    expect(await produce(broker, "t", [{ value: "unknown" }])).toEqual(["KAFKA_STORAGE_ERROR"]);
    logStore.after = undefined;
    expect(await produce(broker, "t", [{ value: "next" }])).toEqual(["0:1"]);
    expect(await values(broker, "t")).toEqual(["0=unknown", "1=next"]);
  });

  it("takes the next slot when another process took this one", async () => {
    const parts = memoryParts();
    const [one, other] = [openBroker(parts), openBroker(parts)];
    await topicOf(one, "t");
    await Promise.all([produce(one, "t", [{ key: "a" }]), produce(other, "t", [{ key: "b" }])]);
    expect(await produce(one, "t", [{ key: "c" }])).toEqual(["0:2"]);
    expect(await produce(other, "t", [{ key: "d" }])).toEqual(["0:3"]);
    expect((await values(one, "t")).map((found) => Number(found.split("=")[0]))).toEqual([0, 1, 2, 3]);
  });

  it("moves records without a key to another partition on conflict, and keyed ones not", async () => {
    const logStore = new WatchedLogStore();
    const parts = memoryParts({
      logStore,
      random: { next: () => 0, bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
    });
    const [one, other] = [openBroker(parts), openBroker(parts)];
    await topicOf(one, "t", 2);
    expect(await produce(one, "t", [{ value: "warm" }])).toEqual(["0:0"]);
    expect(await produce(other, "t", [{ value: "meets it", partition: 0 }])).toEqual(["0:1"]);
    expect(await produce(one, "t", [{ value: "moves" }])).toEqual(["1:0"]);
    const key = ["k", "l", "m", "n"].find((candidate) => partitionForKey(Buffer.from(candidate), 2) === 0)!;
    await produce(other, "t", [{ partition: 0 }]);
    expect(await produce(one, "t", [{ key }])).toEqual(["0:3"]);
  });

  it("refuses out-of-order sequences only after it has read what others appended", async () => {
    const parts = memoryParts();
    const [one, other] = [openBroker(parts), openBroker(parts)];
    await topicOf(one, "t");
    const send = (broker: typeof one, baseSequence: number) =>
      produce(broker, "t", [{ partition: 0 }], { producer: { producerId: 1, producerEpoch: 0, baseSequence } });
    expect(await send(one, 0)).toEqual(["0:0"]);
    expect(await send(other, 1)).toEqual(["0:1"]);
    expect(await send(one, 2)).toEqual(["0:2"]);
    expect(await send(other, 1)).toEqual(["0:1"]);
    expect(await send(other, 9)).toEqual(["OUT_OF_ORDER_SEQUENCE_NUMBER"]);
  });

  it("appends on a condition exactly once among racing processes", async () => {
    const parts = memoryParts();
    const brokers = Array.from({ length: 8 }, () => openBroker(parts));
    await topicOf(brokers[0]!, "t");
    const results = await Promise.all(
      brokers.map((broker) => produce(broker, "t", [{ partition: 0 }], { expectedOffset: 0 })),
    );
    expect(results.flat().toSorted()).toEqual(["0:0", ...Array.from({ length: 7 }, () => "EXPECTED_OFFSET_MISMATCH")]);
  });

  it("puts large payloads into the segment store, once, however many slots it loses", async () => {
    const parts = memoryParts();
    const [one, other] = [openBroker(parts), openBroker(parts)];
    const topicId = await topicOf(one, "t");
    await produce(one, "t", [{ key: "warm" }]);
    await produce(other, "t", [{ key: "meets" }]);
    await produce(one, "t", [{ value: "large".repeat(10_000), partition: 0 }], {
      producer: { producerId: 1, producerEpoch: 0, baseSequence: 0 },
    });
    const objects = await parts.segmentStore.listObjects(`${topicId}/`, { maxKeys: 10 });
    expect(objects).toHaveLength(1);
    expect((await parts.logStore.readItemAtOrBelow(logKey(topicId, 0), 9))?.payload).toMatchObject({
      kind: "object",
      object: objects[0],
    });
    expect((await values(other, "t")).at(-1)).toBe("2=largelargelargelarge");
    const repeated = { producer: { producerId: 1, producerEpoch: 0, baseSequence: 0 } };
    expect(await produce(other, "t", [{ value: "large".repeat(10_000), partition: 0 }], repeated)).toEqual(["0:2"]);
  });

  it("fails at its deadline when the store hangs", async () => {
    const logStore = new WatchedLogStore();
    const broker = memoryBroker({ logStore });
    await topicOf(broker, "t");
    logStore.before = () => new Promise(() => {});
    expect(await produce(broker, "t", [{}], { timeoutMs: 50 })).toEqual(["REQUEST_TIMED_OUT"]);
  });

  it("with acks=0 is answered before the write, which follows", async () => {
    const logStore = new WatchedLogStore();
    const broker = memoryBroker({ logStore });
    await topicOf(broker, "t");
    let release: () => void = () => {};
    logStore.before = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    expect(await produce(broker, "t", [{ value: "later" }], { acks: 0 })).toEqual(["0:-1"]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    release();
    await broker.background.settled();
    expect(await values(broker, "t")).toEqual(["0=later"]);
  });

  it("with acks=all needs min.insync.replicas", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t", 1, { "min.insync.replicas": "2" });
    expect(await produce(broker, "t", [{}])).toEqual(["NOT_ENOUGH_REPLICAS"]);
    expect(await produce(broker, "t", [{}], { acks: 1 })).toEqual(["0:0"]);
  });

  it("starts again from the checkpoint and what stands behind it", async () => {
    const parts = memoryParts();
    const one = openBroker(parts);
    const topicId = await topicOf(one, "t");
    for (let index = 0; index < 1_010; index++) {
      await produce(one, "t", [{ partition: 0 }], {
        producer: { producerId: 5, producerEpoch: 0, baseSequence: index },
      });
    }
    const checkpoint = await parts.logStore.readCheckpoint(logKey(topicId, 0));
    expect(checkpoint?.logEndOffset).toBe(1_000);
    const other = openBroker(parts);
    const send = (baseSequence: number) =>
      produce(other, "t", [{ partition: 0 }], { producer: { producerId: 5, producerEpoch: 0, baseSequence } });
    expect(await send(1_008)).toEqual(["0:1008"]);
    expect(await send(1_010)).toEqual(["0:1010"]);
  });
});

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
});
