import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OFFSET_MAP_BYTES, OffsetMap, offsetMapBytes } from "../../../shared/log/compact-offset-map.ts";
import { decodeRecords } from "../../../shared/record/decode-batch.ts";
import { deleteHorizonOf } from "../../../shared/record/filter-batch.ts";
import { batchHeaders } from "../../../shared/record/read-batch-header.ts";
import type { LogRecord } from "../../../shared/record/record.ts";
import { arbitraryLog } from "./segment/arbitrary-log.ts";
import { compactSegments, type Segment } from "./segment/compact-segments.ts";
import { buildSegments, HotLog, LIMITS, record } from "./segment/hot-log.ts";

const headersOf = (segments: readonly Segment[]) =>
  segments.flatMap(({ log }) => batchHeaders(log).map(({ header, at }) => ({ header, at, log })));
const recordsOf = (segments: readonly Segment[]): LogRecord[] =>
  headersOf(segments).flatMap(({ header, at, log }) => (header.isControl ? [] : decodeRecords(log, at, header)));
const plain = (records: readonly LogRecord[]) =>
  records.map(({ offset, timestamp, key, value, headers }) => ({
    offset,
    timestamp,
    key: key && Buffer.from(key).toString(),
    value: value && Buffer.from(value).toString(),
    headers: headers.length,
  }));

const segmentsOf = (log: HotLog, segmentBytes = 2 ** 30): Promise<Segment[]> =>
  buildSegments(log, { ...LIMITS, segmentBytes });

/** The model: the last record of each key, as it was. */
function lastOfEachKey(records: readonly LogRecord[]): LogRecord[] {
  const last = new Map<string, number>();
  for (const one of records) if (one.key !== null) last.set(Buffer.from(one.key).toString("hex"), one.offset);
  return records.filter((one) => one.key !== null && last.get(Buffer.from(one.key).toString("hex")) === one.offset);
}

describe("compaction of any log", () => {
  it("keeps the last record of each key, where it was, and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, fc.boolean(), async ({ log, limits }, together) => {
        const segments = await segmentsOf(log, limits.segmentBytes);
        const compacted = await compactSegments(segments, { together });
        expect(plain(recordsOf(compacted.segments))).toEqual(plain(lastOfEachKey(recordsOf(segments))));
        expect(compacted.mapEndOffset).toBe(log.logEndOffset);
      }),
      { numRuns: 60 },
    );
  });

  it("leaves each segment its first and last offset, and control batches untouched", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, async ({ log, limits }) => {
        const segments = await segmentsOf(log, limits.segmentBytes);
        const { segments: compacted } = await compactSegments(segments);
        for (const [index, { log: bytes, content }] of compacted.entries()) {
          const { lastOffset } = segments[index]!.content;
          expect(content.lastOffset).toBe(lastOffset);
          expect(batchHeaders(bytes).at(-1)!.header.lastOffset).toBe(lastOffset);
        }
        const controls = (of: readonly Segment[]) =>
          headersOf(of)
            .filter(({ header }) => header.isControl)
            .map(({ header, at, log: bytes }) =>
              Buffer.from(bytes.subarray(at, at + header.sizeInBytes)).toString("hex"),
            );
        expect(controls(compacted)).toEqual(controls(segments));
      }),
      { numRuns: 30 },
    );
  });

  it("comes to the same in as many rounds as a small map takes", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, fc.integer({ min: 20, max: 40 }), async ({ log, limits }, keys) => {
        const before = await segmentsOf(log, limits.segmentBytes);
        let segments: Segment[] = before;
        let cleaned = 0;
        for (let round = 0; cleaned < log.logEndOffset; round++) {
          expect(round).toBeLessThan(30);
          const map = new OffsetMap(keys * 24);
          const done = await compactSegments(segments, { map, dirtyFrom: cleaned });
          expect(map.size).toBeLessThanOrEqual(map.capacity);
          segments = done.segments;
          cleaned = done.mapEndOffset;
        }
        expect(plain(recordsOf(segments))).toEqual(plain(lastOfEachKey(recordsOf(before))));
      }),
      { numRuns: 30 },
    );
  });
});

