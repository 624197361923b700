import { describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { type FetchRequest, fetch } from "../../../shared/broker/fetch.ts";
import {
  EARLIEST_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsets,
  MAX_TIMESTAMP,
} from "../../../shared/broker/list-offsets.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import type { ReadLimits } from "../../../shared/log/log-store.ts";
import { batchHeaders } from "../../../shared/record/read-batch-header.ts";
import { MemoryLogStore } from "../../../shared/storage/memory/memory-log-store.ts";
import { memoryBroker, memoryParts, produce, topicOf } from "../../fixtures/broker.ts";

class CountingLogStore extends MemoryLogStore {
  reads = 0;

  override readItems(log: `${string}#${number}`, from: number, limits: ReadLimits) {
    this.reads++;
    return super.readItems(log, from, limits);
  }

  override readItemAtOrBelow(log: `${string}#${number}`, offset: number) {
    this.reads++;
    return super.readItemAtOrBelow(log, offset);
  }
}

async function fetchFrom(broker: Broker, offset: number, change: Partial<FetchRequest> = {}) {
  const fetched = await fetch(broker, {
    topic: "t",
    partition: 0,
    offset,
    maxBytes: 1 << 20,
    minBytes: 1,
    maxWaitMs: 0,
    ...change,
  });
  if (!fetched.ok) return fetched.refusal;
  const { batches, ...rest } = fetched.value;
  return { ...rest, offsets: batchHeaders(batches).map(({ header }) => [header.baseOffset, header.lastOffset]) };
}

/** A log of items [0..2], [3..3], [4..5], each one batch. */
async function filled(parts = memoryParts()) {
  const broker = openBroker(parts);
  await topicOf(broker, "t");
  for (const count of [3, 1, 2])
    await produce(
      broker,
      "t",
      Array.from({ length: count }, () => ({ partition: 0 })),
    );
  return broker;
}

describe("a fetch", () => {
  it("answers whole batches from the one that contains the offset", async () => {
    const broker = await filled();
    expect(await fetchFrom(broker, 0)).toMatchObject({
      highWatermark: 6,
      logStartOffset: 0,
      nextOffset: 6,
      offsets: [
        [0, 2],
        [3, 3],
        [4, 5],
      ],
    });
    expect(await fetchFrom(broker, 1)).toMatchObject({
      offsets: [
        [0, 2],
        [3, 3],
        [4, 5],
      ],
    });
    expect(await fetchFrom(broker, 5)).toMatchObject({ offsets: [[4, 5]], nextOffset: 6 });
  });

  it("answers at least one batch, however small maxBytes", async () => {
    const broker = await filled();
    expect(await fetchFrom(broker, 0, { maxBytes: 1 })).toMatchObject({
      offsets: [[0, 2]],
      nextOffset: 3,
      highWatermark: 6,
    });
    expect(await fetchFrom(broker, 0, { maxBytes: 180 })).toMatchObject({
      offsets: [
        [0, 2],
        [3, 3],
      ],
      nextOffset: 4,
    });
  });

  it("answers nothing at the log's end, and OFFSET_OUT_OF_RANGE with both ends behind it", async () => {
    const broker = await filled();
    expect(await fetchFrom(broker, 6)).toMatchObject({ offsets: [], nextOffset: 6, highWatermark: 6 });
    expect(await fetchFrom(broker, 7)).toMatchObject({
      code: "OFFSET_OUT_OF_RANGE",
      logStartOffset: 0,
      highWatermark: 6,
    });
    await topicOf(broker, "empty");
    expect(await fetchFrom(broker, 0, { topic: "empty" })).toMatchObject({ offsets: [], highWatermark: 0 });
    expect(await fetchFrom(broker, 1, { topic: "empty" })).toMatchObject({
      code: "OFFSET_OUT_OF_RANGE",
      highWatermark: 0,
    });
  });

  it("of an unknown topic or partition is UNKNOWN_TOPIC_OR_PARTITION", async () => {
    const broker = await filled();
    expect(await fetchFrom(broker, 0, { topic: "nope" })).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
    expect(await fetchFrom(broker, 0, { partition: 1 })).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
  });

  it("that waits is woken by an append in the same process", async () => {
    const logStore = new CountingLogStore();
    const broker = await filled(memoryParts({ logStore }));
    const waiting = fetchFrom(broker, 6, { maxWaitMs: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await produce(broker, "t", [{ partition: 0 }]);
    expect(await waiting).toMatchObject({ offsets: [[6, 6]], nextOffset: 7, highWatermark: 7 });
  });

  it("that waits sees what another process appends", async () => {
    const parts = memoryParts();
    const broker = await filled(parts);
    const waiting = fetchFrom(broker, 6, { maxWaitMs: 20_000 });
    await produce(openBroker(parts), "t", [{ partition: 0 }]);
    expect(await waiting).toMatchObject({ offsets: [[6, 6]] });
  });

  it("waits until there are minBytes", async () => {
    const broker = await filled();
    const waiting = fetchFrom(broker, 6, { maxWaitMs: 20_000, minBytes: 200 });
    for (let index = 0; index < 4; index++) await produce(broker, "t", [{ partition: 0 }]);
    const fetched = await waiting;
    expect("offsets" in fetched ? fetched.offsets.length : 0).toBeGreaterThanOrEqual(3);
  });

  it("that waits long costs few reads", async () => {
    const logStore = new CountingLogStore();
    let now = 1_700_000_000_000;
    const clock = {
      now: () => now,
      sleep: async (ms: number, signal?: AbortSignal) => {
        // Only waits move this clock; the time limits of reads, which never come to an end here, do not.
        if (ms >= 5_000)
          return new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
        now += ms;
      },
    };
    const broker = await filled(memoryParts({ logStore, clock }));
    await fetchFrom(broker, 6);
    logStore.reads = 0;
    expect(await fetchFrom(broker, 6, { maxWaitMs: 4_999 })).toMatchObject({ offsets: [] });
    expect(logStore.reads).toBeLessThanOrEqual(13);
  });

  it("that reads on costs one read", async () => {
    const logStore = new CountingLogStore();
    const broker = await filled(memoryParts({ logStore }));
    await fetchFrom(broker, 0, { maxBytes: 1 });
    logStore.reads = 0;
    await fetchFrom(broker, 3);
    expect(logStore.reads).toBe(1);
  });

  it("ends when its client is gone", async () => {
    const broker = await filled();
    const client = new AbortController();
    const waiting = fetchFrom(broker, 6, { maxWaitMs: 20_000, signal: client.signal });
    client.abort();
    expect(await waiting).toMatchObject({ offsets: [] });
  });

  it("reads batches that lie in the segment store at their offsets", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t", 1, { "millrace.inline.max.bytes": "0" });
    await produce(broker, "t", [{ partition: 0 }, { partition: 0 }]);
    await produce(broker, "t", [{ partition: 0 }]);
    expect(await fetchFrom(broker, 1)).toMatchObject({
      offsets: [
        [0, 1],
        [2, 2],
      ],
      nextOffset: 3,
    });
  });
});

describe("listing offsets", () => {
  const offsetAt = async (broker: Broker, timestamp: number) => {
    const listed = await listOffsets(broker, { topic: "t", partition: 0, timestamp });
    return listed.ok ? [listed.value.offset, listed.value.timestamp] : listed.refusal.code;
  };

  it("finds both ends of a log", async () => {
    const broker = await filled();
    expect(await offsetAt(broker, EARLIEST_TIMESTAMP)).toEqual([0, -1]);
    expect(await offsetAt(broker, LATEST_TIMESTAMP)).toEqual([6, -1]);
  });

  it("finds the first record at or after a timestamp, whatever the order of timestamps", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t");
    const timestamps = [100, 300, 200, 250, 900, 400, 400, 1000, 50, 1200];
    for (const [index, timestamp] of timestamps.entries()) {
      await produce(broker, "t", [
        { partition: 0, timestamp },
        { partition: 0, timestamp: timestamp - (index % 2) },
      ]);
    }
    const all = timestamps.flatMap((timestamp, index) => [timestamp, timestamp - (index % 2)]);
    for (let wanted = 0; wanted <= 1250; wanted += 25) {
      const offset = all.findIndex((timestamp) => timestamp >= wanted);
      expect(await offsetAt(broker, wanted)).toEqual(offset < 0 ? [-1, -1] : [offset, all[offset]]);
    }
    expect(await offsetAt(broker, MAX_TIMESTAMP)).toEqual([18, 1200]);
  });

  it("finds nothing in an empty log, and refuses other negative timestamps", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t");
    expect(await offsetAt(broker, 0)).toEqual([-1, -1]);
    expect(await offsetAt(broker, MAX_TIMESTAMP)).toEqual([-1, -1]);
    expect(await offsetAt(broker, -9)).toBe("INVALID_REQUEST");
  });
});
