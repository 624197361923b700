import { describe, expect, it } from "vitest";
import { type LogKey, logKey } from "../../shared/log/log-item.ts";
import type { SegmentContent, SegmentMetadata } from "../../shared/log/segment/segment-metadata.ts";
import { beginCopy, beginDelete, finishCopy } from "../../shared/log/segment/segment-state.ts";
import { initialTieringState } from "../../shared/log/segment/tiering-state.ts";
import type { SegmentRegistry } from "../../shared/log/segment-registry.ts";

const NOW = 1_700_000_000_000;

const CONTENT: SegmentContent = {
  lastOffset: 99,
  sizeInBytes: 12_345,
  recordCount: 100,
  firstTimestamp: NOW - 500,
  maxTimestamp: NOW,
  leaderEpochs: [
    { leaderEpoch: 0, startOffset: 0 },
    { leaderEpoch: 3, startOffset: 40 },
  ],
  indexSizes: { offsetIndex: 8, timeIndex: 12, producerSnapshot: 10, leaderEpochCheckpoint: 8, itemObjects: 0 },
  hotUntil: NOW + 1000,
};

/** What every segment registry does. */
export function segmentRegistryContract(name: string, open: () => SegmentRegistry): void {
  describe(`the segment registry on ${name}`, () => {
    const newLog = (partition = 0): LogKey => logKey(crypto.randomUUID(), partition);
    const segment = (log: LogKey, baseOffset: number, segmentId = `id-${baseOffset}`): SegmentMetadata =>
      beginCopy({ log, segmentId, baseOffset, startedAt: NOW, brokerId: 1, committedIn: 0 });
    const places = (found: readonly SegmentMetadata[]) =>
      found.map(({ baseOffset, segmentId }) => `${baseOffset}/${segmentId}`);

    it("gives a segment back in each of its states, as it was put", async () => {
      const [registry, log] = [open(), newLog()];
      const started = segment(log, 0);
      expect(await registry.addSegment(started)).toBe(true);
      expect(await registry.listSegments(log, { limit: 10 })).toEqual([started]);
      const finished = finishCopy(started, CONTENT, NOW + 5);
      expect(await registry.replaceSegment(finished)).toBe(true);
      expect(await registry.listSegments(log, { limit: 10 })).toEqual([finished]);
      const deleting = beginDelete(finished, NOW + 9);
      expect(await registry.replaceSegment(deleting)).toBe(true);
      expect(await registry.listSegments(log, { limit: 10 })).toEqual([deleting]);
      expect(await registry.removeSegment(deleting)).toBe(true);
      expect(await registry.listSegments(log, { limit: 10 })).toEqual([]);
    });

    it("lets one of two finish a copy, and takes the same write twice", async () => {
      const [registry, log] = [open(), newLog()];
      const started = segment(log, 0);
      await registry.addSegment(started);
      expect(await registry.addSegment(started)).toBe(true);
      expect(await registry.addSegment({ ...started, brokerId: 2 })).toBe(false);
      const deleting = beginDelete(started, NOW + 7);
      expect(await registry.replaceSegment(deleting)).toBe(true);
      expect(await registry.replaceSegment(deleting)).toBe(true);
      expect(await registry.replaceSegment(finishCopy(started, CONTENT, NOW + 5))).toBe(false);
      expect(await registry.listSegments(log, { limit: 10 })).toEqual([deleting]);
    });

    it("finishes no copy whose registration is gone", async () => {
      const [registry, log] = [open(), newLog()];
      const started = segment(log, 0);
      await registry.addSegment(started);
      await registry.replaceSegment(beginDelete(started, NOW));
      expect(await registry.removeSegment(started)).toBe(true);
      expect(await registry.replaceSegment(finishCopy(started, CONTENT, NOW))).toBe(false);
      expect(await registry.removeSegment(started)).toBe(true);
      expect(await registry.listSegments(log, { limit: 10 })).toEqual([]);
    });

    it("removes no segment whose deletion has not begun", async () => {
      const [registry, log] = [open(), newLog()];
      await registry.addSegment(segment(log, 0));
      expect(await registry.removeSegment(segment(log, 0))).toBe(false);
      expect(await registry.listSegments(log, { limit: 10 })).toHaveLength(1);
    });

    it("lists a log's segments in order of offset and id, page by page, and no other log's", async () => {
      const [registry, log] = [open(), newLog(7)];
      const topic = log.slice(0, log.lastIndexOf("#"));
      for (const other of [newLog(7), logKey(topic, 70)]) await registry.addSegment(segment(other, 5));
      for (const [offset, id] of [
        [1000, "b"],
        [0, "x"],
        [99, "A"],
        [1000, "-a"],
        [2 ** 53 - 1, "_"],
      ] as const) {
        await registry.addSegment(segment(log, offset, id));
      }
      const all = ["0/x", "99/A", "1000/-a", "1000/b", `${2 ** 53 - 1}/_`];
      expect(places(await registry.listSegments(log, { limit: 1000 }))).toEqual(all);
      const first = await registry.listSegments(log, { limit: 3 });
      expect(places(first)).toEqual(all.slice(0, 3));
      expect(places(await registry.listSegments(log, { limit: 3, after: first[2]! }))).toEqual(all.slice(3));
    });

    it("finds the segments that begin at an offset or below, the highest first", async () => {
      const [registry, log] = [open(), newLog()];
      for (const offset of [0, 100, 200]) await registry.addSegment(segment(log, offset));
      await registry.addSegment(segment(log, 100, "zz"));
      expect(places(await registry.segmentsAtOrBelow(log, 199, 10))).toEqual(["100/zz", "100/id-100", "0/id-0"]);
      expect(places(await registry.segmentsAtOrBelow(log, 200, 1))).toEqual(["200/id-200"]);
      expect(await registry.segmentsAtOrBelow(newLog(), 200, 1)).toEqual([]);
    });

    it("changes a tiering state by compare-and-set", async () => {
      const [registry, log] = [open(), newLog(2)];
      const topic = log.slice(0, log.lastIndexOf("#"));
      expect(await registry.readTieringState(log)).toBeUndefined();
      const first = initialTieringState(log, 0, NOW);
      expect(await registry.writeTieringState({ ...first, version: 2 })).toBe(false);
      expect(await registry.writeTieringState(first)).toBe(true);
      expect(await registry.writeTieringState(first)).toBe(true);
      expect(await registry.writeTieringState({ ...first, caughtUpAt: NOW + 1 })).toBe(false);
      const second = { ...first, version: 2, tieredEndOffset: 10 };
      expect(await registry.writeTieringState(second)).toBe(true);
      expect(await registry.writeTieringState({ ...second, tieredEndOffset: 20 })).toBe(false);
      expect(await registry.readTieringState(log)).toEqual(second);
      const tenth = initialTieringState(logKey(topic, 10), 0, NOW);
      await registry.writeTieringState(tenth);
      expect(await registry.readTieringStates(topic)).toEqual([second, tenth]);
      expect(await registry.readTieringStates(crypto.randomUUID())).toEqual([]);
    });

    it("removes a deleted topic's log, a bounded number at a time, and leaves the others", async () => {
      const [registry, log, other] = [open(), newLog(), newLog()];
      for (const offset of [0, 1, 2]) await registry.addSegment(segment(log, offset));
      await registry.addSegment(segment(other, 0));
      await registry.writeTieringState(initialTieringState(log, 0, NOW));
      expect(await registry.removeLog(log, 2)).toBe(2);
      expect(await registry.readTieringState(log)).toBeDefined();
      expect(await registry.removeLog(log, 2)).toBe(1);
      expect(await registry.readTieringState(log)).toBeUndefined();
      expect(await registry.removeLog(log, 2)).toBe(0);
      expect(await registry.listSegments(other, { limit: 10 })).toHaveLength(1);
    });
  });
}