describe("tombstones", () => {
  const NOW = 1_700_000_000_000;
  const logOf = () => {
    const log = new HotLog();
    log.append([[record("a", "1", NOW), record("b", "1", NOW + 1)]], { compressionType: "zstd" });
    log.append([[record("a", null, NOW + 2), record("c", "1", NOW + 3)]]);
    log.append([[record("z", "1", NOW + 4)]]);
    return log;
  };
  const keys = (segments: readonly Segment[]) => plain(recordsOf(segments)).map(({ key, value }) => `${key}=${value}`);

  it("get a horizon in the round that finds them, and go in one after it", async () => {
    const first = await compactSegments(await segmentsOf(logOf()), { now: NOW, deleteRetentionMs: 1_000 });
    expect(keys(first.segments)).toEqual(["b=1", "a=null", "c=1", "z=1"]);
    const horizons = headersOf(first.segments).map(({ log, at }) => deleteHorizonOf(log, at));
    expect(horizons).toEqual([undefined, NOW + 1_000, undefined]);
    expect(plain(recordsOf(first.segments)).map(({ timestamp }) => timestamp - NOW)).toEqual([1, 2, 3, 4]);
    const early = await compactSegments(first.segments, { now: NOW + 999, deleteRetentionMs: 5 });
    expect(early.segments.map(({ log }) => Buffer.from(log).toString("hex"))).toEqual(
      first.segments.map(({ log }) => Buffer.from(log).toString("hex")),
    );
    const late = await compactSegments(early.segments, { now: NOW + 1_000 });
    expect(keys(late.segments)).toEqual(["b=1", "c=1", "z=1"]);
  });

  it("stay without one where no varint holds the distance to it", async () => {
    const log = new HotLog();
    log.append([[record("a", null, 2 ** 53 - 1)]]);
    const { segments } = await compactSegments(await segmentsOf(log), { now: NOW });
    expect(headersOf(segments).map(({ log: bytes, at }) => deleteHorizonOf(bytes, at))).toEqual([undefined]);
    expect(plain(recordsOf(segments))).toHaveLength(1);
  });

  it("are not touched above what the map knows", async () => {
    const log = new HotLog();
    for (let index = 0; index < 20; index++) log.append([[record(`k${index}`, null, NOW)]]);
    const [segment] = await segmentsOf(log);
    const map = new OffsetMap(24 * 8);
    const { segments, mapEndOffset } = await compactSegments([segment!], { map, now: NOW });
    expect(mapEndOffset).toBe(map.capacity);
    const horizons = headersOf(segments).map(({ log: bytes, at }) => deleteHorizonOf(bytes, at) !== undefined);
    expect(horizons).toEqual(Array.from({ length: 20 }, (_, index) => index < mapEndOffset));
  });
});

