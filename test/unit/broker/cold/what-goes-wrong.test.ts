import { describe, expect, it } from "vitest";
import { appendHandedOff } from "../../../../shared/broker/append-handed-off.ts";
import type { Broker } from "../../../../shared/broker/broker.ts";
import { listOffsets } from "../../../../shared/broker/list-offsets.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
import { logKey } from "../../../../shared/log/log-item.ts";
import { retentionTerms } from "../../../../shared/log/retention-terms.ts";
import { segmentKeys } from "../../../../shared/log/segment/segment-keys.ts";
import { encodeBatch } from "../../../../shared/record/encode-batch.ts";
import { MemorySegmentStore } from "../../../../shared/storage/memory/memory-segment-store.ts";
import { ALL_VALUES, fetchFrom, filled, halfCold } from "../../../fixtures/half-cold.ts";
import { seen } from "../../../fixtures/regions.ts";
import {
  compacted,
  copyItems,
  itemsOf,
  moveLocalStart,
  removeSegment,
  SMALL,
  tieredParts,
  tierUpTo,
} from "../../../fixtures/tiered-log.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";

/** A bucket that is watched, and may fail. */
class WatchedStore extends MemorySegmentStore {
  reads = 0;
  underWay = 0;
  mostUnderWay = 0;
  before: () => Promise<void> = async () => {};

  override async getObject(key: string, range?: { start: number; end: number }) {
    this.reads++;
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    try {
      await this.before();
      return await super.getObject(key, range);
    } finally {
      this.underWay--;
    }
  }
}

async function watched() {
  const segmentStore = new WatchedStore();
  const made = await halfCold(40, { segmentStore });
  segmentStore.reads = 0;
  return { ...made, segmentStore };
}

const timestampAt = (broker: Broker, timestamp: number) => listOffsets(broker, { topic: "t", partition: 0, timestamp });

async function moveLogStart({ metadataStore }: Broker, topicId: string, logStartOffset: number) {
  const [registration] = await metadataStore.getPartitions(topicId);
  await metadataStore.updatePartition({
    ...registration!,
    logStartOffset,
    partitionEpoch: registration!.partitionEpoch + 1,
  });
}

describe("a bucket that fails", () => {
  it("fails fetches and searches with what a client may repeat, and is read as soon as it answers", async () => {
    const { broker, segmentStore } = await watched();
    segmentStore.before = async () => {
      throw new KafkaError("KAFKA_STORAGE_ERROR", "503");
    };
    expect(await fetchFrom(broker, 0)).toMatchObject({ code: "KAFKA_STORAGE_ERROR", retriable: true });
    expect(await timestampAt(broker, 1_005)).toMatchObject({ ok: false, refusal: { code: "KAFKA_STORAGE_ERROR" } });
    expect(await fetchFrom(broker, 40)).toMatchObject({ nextOffset: 60 });
    segmentStore.before = async () => {};
    expect(await seen(broker, "t")).toEqual(ALL_VALUES);
    expect(await timestampAt(broker, 1_005)).toMatchObject({ ok: true, value: { offset: 5 } });
  });

  it("that does not answer at all fails a fetch in bounded time, and everybody who waits for the same", () =>
    inVirtualTime(async (clock) => {
      const segmentStore = new WatchedStore();
      const { broker } = await halfCold(40, { segmentStore, clock });
      segmentStore.before = () => new Promise(() => {});
      const before = clock.now();
      const fetches = await Promise.all([0, 0, 12, 30].map((offset) => fetchFrom(broker, offset)));
      expect(fetches).toMatchObject(Array(4).fill({ code: "REQUEST_TIMED_OUT", retriable: true }));
      expect(clock.now() - before).toBeLessThan(20_000);
      segmentStore.before = async () => {};
      expect(await seen(broker, "t")).toEqual(ALL_VALUES);
    }));

  it("that lost a segment's objects says so after a few looks", async () => {
    const { broker, segmentStore, segments } = await watched();
    await segmentStore.deleteObjects(Object.values(segmentKeys(segments[1]!)));
    expect(await fetchFrom(broker, segments[1]!.baseOffset)).toMatchObject({ code: "KAFKA_STORAGE_ERROR" });
    expect(segmentStore.reads).toBeLessThan(6);
    expect(await fetchFrom(broker, 0)).toMatchObject({ nextOffset: segments[1]!.baseOffset });
  });

  it("with an object that is cut off fails what would read it", async () => {
    const { broker, segmentStore, segments } = await watched();
    const { log } = segmentKeys(segments[0]!);
    const whole = (await segmentStore.getObject(log))!;
    await segmentStore.putObject(log, whole.subarray(0, -1));
    expect(await fetchFrom(broker, 0)).toMatchObject({ code: "KAFKA_STORAGE_ERROR" });
  });

  it("is asked for a few objects at a time, and once for what many want", async () => {
    const { broker, segmentStore } = await watched();
    segmentStore.before = () => new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all(Array.from({ length: 20 }, () => fetchFrom(broker, 0)));
    expect(segmentStore.reads).toBe(1);
    const slow = new WatchedStore();
    const parts = tieredParts({ segmentStore: slow });
    const topicId = await filled(parts, 30);
    const segments = await tierUpTo(openBroker(parts), topicId, 40, { limits: { ...SMALL, segmentBytes: 1 } });
    const other = openBroker(parts);
    slow.before = () => new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all(Array.from({ length: 40 }, (_, offset) => fetchFrom(other, offset)));
    expect(slow.mostUnderWay).toBeLessThanOrEqual(8);
    expect(segments).toHaveLength(20);
  });
});

