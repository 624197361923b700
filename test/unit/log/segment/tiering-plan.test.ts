import { describe, expect, it } from "vitest";
import { logKey } from "../../../../shared/log/log-item.ts";
import { retentionTerms } from "../../../../shared/log/retention-terms.ts";
import {
  ORPHANED_AFTER_MS,
  orphanedKeys,
  readSegmentKey,
  segmentKeys,
  segmentPrefix,
} from "../../../../shared/log/segment/segment-keys.ts";
import type { SegmentMetadata } from "../../../../shared/log/segment/segment-metadata.ts";
import {
  beginCopy,
  beginDelete,
  finishCopy,
  withoutItemObjects,
} from "../../../../shared/log/segment/segment-state.ts";
import {
  COPY_ABANDONED_MS,
  copyUnderWay,
  estimateBytes,
  fillsSegment,
  isTaken,
  SUPERSEDED_KEPT_MS,
  sealableItems,
  sealReason,
  segmentsWithIdleObjects,
  takesItemObjects,
  unneededSegments,
} from "../../../../shared/log/segment/tiering-plan.ts";
import { item } from "../../../contract/log-items.ts";
import { NOW, segment } from "./segments.ts";

const HOUR_MS = 3_600_000;
const named = (segments: readonly { readonly segmentId: string }[]) => segments.map(({ segmentId }) => segmentId);
const withObjects = {
  indexSizes: { offsetIndex: 8, timeIndex: 12, producerSnapshot: 10, leaderEpochCheckpoint: 8, itemObjects: 40 },
};

describe("a stretch of the hot log is sealed", () => {
  const terms = retentionTerms({
    "segment.bytes": "1048576",
    "local.retention.bytes": "5000000",
    "retention.bytes": "9000000",
  });
  const first = item(0, { maxTimestamp: NOW, expiresAt: (NOW + 14 * 24 * HOUR_MS) / 1000 });

  it("when it fills a segment, is more than is to be hot, or old enough, and not before", () => {
    expect(sealReason({ first, bytes: 1_048_575 }, terms, NOW)).toBeUndefined();
    expect(sealReason({ first, bytes: 1_048_576 }, terms, NOW)).toBe("size");
    const large = { ...terms, segmentBytes: 2 ** 30 };
    expect(sealReason({ first, bytes: 5_000_000 }, large, NOW)).toBeUndefined();
    expect(sealReason({ first, bytes: 5_000_001 }, large, NOW)).toBe("local-bytes");
    expect(sealReason({ first, bytes: 0 }, terms, NOW + 3 * 24 * HOUR_MS)).toBe("age");
  });

  it("from where the last segment ends up to the highWatermark, without what is debris, missing, or the end of the log", () => {
    const at = (offsets: readonly number[], highWatermark: number, from = 2) =>
      [
        ...sealableItems(
          offsets.map((offset) => item(offset)),
          from,
          highWatermark,
        ),
      ].map(({ baseOffset }) => baseOffset);
    expect(at([0, 1, 2, 3, 4], 4)).toEqual([2, 3]);
    expect(at([2, 4], 9)).toEqual([2]);
    expect(at([3], 9)).toEqual([]);
    const long = item(2, { lastOffset: 5 });
    expect([...sealableItems([long], 2, 5)]).toEqual([]);
    expect([...sealableItems([long, item(3), item(6)], 2, 9)].map(({ baseOffset }) => baseOffset)).toEqual([2, 6]);
    const end = item(3, { payload: { kind: "end-of-log" } });
    expect([...sealableItems([item(2), end], 2, 9)]).toEqual([item(2)]);
  });

  it("by an estimate of its bytes", () => {
    expect(
      estimateBytes(
        [
          { offsets: 10, bytes: 1_000 },
          { offsets: 30, bytes: 1_000 },
        ],
        1_000,
      ),
    ).toBe(50_000);
    expect(estimateBytes([], 1_000)).toBe(0);
  });

  it("by one run at a time, unless the other has been at it for too long", () => {
    const copying = segment("a", 100, 199, { state: "COPY_SEGMENT_STARTED", startedAt: NOW });
    expect(copyUnderWay([copying], 100, NOW + COPY_ABANDONED_MS - 1)).toEqual(copying);
    expect(copyUnderWay([copying], 100, NOW + COPY_ABANDONED_MS)).toBeUndefined();
    // One that says when it is done or has given up is not waited for any longer.
    const expected = { ...copying, expectedBy: NOW + 60_000 };
    expect(copyUnderWay([expected], 100, NOW + 59_999)).toEqual(expected);
    expect(copyUnderWay([expected], 100, NOW + 60_000)).toBeUndefined();
    expect(copyUnderWay([copying], 101, NOW)).toBeUndefined();
    expect(copyUnderWay([{ ...copying, compactedThrough: 300 }], 100, NOW)).toBeUndefined();
  });

  it("is left to who registered it first, unless that was in an earlier epoch, or is nobody's any more", () => {
    const own = segment("m", 100, 199, { state: "COPY_SEGMENT_STARTED", committedIn: 3, startedAt: NOW });
    const other = (change: Partial<SegmentMetadata>) => isTaken(own, [own, { ...own, segmentId: "z", ...change }], NOW);
    expect(other({ startedAt: NOW - 1 })).toBe(true);
    expect(other({ startedAt: NOW + 1 })).toBe(false);
    expect([other({ segmentId: "a" }), other({ segmentId: "z" })]).toEqual([true, false]);
    expect(other({ startedAt: NOW - 1, state: "COPY_SEGMENT_FINISHED" })).toBe(true);
    expect(other({ startedAt: NOW - 1, state: "DELETE_SEGMENT_STARTED" })).toBe(false);
    expect(other({ startedAt: NOW - COPY_ABANDONED_MS })).toBe(false);
    expect(other({ startedAt: NOW - 1, committedIn: 2 })).toBe(false);
    expect(other({ startedAt: NOW - 1, baseOffset: 101 })).toBe(false);
    expect(other({ startedAt: NOW - 1, compactedThrough: 300 })).toBe(false);
  });
});

