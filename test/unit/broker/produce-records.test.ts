import { describe, expect, it } from "vitest";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { produceRecords } from "../../../shared/broker/produce-records.ts";
import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import { partitionForKey } from "../../../shared/kafka/partitioner.ts";
import { type LogItem, logKey } from "../../../shared/log/log-item.ts";
import { MemoryLogStore } from "../../../shared/storage/memory/memory-log-store.ts";
import { memoryBroker, memoryParts, produce, topicOf, values } from "../../fixtures/broker.ts";

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
    const value = Buffer.from("unknown");
    const request = { topic: "t", acks: -1, timeoutMs: 5_000, records: [{ key: null, value, headers: [] }] } as const;
    expect(await produceRecords(broker, request)).toMatchObject({
      value: {
        results: [{ refusal: { code: "KAFKA_STORAGE_ERROR", hint: expect.stringContaining("may be in the log") } }],
      },
    });
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
    const { key, sizeInBytes } = objects[0]!;
    expect((await parts.logStore.readItemAtOrBelow(logKey(topicId, 0), 9))?.payload).toMatchObject({
      kind: "object",
      object: { key, sizeInBytes },
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
