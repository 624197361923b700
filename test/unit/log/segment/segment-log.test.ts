import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginningOfLog, fold } from "../../../../shared/log/log-state.ts";
import { BATCHES_KEPT, PRODUCERS_KEPT } from "../../../../shared/log/producer-state.ts";
import {
  decodeLeaderEpochCheckpoint,
  encodeLeaderEpochCheckpoint,
  epochsWithin,
} from "../../../../shared/log/segment/leader-epoch-checkpoint.ts";
import { OffsetIndex } from "../../../../shared/log/segment/offset-index.ts";
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
  producerStatesOf,
} from "../../../../shared/log/segment/producer-snapshot.ts";
import { SegmentBuilder } from "../../../../shared/log/segment/segment-builder.ts";
import { indexRange, joinIndexes, splitIndexes } from "../../../../shared/log/segment/segment-indexes.ts";
import { SegmentLog } from "../../../../shared/log/segment/segment-log.ts";
import { segmentParts } from "../../../../shared/log/segment/segment-parts.ts";
import { TimeIndex } from "../../../../shared/log/segment/time-index.ts";
import { wholeBatches } from "../../../../shared/log/segment/whole-batches.ts";
import { arbitraryLog } from "./arbitrary-log.ts";
import { buildSegment, buildSegments, HotLog, LIMITS, record } from "./hot-log.ts";

const NOW = 1_700_000_000_000;
const storageError = expect.objectContaining({ code: "KAFKA_STORAGE_ERROR" });