describe("a reader whom retention, tiering or compaction overtakes", () => {
  it("is out of range where the log begins by now, though it has not heard of it", async () => {
    const { broker, topicId, segments } = await watched();
    await fetchFrom(broker, 0);
    const [, second] = segments;
    await moveLogStart(broker, topicId, second!.content.lastOffset + 1);
    for (const segment of segments.slice(0, 2)) await removeSegment(broker, segment);
    expect(await fetchFrom(broker, second!.baseOffset)).toMatchObject({
      code: "OFFSET_OUT_OF_RANGE",
      logStartOffset: second!.content.lastOffset + 1,
      highWatermark: 60,
    });
    expect(await fetchFrom(broker, 0)).toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
    expect(await timestampAt(broker, 0)).toMatchObject({ ok: true, value: { offset: second!.content.lastOffset + 1 } });
  });

  it("goes on in the segment that took the place of the one it read", async () => {
    const { broker, log, parts, segments, topicId } = await watched();
    await fetchFrom(broker, 0);
    const upkeep = openBroker(parts);
    // The same records once more, as one segment.
    const other = tieredParts();
    await filled(other, 30);
    const [theirs] = await other.metadataStore.listTopics({ limit: 1 });
    const items = (await itemsOf(openBroker(other), logKey(theirs!.topicId, 0))).slice(0, 20);
    await copyItems(upkeep, log, items, { limits: { ...SMALL, segmentBytes: 1e6 }, change: { compactedThrough: 40 } });
    for (const segment of segments) await removeSegment(upkeep, segment);
    expect(await seen(broker, "t", 10)).toEqual(ALL_VALUES.slice(10));
    expect(await timestampAt(broker, 1_017)).toMatchObject({ ok: true, value: { offset: 17 } });
    expect(topicId).toBe(log.slice(0, -2));
  });

  it("reads from segments what was items when it looked last", async () => {
    const parts = tieredParts();
    const topicId = await filled(parts, 30);
    const broker = openBroker(parts);
    expect(await fetchFrom(broker, 0, { maxBytes: 1 })).toMatchObject({ nextOffset: 2, localLogStartOffset: 0 });
    await tierUpTo(openBroker(parts), topicId, 40);
    expect(await fetchFrom(broker, 2, { maxBytes: 1 })).toMatchObject({ nextOffset: 4, localLogStartOffset: 40 });
  });

  it("of a topic that is deleted finds no topic", async () => {
    const { broker, parts, topicId, log, segments } = await watched();
    await fetchFrom(broker, 0);
    await parts.metadataStore.deleteTopic("t", topicId);
    await parts.metadataStore.deletePartitions(topicId, 1);
    for (const segment of segments) await removeSegment(broker, segment);
    await parts.segmentRegistry.removeLog(log, 1_000);
    expect(await fetchFrom(broker, segments[1]!.baseOffset)).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
  });

  it("never reads an item below the local start, whatever lies there", async () => {
    const { broker, log } = await watched();
    // The first slot holds what a sleeper put there (removeItems); it is read if the local start is taken back.
    expect(await fetchFrom(broker, 0)).toMatchObject({ offsets: expect.arrayContaining([[0, 1]]) });
    await moveLocalStart(broker, log, 0);
    expect(await fetchFrom(openBroker({ ...broker }), 0)).toMatchObject({ code: "CORRUPT_MESSAGE" });
  });
});

