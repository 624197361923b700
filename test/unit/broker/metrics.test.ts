import { beforeEach, describe, expect, it } from "vitest";
import type { Broker, BrokerParts } from "../../../shared/broker/broker.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { type FetchRequest, fetch } from "../../../shared/broker/fetch.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { produceBatches } from "../../../shared/broker/produce-batches.ts";
import { removeDeletedTopics } from "../../../shared/broker/remove-deleted-topics.ts";
import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import type { LogItem, LogKey } from "../../../shared/log/log-item.ts";
import type { ReadLimits } from "../../../shared/log/log-store.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { type Clock, systemClock } from "../../../shared/runtime/clock.ts";
import { jsonLogger } from "../../../shared/runtime/logger.ts";
import { MemoryLogStore } from "../../../shared/storage/memory/memory-log-store.ts";
import { memoryParts, produce, topicOf } from "../../fixtures/broker.ts";
import { answer, send } from "../../fixtures/http.ts";
import { RecordedMetrics } from "../../fixtures/recorded-metrics.ts";

/** A log store that fails as it is told, and takes time on a clock of its own. */
class UnsteadyLogStore extends MemoryLogStore {
  failPut: () => Error | undefined = () => undefined;
  failRead: () => Error | undefined = () => undefined;
  loseAnswers = 0;
  passTime: (ms: number) => void = () => {};

  override async putItem(log: LogKey, item: LogItem) {
    this.passTime(7);
    const failure = this.failPut();
    if (failure !== undefined) throw failure;
    const result = await super.putItem(log, item);
    if (this.loseAnswers-- > 0) throw new KafkaError("KAFKA_STORAGE_ERROR", "lost", { outcome: "unknown" });
    return result;
  }

  override async readItems(log: LogKey, from: number, limits: ReadLimits) {
    this.passTime(5);
    const failure = this.failRead();
    if (failure !== undefined) throw failure;
    return super.readItems(log, from, limits);
  }
}

const throttled = () => new KafkaError("THROTTLING_QUOTA_EXCEEDED", "throttled");
const broken = () =>
  new KafkaError("KAFKA_STORAGE_ERROR", "the store failed", { cause: new Error("the reason of it") });

let store: UnsteadyLogStore;
let metrics: RecordedMetrics;
let lines: string[];
let parts: BrokerParts;
let broker: Broker;
beforeEach(() => {
  store = new UnsteadyLogStore();
  metrics = new RecordedMetrics();
  lines = [];
  parts = memoryParts({ logStore: store, metrics, logger: jsonLogger((line) => lines.push(line)) });
  broker = openBroker(parts);
});

async function fetched(offset: number, change: Partial<FetchRequest> = {}, from = broker) {
  const request = { topic: "t", partition: 0, offset, maxBytes: 1 << 20, minBytes: 1, maxWaitMs: 0, ...change };
  const result = await fetch(from, request);
  return result.ok ? result.value.batches.length : result.refusal.code;
}

const record = (value: string, timestamp = Date.now()) => ({
  key: null,
  value: Buffer.from(value),
  headers: [],
  timestamp,
});

describe("the metrics of appends", () => {
  it("count requests that went into one item as one append, with all their records and bytes", async () => {
    await topicOf(broker, "t");
    await Promise.all(["a", "b", "c"].map((value) => produce(broker, "t", [{ value }, { value }])));
    expect(metrics.counts).toEqual({ Appends: 1, RecordsIn: 6, BytesIn: expect.any(Number) });
    expect(await fetched(0)).toBe(metrics.counts.BytesIn);
  });

  it("count a batch that an idempotent producer sent again once", async () => {
    await topicOf(broker, "t");
    const batches = encodeBatch([record("a")], { producerId: 1, producerEpoch: 0, baseSequence: 0 });
    for (let sent = 0; sent < 2; sent++) {
      await produceBatches(broker, { topic: "t", partition: 0, batches, acks: -1, timeoutMs: 5_000 });
    }
    expect(metrics.counts).toEqual({ Appends: 1, RecordsIn: 1, BytesIn: batches.length });
  });

  it("count the slot that was lost to another writer, and not the append that its winner made", async () => {
    const others = new RecordedMetrics();
    const other = openBroker({ ...parts, metrics: others });
    await topicOf(broker, "t");
    await Promise.all([produce(broker, "t", [{ key: "a" }]), produce(other, "t", [{ key: "b" }])]);
    expect([metrics.counts, others.counts].map(({ Appends }) => Appends)).toEqual([1, 1]);
    expect((metrics.counts.AppendConflicts ?? 0) + (others.counts.AppendConflicts ?? 0)).toBe(1);
  });

  it("count no conflict where a writer finds its own item, whose answer was lost", async () => {
    await topicOf(broker, "t");
    store.loseAnswers = 1;
    expect(await produce(broker, "t", [{}])).toEqual(["0:0"]);
    expect(metrics.counts).toMatchObject({ Appends: 1, RecordsIn: 1 });
    expect(metrics.counts.AppendConflicts).toBeUndefined();
  });

  it("count nothing of what is refused", async () => {
    await topicOf(broker, "t");
    await produce(broker, "t", [{ partition: 9 }]);
    await produce(broker, "nowhere", [{}]);
    expect([metrics.counts, metrics.durations]).toEqual([{}, {}]);
  });
});