describe("a segment goes", () => {
  const context = { logStartOffset: 0, localLogStartOffset: 0, now: NOW };

  it("when its deletion was begun, and when its copy was abandoned", () => {
    const deleting = segment("d", 0, 9, { state: "DELETE_SEGMENT_STARTED" });
    const copying = segment("c", 10, 19, { state: "COPY_SEGMENT_STARTED", startedAt: NOW });
    expect(named(unneededSegments([deleting, copying], context))).toEqual(["d"]);
    expect(named(unneededSegments([copying], { ...context, now: NOW + COPY_ABANDONED_MS }))).toEqual(["c"]);
  });

  it("when the log begins behind it, and not when it begins within it", () => {
    const segments = [segment("a", 0, 99), segment("b", 100, 199)];
    expect(named(unneededSegments(segments, { ...context, logStartOffset: 99 }))).toEqual([]);
    expect(named(unneededSegments(segments, { ...context, logStartOffset: 100 }))).toEqual(["a"]);
  });

  it("an hour after another took its place", () => {
    const old = segment("a", 0, 99);
    const compacted = segment("k", 0, 99, { compactedThrough: 100, changedAt: NOW });
    const goneAfter = (ms: number) => named(unneededSegments([old, compacted], { ...context, now: NOW + ms }));
    expect(goneAfter(SUPERSEDED_KEPT_MS - 1)).toEqual([]);
    expect(goneAfter(SUPERSEDED_KEPT_MS)).toEqual(["a"]);
  });

  it("not while hot items point to objects that it alone names", () => {
    const old = segment("a", 0, 99, {}, withObjects);
    const compacted = segment("k", 0, 99, { compactedThrough: 100 });
    const from = (localLogStartOffset: number) =>
      named(unneededSegments([old, compacted], { ...context, localLogStartOffset, now: NOW + SUPERSEDED_KEPT_MS }));
    expect(from(99)).toEqual([]);
    expect(from(100)).toEqual(["a"]);
  });

  it("when an unclean election took it out of the log; then its objects may be the new log's", () => {
    const elections = [{ leaderEpoch: 1, keptBelow: 100 }];
    const lost = segment("b", 100, 199, {}, withObjects);
    const unneeded = unneededSegments([segment("a", 0, 99), lost], { ...context, elections });
    expect(named(unneeded)).toEqual(["b"]);
    expect(takesItemObjects(lost, { logStartOffset: 0, localLogStartOffset: 150 })).toBe(false);
    expect(takesItemObjects(lost, { logStartOffset: 200, localLogStartOffset: 150 })).toBe(true);
    expect(takesItemObjects(segment("a", 0, 99), { logStartOffset: 200, localLogStartOffset: 200 })).toBe(false);
  });

  it("not when it lies behind a gap: what is missing may still be copied", () => {
    expect(
      unneededSegments([segment("a", 0, 99), segment("c", 200, 299)], { ...context, now: NOW + 99 * HOUR_MS }),
    ).toEqual([]);
  });
});

