import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OffsetIndex } from "../../../../shared/log/segment/offset-index.ts";
import { type ReadAheadLimits, SegmentReadAhead } from "../../../../shared/log/segment/read-ahead.ts";
import type { FinishedSegment } from "../../../../shared/log/segment/segment-metadata.ts";
import { beginCopy, finishCopy } from "../../../../shared/log/segment/segment-state.ts";
import { batchHeaders } from "../../../../shared/record/read-batch-header.ts";
import { arbitraryLog } from "./arbitrary-log.ts";
import { type BuiltSegment, buildSegments, HotLog, LIMITS, record } from "./hot-log.ts";

const MIB = 1024 * 1024;
const SMALL: ReadAheadLimits = { firstBytes: 2_000, mostBytes: 8_000, totalBytes: 16_000 };

const finished = (built: BuiltSegment): FinishedSegment => {
  const started = beginCopy({
    log: "topic#0",
    segmentId: `id${built.baseOffset}`,
    baseOffset: built.baseOffset,
    startedAt: 0,
    brokerId: 1,
    committedIn: 0,
  });
  const indexSizes = { offsetIndex: 0, timeIndex: 0, producerSnapshot: 0, leaderEpochCheckpoint: 0, itemObjects: 0 };
  return finishCopy(started, { ...built.content, indexSizes }, 1) as FinishedSegment;
};

/** A reader of segments in memory, that counts its requests. */
class Reader {
  requests = 0;
  largest = 0;
  readonly ahead: SegmentReadAhead;

  constructor(ahead: SegmentReadAhead) {
    this.ahead = ahead;
  }

  fetch(built: BuiltSegment, offset: number, maxBytes: number, mustFit = false) {
    const segment = finished(built);
    const there = this.ahead.take(segment.segmentId, offset, maxBytes, mustFit);
    if (there !== undefined) return there;
    const isNeeded = this.ahead.needsIndex(segment, maxBytes);
    const index = isNeeded ? new OffsetIndex(built.baseOffset, built.indexes.offsetIndex) : undefined;
    const read = this.ahead.plan(segment, index, offset, maxBytes);
    this.requests++;
    this.largest = Math.max(this.largest, read.range.end - read.range.start);
    this.ahead.put(read, built.log.subarray(read.range.start, read.range.end));
    return this.ahead.take(segment.segmentId, offset, maxBytes, mustFit)!;
  }
}

describe("reading segments ahead", () => {
  it("gives a reader from any offset on the log's batches, each once, without a gap", async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryLog,
        fc.integer({ min: 1, max: 9_000 }),
        fc.nat(100),
        async ({ log, limits }, maxBytes, skip) => {
          const segments = await buildSegments(log, limits);
          const reader = new Reader(new SegmentReadAhead(SMALL));
          let offset = Math.min(log.items[0]!.baseOffset + skip, log.logEndOffset - 1);
          const from = offset;
          const read: number[] = [];
          while (offset < log.logEndOffset) {
            const segment = segments.find(({ content }) => content.lastOffset >= offset)!;
            const { slice, nextOffset } = reader.fetch(segment, offset, maxBytes);
            read.push(...batchHeaders(slice).map(({ header }) => header.baseOffset));
            expect(nextOffset).toBeGreaterThan(offset);
            offset = nextOffset;
          }
          const all = segments.flatMap(({ log: bytes }) => batchHeaders(bytes).map(({ header }) => header));
          expect(read).toEqual(all.filter(({ lastOffset }) => lastOffset >= from).map(({ baseOffset }) => baseOffset));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes at most half a request for each MiB, however little its reader takes at a time, and a bounded amount of memory", async () => {
    const log = new HotLog();
    for (let index = 0; index < 600; index++) log.append([[record("k", "v".repeat(60_000), index)]]);
    const [segment] = await buildSegments(log);
    const reader = new Reader(new SegmentReadAhead());
    for (let offset = 0; offset < log.logEndOffset; ) {
      offset = reader.fetch(segment!, offset, MIB).nextOffset;
      expect(reader.ahead.bytesKept).toBeLessThanOrEqual(64 * MIB);
    }
    const mib = segment!.log.length / MIB;
    expect(mib).toBeGreaterThan(30);
    expect(reader.requests / mib).toBeLessThan(0.25);
    expect(reader.largest).toBeLessThanOrEqual(8 * MIB);
  });

  it("forgets what was used longest ago, and never more than it must", async () => {
    const log = new HotLog();
    for (let index = 0; index < 100; index++) log.append([[record("k", "v".repeat(900), index)]]);
    const segments = await buildSegments(log, { ...LIMITS, segmentBytes: 5_000 });
    const reader = new Reader(new SegmentReadAhead({ firstBytes: 6_000, mostBytes: 6_000, totalBytes: 10_000 }));
    const [one, two, three] = segments;
    for (const segment of [one!, two!, one!, three!]) reader.fetch(segment, segment.baseOffset, 100);
    expect(reader.requests).toBe(3);
    expect(reader.ahead.bytesKept).toBeLessThanOrEqual(10_000);
    reader.fetch(one!, one!.baseOffset, 100);
    expect(reader.requests).toBe(3);
    reader.fetch(two!, two!.baseOffset, 100);
    expect(reader.requests).toBe(4);
  });

  it("gives no batch that does not fit where it must, and the first whatever its size otherwise", async () => {
    const log = new HotLog();
    log.append([[record("k", "v".repeat(5_000), 1)]]);
    const [segment] = await buildSegments(log);
    const reader = new Reader(new SegmentReadAhead(SMALL));
    const none = reader.fetch(segment!, 0, 100, true);
    expect([none.slice.length, none.nextOffset]).toEqual([0, 0]);
    expect(reader.fetch(segment!, 0, 100).slice).toHaveLength(segment!.log.length);
  });

  it("does not take fewer bytes than it asked for, nor bytes that are no batches", async () => {
    const log = new HotLog();
    log.append([[record("k", "v", 1)]]);
    const [built] = await buildSegments(log);
    const ahead = new SegmentReadAhead();
    const read = ahead.plan(finished(built!), new OffsetIndex(0, built!.indexes.offsetIndex), 0, 100);
    expect(() => ahead.put(read, built!.log.subarray(1))).toThrowError(
      expect.objectContaining({ code: "KAFKA_STORAGE_ERROR" }),
    );
    const torn = Buffer.from(built!.log);
    torn.writeInt32BE(5, 8);
    expect(() => ahead.put(read, torn)).toThrowError(expect.objectContaining({ code: "CORRUPT_MESSAGE" }));
  });
});