describe("the metrics of fetches", () => {
  it("count the records and bytes of the batches that went out, each time they do", async () => {
    await topicOf(broker, "t");
    await produce(broker, "t", [{}, {}, {}]);
    await produce(broker, "t", [{}]);
    const all = await fetched(0);
    // A whole batch of three answers for its last record.
    expect(await fetched(2)).toBe(all);
    expect(metrics.counts).toMatchObject({ RecordsOut: 8, BytesOut: 2 * Number(all) });
  });

  it("count nothing out where there is nothing, but how long that took", async () => {
    await topicOf(broker, "t");
    expect(await fetched(0)).toBe(0);
    expect(metrics.counts).toEqual({});
    expect(metrics.durations.FetchLatency).toHaveLength(1);
  });
});

describe("the metrics of the stores", () => {
  it("count each operation that ended throttled, also where its repetition succeeds", async () => {
    await topicOf(broker, "t");
    let left = 2;
    store.failPut = () => (left-- > 0 ? throttled() : undefined);
    expect(await produce(broker, "t", [{}])).toEqual(["0:0"]);
    expect(metrics.counts).toMatchObject({ StoreThrottles: 2, Appends: 1 });
    store.failRead = throttled;
    expect(await fetched(0)).toBe("THROTTLING_QUOTA_EXCEEDED");
    expect(metrics.counts).toMatchObject({ StoreThrottles: 3 });
    expect(metrics.counts.Errors).toBeUndefined();
  });

  it("count the objects written and read", async () => {
    await topicOf(broker, "t", 1, { "millrace.inline.max.bytes": "100" });
    await produce(broker, "t", [{ value: "x".repeat(200) }]);
    await produce(broker, "t", [{ value: "small" }]);
    expect(metrics.counts).toMatchObject({ Appends: 2, ObjectsWritten: 1 });
    await fetched(0);
    await fetched(0);
    expect(metrics.counts).toMatchObject({ ObjectsWritten: 1, ObjectsRead: 2 });
  });

  it("are none while maintenance has nothing to do", async () => {
    await removeDeletedTopics(broker, { maxItems: 1_000 });
    expect([metrics.counts, metrics.durations, lines]).toEqual([{}, {}, []]);
  });
});

describe("latencies", () => {
  let now = 0;
  /** Time passes in the store's operations and in the waits of a long poll. */
  const clock: Clock = {
    now: () => now,
    sleep: async (ms, signal) => {
      if (ms > 1_000) return systemClock.sleep(ms, signal);
      await new Promise(setImmediate);
      if (!signal?.aborted) now += ms;
    },
  };
  beforeEach(() => {
    now = 0;
    store.passTime = (ms) => {
      now += ms;
    };
    broker = openBroker({ ...parts, clock });
  });

  it("of a produce are those of its reads and writes, and only with an answer that waits for them", async () => {
    await topicOf(broker, "t");
    // One read of the log and one write, then one write.
    await produce(broker, "t", [{ key: "a" }]);
    await produce(broker, "t", [{ key: "a" }]);
    const batches = encodeBatch([record("a", now)]);
    await produceBatches(broker, { topic: "t", partition: 0, batches, acks: 1, timeoutMs: 5_000 });
    await produce(broker, "t", [{ key: "a" }], { acks: 0 });
    await broker.background.settled();
    expect(metrics.counts.Appends).toBe(4);
    expect(metrics.durations.ProduceLatency).toEqual([12, 7, 7]);
  });

  it("of a fetch are without the time in which it waited for records", async () => {
    await topicOf(broker, "t");
    await fetched(0, { maxWaitMs: 900 });
    expect(now).toBeGreaterThan(900);
    const other = openBroker({ ...parts, clock, metrics: new RecordedMetrics() });
    let reads = 0;
    store.failRead = () => {
      if (++reads === 3) void produce(other, "t", [{}]);
      return undefined;
    };
    expect(await fetched(0, { maxWaitMs: 900 })).toBeGreaterThan(0);
    expect(await fetched(0)).toBeGreaterThan(0);
    expect(reads).toBeGreaterThan(4);
    // Before the first wait a read of 5 ms, after the last one another; where nothing is waited for, one.
    expect(metrics.durations.FetchLatency).toEqual([10, 10, 5]);
  });
});