describe("batches without records", () => {
  it("stay for the producers that the log knows, with their sequences, until they appended again", async () => {
    const log = new HotLog();
    const one = (key: string, producerId: number, baseSequence: number) =>
      log.append([[record(key, "v", 5)]], { producerId, producerEpoch: 3, baseSequence });
    one("a", 1, 0);
    one("a", 1, 1);
    one("a", 2, 0);
    one("a", 1, 2);
    log.append([[record("a", "last", 6)]]);
    log.append([[record("b", "end", 6)]]);
    const lastOffsets = new Map([
      [1, 3],
      [2, 2],
    ]);
    const { segments } = await compactSegments(await segmentsOf(log), { lastOffsets });
    const found = headersOf(segments).map(({ header }) => [header.baseOffset, header.recordCount, header.lastSequence]);
    expect(found).toEqual([
      [2, 0, 0],
      [3, 0, 2],
      [4, 1, -1],
      [5, 1, -1],
    ]);
    const again = await compactSegments(segments, { lastOffsets: new Map([[2, 2]]) });
    expect(headersOf(again.segments).map(({ header }) => header.baseOffset)).toEqual([2, 4, 5]);
  });

  it("say when a segment ends, though all its records are gone, and have no time", async () => {
    const log = new HotLog();
    log.append([[record("a", "1", 50), record("a", "2", 60)]], { timestampType: "LogAppendTime" });
    log.append([[record("a", "3", 5)]]);
    const segments = await segmentsOf(log, 1);
    expect(segments).toHaveLength(2);
    const { segments: compacted } = await compactSegments(segments);
    expect(compacted[0]!.content).toMatchObject({ lastOffset: 1, maxTimestamp: -1, recordCount: 0 });
    expect(headersOf([compacted[0]!]).map(({ header }) => [header.baseOffset, header.lastOffset])).toEqual([[0, 1]]);
  });
});

describe("compaction", () => {
  it("neither removes nor counts what is in transactions", async () => {
    const log = new HotLog();
    log.append([[record("a", "1", 5)]]);
    log.append([[record("a", "2", 5)]], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true });
    log.append([[record("b", "1", 5)]], { producerId: 1, producerEpoch: 0, baseSequence: 1, isTransactional: true });
    log.append([[record("b", "2", 5)]]);
    const { segments } = await compactSegments(await segmentsOf(log));
    expect(plain(recordsOf(segments)).map(({ key, value }) => `${key}${value}`)).toEqual(["a1", "a2", "b1", "b2"]);
  });

  it("says so when not even one batch fits into the map", async () => {
    const log = new HotLog();
    log.append([[record("a", "1", 5), record("b", "1", 5), record("c", "1", 5)]]);
    await expect(compactSegments(await segmentsOf(log), { map: new OffsetMap(24 * 2) })).rejects.toMatchObject({
      code: "UNKNOWN_SERVER_ERROR",
    });
  });

  it("refuses bytes that are no batches, whatever it was doing", async () => {
    const log = new HotLog();
    log.append([[record("a", "1", 5)]]);
    const [segment] = await segmentsOf(log);
    const torn = { ...segment!, log: segment!.log.subarray(0, -1) };
    await expect(compactSegments([torn])).rejects.toMatchObject({ code: "CORRUPT_MESSAGE" });
    const flipped = Buffer.from(segment!.log);
    flipped[flipped.length - 3]! ^= 1;
    await expect(compactSegments([{ ...segment!, log: flipped }])).rejects.toMatchObject({ code: "CORRUPT_MESSAGE" });
  });
});

describe("the offset map", () => {
  it("is no larger than the keys of so many records need, and has a limit", () => {
    for (const records of [0, 1, 2, 3, 100, 10_000]) {
      const map = new OffsetMap(offsetMapBytes(records));
      for (let key = 0; key < records; key++) expect(map.put(Buffer.from(String(key)), key)).toBe(true);
      expect(offsetMapBytes(records)).toBeLessThanOrEqual(32 * (records + 3));
    }
    expect(offsetMapBytes(2 ** 40)).toBe(OFFSET_MAP_BYTES);
  });

  it("is a map of the last offset of each key, until it is full", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 200 }), (keys) => {
        const map = new OffsetMap(24 * 100);
        const model = new Map<string, number>();
        for (const [offset, key] of keys.entries()) {
          const name = Buffer.from(key).toString("hex");
          const isTaken = model.has(name) || model.size < map.capacity;
          expect(map.put(key, offset)).toBe(isTaken);
          if (isTaken) model.set(name, offset);
        }
        expect(map.size).toBe(model.size);
        for (const key of keys) expect(map.get(key)).toBe(model.get(Buffer.from(key).toString("hex")) ?? -1);
        expect(map.get(Buffer.from("never put"))).toBe(-1);
      }),
      { numRuns: 100 },
    );
  });
});