describe("what stands beside a segment", () => {
  it("tells the producers and the epochs that the fold of the log up to its end has", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, async ({ log, limits }) => {
        const inline = new HotLog(log.items[0]!.baseOffset);
        inline.items.push(...log.items.filter(({ payload }) => payload.kind === "inline"));
        const isContinuous = inline.items.every(
          (item, index) => index === 0 || inline.items[index - 1]!.lastOffset + 1 === item.baseOffset,
        );
        fc.pre(isContinuous && inline.items.length > 0);
        const first = inline.items[0]!.baseOffset;
        const segments = await buildSegments(inline, limits);
        for (const { content, indexes } of segments) {
          const items = inline.items.filter(({ lastOffset }) => lastOffset <= content.lastOffset);
          const state = items.reduce(fold, beginningOfLog(first));
          const producers = producerStatesOf(decodeProducerSnapshot(indexes.producerSnapshot));
          expect(producers).toEqual(
            [...state.producers.values()].map((one) => ({ ...one, batches: one.batches.slice(-1) })),
          );
          const epochs = decodeLeaderEpochCheckpoint(indexes.leaderEpochCheckpoint);
          expect(epochs.filter(({ leaderEpoch }) => leaderEpoch > 0)).toEqual(state.epochs);
        }
        expect(segments.reduce((sum, { content }) => sum + content.recordCount, 0)).toBe(
          inline.items.reduce((sum, item) => sum + item.recordCount, 0),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("forgets the producers that the fold of a log forgets too", async () => {
    const log = new HotLog();
    for (let producerId = 0; producerId < PRODUCERS_KEPT + 3; producerId++) {
      log.append([[record("k", "v", NOW)]], { producerId, producerEpoch: 0, baseSequence: 0 });
    }
    log.append([[record("k", "v", NOW)]], { producerId: 5, producerEpoch: 0, baseSequence: 1 });
    const { indexes } = await buildSegment(log);
    const producers = decodeProducerSnapshot(indexes.producerSnapshot).map(({ producerId }) => producerId);
    expect(producers).toHaveLength(PRODUCERS_KEPT);
    expect([producers[0], producers.at(-1), BATCHES_KEPT]).toEqual([3, 5, 5]);
  });

  it("has an entry of the index for each batch behind index.interval.bytes, and none for the first", async () => {
    const log = new HotLog();
    for (let index = 0; index < 100; index++) log.append([[record("k", "v".repeat(1_000), NOW + index)]]);
    const { indexes, log: bytes } = await buildSegment(log);
    const offsets = new OffsetIndex(0, indexes.offsetIndex);
    const batchBytes = bytes.length / 100;
    expect(offsets.entryCount).toBe(24);
    expect([offsets.offset(0), offsets.position(0)]).toEqual([4, 4 * batchBytes]);
    const times = new TimeIndex(0, indexes.timeIndex);
    expect([times.timestamp(0), times.offset(0)]).toEqual([NOW + 4, 4]);
    expect([times.timestamp(24), times.offset(24)]).toEqual([NOW + 99, 99]);
  });

  it("goes into one object, and comes out of it whole or part by part", async () => {
    const log = new HotLog();
    log.append([[record("k", "v", NOW)]], { asObject: true });
    const { indexes, copied } = await buildSegment(log);
    const { bytes, sizes } = joinIndexes(indexes, copied.itemObjects);
    const split = splitIndexes(bytes, sizes);
    for (const part of ["offsetIndex", "timeIndex", "producerSnapshot", "leaderEpochCheckpoint"] as const) {
      expect(Buffer.compare(split[part], indexes[part])).toBe(0);
      const { start, end } = indexRange(sizes, part);
      expect(Buffer.compare(bytes.subarray(start, end), indexes[part])).toBe(0);
    }
    expect(split.itemObjects).toEqual(["topic/0/0.batches"]);
    expect(splitIndexes(joinIndexes(indexes, []).bytes, { ...sizes, itemObjects: 0 }).itemObjects).toEqual([]);
    expect(() => splitIndexes(bytes.subarray(1), sizes)).toThrowError(storageError);
  });

  it("is refused where it is damaged", () => {
    const entry = { producerId: 1, producerEpoch: 2, lastSequence: 3, lastOffset: 4, offsetDelta: 0, timestamp: NOW };
    const snapshot = encodeProducerSnapshot([entry]);
    expect(decodeProducerSnapshot(snapshot)).toEqual([entry]);
    for (let at = 0; at < snapshot.length; at++) {
      const damaged = Uint8Array.from(snapshot);
      damaged[at]! ^= 1;
      expect(() => decodeProducerSnapshot(damaged)).toThrowError(storageError);
      expect(() => decodeProducerSnapshot(snapshot.subarray(0, at))).toThrowError(storageError);
    }
    for (const text of ["", "1\n0\n", "0\n2\n1 2\n", "0\n1\n1 x\n", "0\n1\n1 2 3\n", "0\n1\n-1 2\n"]) {
      expect(() => decodeLeaderEpochCheckpoint(Buffer.from(text))).toThrowError(storageError);
    }
    for (const length of [7, 9]) expect(() => new OffsetIndex(0, new Uint8Array(length))).toThrowError(storageError);
    for (const length of [8, 13]) expect(() => new TimeIndex(0, new Uint8Array(length))).toThrowError(storageError);
    expect(() => new OffsetIndex(0, new Uint8Array(16))).toThrowError(storageError);
    expect(() => new TimeIndex(0, new Uint8Array(24))).toThrowError(storageError);
  });

  it("has a sequence that wraps as its batch had it", () => {
    const entry = { producerId: 1, producerEpoch: 0, lastSequence: 1, lastOffset: 9, offsetDelta: 3, timestamp: NOW };
    expect(producerStatesOf([entry])[0]!.batches[0]).toMatchObject({ baseSequence: 2 ** 31 - 2, baseOffset: 6 });
  });

  it("tells the epochs of its own stretch", () => {
    const epochs = [1, 4, 7].map((leaderEpoch, index) => ({ leaderEpoch, startOffset: index * 10 }));
    const within = (from: number, to: number) =>
      epochsWithin(epochs, from, to).map(({ leaderEpoch, startOffset }) => `${leaderEpoch}@${startOffset}`);
    expect(within(5, 9)).toEqual(["1@5"]);
    expect(within(5, 10)).toEqual(["1@5", "4@10"]);
    expect(within(10, 30)).toEqual(["4@10", "7@20"]);
    expect(decodeLeaderEpochCheckpoint(encodeLeaderEpochCheckpoint(epochs))).toEqual(epochs);
    expect(decodeLeaderEpochCheckpoint(encodeLeaderEpochCheckpoint([]))).toEqual([]);
  });
});

describe("a segment's log", () => {
  const write = async (
    log: HotLog,
    builder = new SegmentBuilder({ baseOffset: 0, producers: [], epochs: [] }, LIMITS),
  ) => {
    const writing = new SegmentLog(builder, log.read);
    let bytes = 0;
    for await (const chunk of writing.write(log.items)) bytes += chunk.length;
    return { bytes, ...writing.copied };
  };

  it("names the objects that are in it, and when the first of its items may be deleted", async () => {
    const log = new HotLog();
    log.append([[record("k", "v", NOW)]], { expiresAt: 2_000 });
    log.append([[record("k", "v", NOW)]], { asObject: true, expiresAt: 1_000 });
    log.append([[record("k", "v", NOW)]], { asObject: true });
    const { itemObjects, hotUntil } = await write(log);
    expect(itemObjects).toEqual(["topic/0/1.batches", "topic/0/2.batches"]);
    expect(hotUntil).toBe(1_000_000);
  });

  it("ends where the log of a deleted topic does", async () => {
    const log = new HotLog();
    log.append([[record("k", "v", NOW)]]);
    log.items.push({ ...log.items[0]!, baseOffset: 1, lastOffset: 1, payload: { kind: "end-of-log" } });
    const { content } = await buildSegment(log);
    expect(content.lastOffset).toBe(0);
  });

  it("is not made of items that are missing, damaged, or not what they say", async () => {
    const damage = async (change: (log: HotLog) => void) => {
      const log = new HotLog();
      log.append([[record("a", "v", NOW)]]);
      log.append([[record("b", "v", NOW), record("c", "v", NOW)]], { asObject: true });
      log.append([[record("d", "v", NOW)]]);
      change(log);
      return write(log);
    };
    const corrupt = { code: "CORRUPT_MESSAGE" };
    await expect(damage(() => undefined)).resolves.toMatchObject({ hotUntil: undefined });
    await expect(damage((log) => log.objects.clear())).rejects.toMatchObject({ code: "KAFKA_STORAGE_ERROR" });
    await expect(damage((log) => log.items.splice(1, 1))).rejects.toMatchObject(corrupt);
    await expect(
      damage((log) => {
        log.items[1] = { ...log.items[1]!, lastOffset: 1 };
      }),
    ).rejects.toMatchObject(corrupt);
    await expect(
      damage((log) => {
        log.items[1] = { ...log.items[1]!, lastOffset: 3 };
      }),
    ).rejects.toMatchObject(corrupt);
    await expect(
      damage((log) => {
        log.items[2] = { ...log.items[2]!, leaderEpoch: 4 };
      }),
    ).rejects.toMatchObject(corrupt);
    await expect(
      damage((log) => {
        log.objects.get("topic/0/1.batches")![70]! ^= 1;
      }),
    ).rejects.toMatchObject(corrupt);
  });

  it("reads objects ahead side by side, a bounded number and amount of them, and none that it does not take", async () => {
    const log = new HotLog();
    for (let index = 0; index < 60; index++)
      log.append([[record("k", "v".repeat(1024 * 1024), NOW)]], { asObject: true });
    let [open, most, requests] = [0, 0, 0];
    const slow = async (pointer: Parameters<typeof log.read>[0]) => {
      requests++;
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return log.read(pointer);
    };
    const builder = new SegmentBuilder(
      { baseOffset: 0, producers: [], epochs: [] },
      { ...LIMITS, segmentBytes: 40 * 1024 * 1024 },
    );
    for await (const _ of new SegmentLog(builder, slow).write(log.items)) expect(open).toBeLessThanOrEqual(16);
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThanOrEqual(16);
    expect(requests).toBe(39);
    expect(builder.sizeInBytes).toBeLessThanOrEqual(40 * 1024 * 1024);
  });

  it("is uploaded in parts of one size, whatever the sizes of its items", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.integer({ min: 1, max: 50 }),
        async (chunks, partBytes) => {
          const parts: Uint8Array[] = [];
          for await (const part of segmentParts(chunks, partBytes)) parts.push(part);
          expect(Buffer.compare(Buffer.concat(parts), Buffer.concat(chunks))).toBe(0);
          for (const part of parts.slice(0, -1)) expect(part).toHaveLength(partBytes);
          if (parts.length > 0) expect(parts.at(-1)!.length).toBeGreaterThan(0);
        },
      ),
    );
  });

  it("is read in whole batches, wherever it was cut", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, fc.integer({ min: 1, max: 5_000 }), async ({ log }, size) => {
        const [segment] = await buildSegments(log);
        const bytes = segment!.log;
        const cut = function* () {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        };
        const read: Uint8Array[] = [];
        for await (const batches of wholeBatches(cut(), 1024 * 1024)) read.push(batches);
        expect(Buffer.compare(Buffer.concat(read), bytes)).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it("is not waited for without end where a batch claims more than there can be", async () => {
    const bytes = Buffer.alloc(100);
    bytes.writeInt32BE(2 ** 30, 8);
    const read = async () => {
      for await (const _ of wholeBatches([bytes, bytes], 1_000)) expect.unreachable();
    };
    await expect(read()).rejects.toMatchObject({ code: "CORRUPT_MESSAGE" });
  });
});