describe("errors", () => {
  beforeEach(() => topicOf(broker, "t", 2));

  it("are counted and logged with their cause, one for each append and fetch that a store failed", async () => {
    store.failPut = broken;
    expect(await produce(broker, "t", [{ partition: 0 }, { partition: 1 }])).toEqual([
      "KAFKA_STORAGE_ERROR",
      "KAFKA_STORAGE_ERROR",
    ]);
    expect(metrics.counts).toEqual({ Errors: 2 });
    store.failRead = broken;
    expect(await fetched(0)).toBe("KAFKA_STORAGE_ERROR");
    expect(metrics.counts).toEqual({ Errors: 3 });
    const logged = lines.map((line) => JSON.parse(line));
    expect(logged.map(({ message }) => message)).toEqual(["an append failed", "an append failed", "a fetch failed"]);
    for (const { code, causedBy } of logged) {
      expect([code, causedBy]).toEqual(["KAFKA_STORAGE_ERROR", expect.stringContaining("the reason of it")]);
    }
  });

  it("are counted where nobody sees them: acks=0", async () => {
    store.failPut = broken;
    await produce(broker, "t", [{ partition: 0 }], { acks: 0 });
    await broker.background.settled();
    expect(metrics.counts).toEqual({ Errors: 1 });
  });

  it("are counted within an answer that is 200 as a whole, and once where the answer itself is a 5xx", async () => {
    const { clusterId } = await describeCluster(broker);
    const path = `/v3/clusters/${clusterId}/topics/t/partitions/0/records`;
    const object = '{"value":{"type":"STRING","data":"a"}}';
    const sent = (body: string) => send(broker, path, { headers: { "content-type": "application/json" }, body });
    store.failPut = broken;
    expect((await sent(`${object}${object}`)).status).toBe(200);
    expect(metrics.counts).toEqual({ Errors: 1 });
    expect((await sent(object)).status).toBe(503);
    expect(metrics.counts).toEqual({ Errors: 2 });
  });

  it("are counted when the metadata fails, and when the fault is our own", async () => {
    const { metadataStore } = memoryParts();
    for (const [failure, status] of [
      [broken(), 503],
      [new TypeError("a bug"), 500],
      [throttled(), 429],
    ] as const) {
      metadataStore.getTopic = () => Promise.reject(failure);
      metadataStore.listTopics = () => Promise.reject(failure);
      const failing = openBroker({ ...parts, metadataStore });
      expect((await answer(send(failing, "/topics"))).status).toBe(status);
    }
    expect(metrics.counts.Errors).toBe(2);
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(["WARN", "ERROR", "WARN"]);
  });

  it("are counted while too few replicas are in sync", async () => {
    await topicOf(broker, "safe", 1, { "min.insync.replicas": "2" });
    expect(await produce(broker, "safe", [{}])).toEqual(["NOT_ENOUGH_REPLICAS"]);
    expect(metrics.counts).toEqual({ Errors: 1 });
  });

  it("are not what a client did wrong", async () => {
    expect(await fetched(7)).toBe("OFFSET_OUT_OF_RANGE");
    expect(await fetched(0, { topic: "nowhere" })).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    expect(await fetched(0, { partition: 9 })).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    expect((await answer(send(broker, "/nowhere"))).status).toBe(404);
    expect([metrics.counts, lines]).toEqual([{}, []]);
  });
});