it("objects of items go once no hot item is read that points to them, and only once", () => {
  const [old, recent] = [segment("a", 0, 99, {}, withObjects), segment("b", 100, 199, {}, withObjects)];
  const idle = segmentsWithIdleObjects([old, recent, segment("c", 200, 299)], 150);
  expect(named(idle)).toEqual(["a"]);
  expect(segmentsWithIdleObjects([withoutItemObjects(idle[0]!)], 150)).toEqual([]);
});

describe("a segment's states", () => {
  const started = beginCopy({ log: "t#0", segmentId: "s", baseOffset: 5, startedAt: NOW, brokerId: 1, committedIn: 2 });
  const content = segment("s", 5, 9).content!;

  it("follow each other as in KIP-405, each change with a version", () => {
    const finished = finishCopy(started, content, NOW + 1);
    const deleting = beginDelete(finished, NOW + 2);
    expect(
      [started, finished, deleting].map(({ state, version, changedAt }) => [state, version, changedAt - NOW]),
    ).toEqual([
      ["COPY_SEGMENT_STARTED", 1, 0],
      ["COPY_SEGMENT_FINISHED", 2, 1],
      ["DELETE_SEGMENT_STARTED", 3, 2],
    ]);
    expect(beginDelete(started, NOW).version).toBe(2);
    expect(beginDelete(deleting, NOW + 9)).toBe(deleting);
  });

  it("never go back", () => {
    const finished = finishCopy(started, content, NOW + 1);
    expect(() => finishCopy(finished, content, NOW)).toThrow();
    expect(() => finishCopy(beginDelete(started, NOW), content, NOW)).toThrow();
  });
});

describe("the names of a segment's objects", () => {
  const log = logKey("6f9619ff-8b86-d011-b42d-00cf4fc964ff", 3);
  const keys = segmentKeys({ log, baseOffset: 42, startedAt: NOW, segmentId: "AAAAAAAAAAAAAAAAAAAAA-_" });

  it("tell the log, where the segment begins, and how old its copy is", () => {
    expect(keys.log).toBe(`${segmentPrefix(log)}00000000000000000042.0${NOW}.AAAAAAAAAAAAAAAAAAAAA-_.log`);
    expect(readSegmentKey(log, keys.indexes)).toEqual({ segmentId: "AAAAAAAAAAAAAAAAAAAAA-_", startedAt: NOW });
    expect(readSegmentKey(logKey("other", 3), keys.log)).toBeUndefined();
    expect(readSegmentKey(log, `${segmentPrefix(log)}x.log`)).toBeUndefined();
  });

  it("give away those that no registration stands for, when they are old enough", () => {
    const all = [keys.log, keys.indexes, `${segmentPrefix(log)}stray`];
    const orphans = (registered: readonly string[], now: number) => orphanedKeys(log, all, new Set(registered), now);
    expect(orphans([], NOW + ORPHANED_AFTER_MS)).toEqual([]);
    expect(orphans([], NOW + ORPHANED_AFTER_MS + 1)).toEqual([keys.log, keys.indexes]);
    expect(orphans(["AAAAAAAAAAAAAAAAAAAAA-_"], NOW + 9 * HOUR_MS)).toEqual([]);
  });
});

describe("a segment is full", () => {
  const bytes = (baseOffset: number, length: number, count = 1) => ({
    ...item(baseOffset),
    lastOffset: baseOffset + count - 1,
    payload: { kind: "inline" as const, batches: new Uint8Array(length) },
  });

  it("with the item that comes past segment.bytes, as with each that comes past a multiple of it, and with no other", () => {
    const full = Array.from({ length: 100 }, (_, index) => 40 + index).filter((offset) =>
      fillsSegment(bytes(offset, 100), 40, 1_000),
    );
    expect(full).toEqual([49, 59, 69, 79, 89, 99, 109, 119, 129, 139]);
  });

  it("about once for each segment.bytes among writers whose items differ in size", () => {
    let [rung, offset, total] = [0, 7, 0];
    for (let index = 0; index < 3_000; index++) {
      const [length, count] = [100 + ((index * 7_919) % 900), 1 + ((index * 31) % 5)];
      if (fillsSegment(bytes(offset, length, count), 7, 50_000)) rung++;
      offset += count;
      total += length;
    }
    expect(rung).toBeGreaterThan((total / 50_000) * 0.7);
    expect(rung).toBeLessThan((total / 50_000) * 1.4);
  });

  it("not with an item below what is in segments already, and with every one that is as large as a segment", () => {
    expect(fillsSegment(bytes(5, 10_000), 6, 1_000)).toBe(false);
    expect(fillsSegment(bytes(5, 10_000), 5, 1_000)).toBe(true);
    expect(fillsSegment(bytes(6, 10_000), 5, 1_000)).toBe(true);
  });
});
