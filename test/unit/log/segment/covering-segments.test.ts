import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  coveringSegments,
  stretchAt,
  stretchReaching,
  tieredEndOffset,
} from "../../../../shared/log/segment/covering-segments.ts";
import type { SegmentMetadata } from "../../../../shared/log/segment/segment-metadata.ts";
import { segment } from "./segments.ts";

const shown = (
  segments: readonly SegmentMetadata[],
  logStartOffset = 0,
  elections?: Parameters<typeof coveringSegments>[2],
) =>
  coveringSegments(segments, logStartOffset, elections).map(
    ({ segment: { segmentId }, fromOffset, toOffset }) => `${segmentId}:${fromOffset}-${toOffset}`,
  );

describe("which segment an offset is read from", () => {
  it("is the one that has it, one behind the other", () => {
    expect(shown([segment("b", 100, 199), segment("a", 0, 99), segment("c", 200, 299)])).toEqual([
      "a:0-99",
      "b:100-199",
      "c:200-299",
    ]);
  });

  it("is none whose copy is not finished, or whose deletion has begun", () => {
    const copying = segment("b", 100, 199, { state: "COPY_SEGMENT_STARTED" });
    const deleting = segment("c", 100, 199, { state: "DELETE_SEGMENT_STARTED" });
    expect(shown([segment("a", 0, 99), copying, deleting])).toEqual(["a:0-99"]);
  });

  it("is none behind a gap, nor before the log's start", () => {
    expect(shown([segment("a", 0, 99), segment("c", 200, 299)])).toEqual(["a:0-99"]);
    expect(shown([segment("c", 200, 299)])).toEqual([]);
    expect(shown([segment("a", 0, 99), segment("b", 100, 199)], 150)).toEqual(["b:150-199"]);
    expect(shown([segment("a", 0, 99)], 100)).toEqual([]);
  });

  it("is the first and longest where two runs copied the same", () => {
    expect(shown([segment("x", 0, 99), segment("y", 0, 149), segment("z", 50, 199)])).toEqual(["y:0-149", "z:150-199"]);
    expect(shown([segment("q", 0, 99), segment("p", 0, 99)])).toEqual(["p:0-99"]);
  });

  it("is one of the fewest that do, where two runs copied beside each other: the others are nobody's any more", () => {
    const one = [segment("a", 0, 24), segment("b", 25, 40), segment("c", 41, 60), segment("d", 61, 80)];
    const other = [segment("p", 0, 25), segment("q", 26, 41), segment("r", 42, 62), segment("s", 63, 80)];
    expect(shown([...one, ...other])).toEqual(["p:0-25", "q:26-41", "r:42-62", "d:63-80"]);
    const arbitrary = fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 30 })), { minLength: 1, maxLength: 15 });
    fc.assert(
      fc.property(arbitrary, (made) => {
        const segments = made.map(([base, length], index) => segment(`s${index}`, base, base + length - 1));
        const from = Math.min(...segments.map(({ baseOffset }) => baseOffset));
        const cover = coveringSegments(segments, from);
        for (const { segment: spared } of cover) {
          const left = cover.map((covered) => covered.segment).filter((each) => each !== spared);
          expect(tieredEndOffset(coveringSegments(left, from), from)).toBeLessThan(tieredEndOffset(cover, from));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("is the one of the later epoch after a failover in the middle of tiering", () => {
    const before = segment("a", 0, 149, { committedIn: 3 });
    const after = segment("b", 100, 199, { committedIn: 4 });
    expect(shown([before, after])).toEqual(["a:0-99", "b:100-199"]);
  });

  it("is the compacted one, and what it does not cover is still its sources'", () => {
    const compacted = segment("k", 0, 199, { compactedThrough: 300 });
    expect(shown([segment("a", 0, 99), segment("b", 100, 249), compacted])).toEqual(["k:0-199", "b:200-249"]);
    const further = segment("l", 100, 149, { compactedThrough: 400 });
    expect(shown([compacted, further])).toEqual(["k:0-99", "l:100-149", "k:150-199"]);
  });

  it("is none that an unclean election took out of the log", () => {
    const elections = [{ leaderEpoch: 5, keptBelow: 120 }];
    const before = [segment("a", 0, 99, { committedIn: 4 }), segment("b", 100, 199, { committedIn: 4 })];
    expect(shown(before, 0, elections)).toEqual(["a:0-99", "b:100-119"]);
    const after = segment("c", 120, 180, { committedIn: 5 });
    expect(shown([...before, after], 0, elections)).toEqual(["a:0-99", "b:100-119", "c:120-180"]);
    expect(shown([segment("d", 130, 199, { committedIn: 4 })], 130, elections)).toEqual([]);
  });

  it("does not depend on the order in which they are listed, leaves no gap and no overlap, and forgets nothing", () => {
    const arbitrary = fc.array(
      fc.record({
        base: fc.nat(60),
        length: fc.integer({ min: 1, max: 30 }),
        through: fc.option(fc.nat(90)),
        committedIn: fc.nat(2),
      }),
      { maxLength: 15 },
    );
    fc.assert(
      fc.property(arbitrary, fc.nat(40), fc.func(fc.nat()), (made, logStartOffset, shuffle) => {
        const segments = made.map(({ base, length, through, committedIn }, index) =>
          segment(`s${index}`, base, base + length - 1, {
            committedIn,
            ...(through === null ? {} : { compactedThrough: through }),
          }),
        );
        const cover = coveringSegments(segments, logStartOffset);
        const shuffled = [...segments].sort((one, other) => shuffle(one.segmentId) - shuffle(other.segmentId));
        expect(coveringSegments(shuffled, logStartOffset)).toEqual(cover);
        let expectedEnd = logStartOffset;
        const has = (offset: number) =>
          segments.filter((one) => one.baseOffset <= offset && one.content!.lastOffset >= offset);
        while (has(expectedEnd).length > 0) expectedEnd++;
        expect(tieredEndOffset(cover, logStartOffset)).toBe(expectedEnd);
        let next = logStartOffset;
        for (const { fromOffset, toOffset, segment: one } of cover) {
          expect(fromOffset).toBe(next);
          expect(toOffset).toBeGreaterThanOrEqual(fromOffset);
          expect(one.baseOffset).toBeLessThanOrEqual(fromOffset);
          expect(one.content.lastOffset).toBeGreaterThanOrEqual(toOffset);
          next = toOffset + 1;
        }
        for (let offset = 0; offset < 100; offset++) {
          const found = stretchAt(cover, offset);
          expect(found !== undefined).toBe(offset >= logStartOffset && offset < expectedEnd);
          const furthest = Math.max(-1, ...has(offset).map(({ compactedThrough }) => compactedThrough ?? -1));
          if (found !== undefined) expect(found.segment.compactedThrough ?? -1).toBe(furthest);
        }
      }),
      { numRuns: 300 },
    );
  });
});

it("a search by timestamp begins in the first segment that reaches it", () => {
  const cover = coveringSegments(
    [
      segment("a", 0, 99, {}, { maxTimestamp: 10 }),
      segment("b", 100, 199, {}, { maxTimestamp: 30 }),
      segment("c", 200, 299, {}, { maxTimestamp: 20 }),
    ],
    0,
  );
  expect(stretchReaching(cover, 11)?.segment.segmentId).toBe("b");
  expect(stretchReaching(cover, 11, 200)?.segment.segmentId).toBe("c");
  expect(stretchReaching(cover, 31)).toBeUndefined();
});