describe("a segment with gaps", () => {
  it("is read on from the next record, and a stretch without any is passed over", async () => {
    const { broker, log, parts, segments } = await watched();
    const other = tieredParts();
    await filled(other, 30);
    const [theirs] = await other.metadataStore.listTopics({ limit: 1 });
    const items = (await itemsOf(openBroker(other), logKey(theirs!.topicId, 0))).slice(0, 20);
    // Compacted: of the items below 40 those at 4 and 24 are left, in one segment; and nothing of those from 26 on, in another.
    const left = items.filter(({ baseOffset }) => baseOffset === 4 || baseOffset === 24);
    const upkeep = openBroker(parts);
    await compacted(upkeep, log, left, 0, 25);
    await compacted(upkeep, log, [], 26, 39);
    for (const segment of segments) await removeSegment(upkeep, segment);
    const values = ALL_VALUES.filter((_, offset) => [4, 5, 24, 25].includes(offset) || offset >= 40);
    expect(await seen(broker, "t")).toEqual(values);
    for (const offset of [3, 6, 23]) {
      expect(await seen(broker, "t", offset)).toEqual(values.filter((value) => Number.parseInt(value, 10) >= offset));
    }
    expect(await fetchFrom(broker, 6, { maxBytes: 1 })).toMatchObject({ offsets: [[24, 25]], nextOffset: 26 });
    expect(await fetchFrom(broker, 26, { maxBytes: 1 })).toMatchObject({ offsets: [[40, 41]], nextOffset: 42 });
    for (const [timestamp, offset] of [
      [1_000, 4],
      [1_006, 24],
      [1_026, 40],
    ] as const) {
      expect(await timestampAt(broker, timestamp)).toMatchObject({ ok: true, value: { offset } });
    }
  });
});

describe("an append with acks=0 that was handed off", () => {
  const handedOff = async (minutesAgo: number) => {
    const { broker, topicId, parts } = await halfCold();
    const record = { key: null, value: Buffer.from("v"), headers: [], timestamp: 1_000 };
    const batches = encodeBatch([record], { baseOffset: 0, partitionLeaderEpoch: 0 });
    const handedOffAt = broker.clock.now() - minutesAgo * 60_000;
    const append = { topic: "t", topicId, partition: 0, appendId: "a".repeat(22), handedOffAt, batches };
    await appendHandedOff(openBroker(parts), [append], 5_000);
    return fetchFrom(openBroker(parts), 40);
  };

  it("is appended while its item would still be there", async () => {
    expect(await handedOff(2)).toMatchObject({ highWatermark: 61 });
  });

  it("is given up where it may be in a segment, which could not tell", async () => {
    expect(await handedOff(20)).toMatchObject({ highWatermark: 60 });
  });
});

describe("a topic that wants few entries in its indexes", () => {
  it("gets enough of them for what a reader reads at a time", () => {
    expect(retentionTerms({ "index.interval.bytes": String(2 ** 31 - 1) }).indexIntervalBytes).toBe(2 ** 20);
    expect(retentionTerms({}).indexIntervalBytes).toBe(4096);
  });
});
