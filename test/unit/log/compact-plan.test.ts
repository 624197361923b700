import { describe, expect, it } from "vitest";
import { compactionGroups, compactionRound } from "../../../shared/log/compact-plan.ts";
import { type RetentionTerms, retentionTerms } from "../../../shared/log/retention-terms.ts";
import { type CoveredStretch, coveringSegments } from "../../../shared/log/segment/covering-segments.ts";
import type { SegmentContent, SegmentMetadata } from "../../../shared/log/segment/segment-metadata.ts";
import { NOW, segment } from "./segment/segments.ts";

const HOUR_MS = 3_600_000;
const terms = (configs: Record<string, string> = {}) => retentionTerms({ "cleanup.policy": "compact", ...configs });
const hundred = (index: number, change: Partial<SegmentMetadata> = {}, content: Partial<SegmentContent> = {}) =>
  segment(`s${index}`, index * 100, index * 100 + 99, change, content);
const cover = (segments: readonly SegmentMetadata[], logStartOffset = 0) => coveringSegments(segments, logStartOffset);
const ranges = (stretches: readonly CoveredStretch[]) =>
  stretches.map(({ fromOffset, toOffset }) => `${fromOffset}-${toOffset}`);

describe("a round of compaction", () => {
  const round = (
    segments: readonly SegmentMetadata[],
    cleanedOffset: number,
    configs: Record<string, string> = {},
    logStartOffset = 0,
  ) => {
    const found = compactionRound(cover(segments, logStartOffset), cleanedOffset, terms(configs), NOW);
    return found && { ...found, dirty: ranges(found.dirty) };
  };

  it("is due when more than min.cleanable.dirty.ratio is dirty", () => {
    const segments = [0, 1, 2, 3].map((index) => hundred(index));
    expect(round(segments, 200)).toBeUndefined();
    expect(round(segments, 100)).toEqual({ fromOffset: 100, toOffset: 400, dirty: ["100-199", "200-299", "300-399"] });
    expect(round(segments, 200, { "min.cleanable.dirty.ratio": "0.4" })).toMatchObject({
      fromOffset: 200,
      toOffset: 400,
    });
    expect(round(segments, 400, { "min.cleanable.dirty.ratio": "0" })).toBeUndefined();
    expect(round([], 0)).toBeUndefined();
  });

  it("is due, however little is dirty, when that is older than max.compaction.lag.ms", () => {
    const segments = [hundred(0), hundred(1), hundred(2, {}, { firstTimestamp: NOW - HOUR_MS })];
    const late = (ms: number) => round(segments, 200, { "max.compaction.lag.ms": String(ms) });
    expect(late(HOUR_MS)).toBeUndefined();
    expect(late(HOUR_MS - 1)).toMatchObject({ fromOffset: 200, toOffset: 300 });
  });

  it("leaves alone what is newer than min.compaction.lag.ms, and all behind it", () => {
    const at = (age: number) => ({ maxTimestamp: NOW - age });
    const segments = [hundred(0, {}, at(9)), hundred(1, {}, at(3)), hundred(2, {}, at(9))];
    expect(round(segments, 0, { "min.compaction.lag.ms": "5" })).toMatchObject({ toOffset: 100, dirty: ["0-99"] });
    expect(round(segments, 0, { "min.compaction.lag.ms": "10" })).toBeUndefined();
  });

  it("is for compacted topics alone", () => {
    expect(round([hundred(0)], 0, { "cleanup.policy": "delete" })).toBeUndefined();
    expect(round([hundred(0)], 0, { "cleanup.policy": "compact,delete" })).toBeDefined();
  });

  it("begins with the log where what was cleaned is gone, or was taken out of the log", () => {
    expect(round([hundred(0), hundred(1)], 40, {}, 150)).toMatchObject({ fromOffset: 150, dirty: ["150-199"] });
    expect(round([hundred(0)], 900)).toMatchObject({ fromOffset: 0, toOffset: 100 });
  });

  it("goes on where it was interrupted, to the same end, however little there is left to do", () => {
    const done = segment("k", 0, 199, { compactedThrough: 250 });
    const segments = [done, hundred(2), hundred(3)];
    const configs = { "min.cleanable.dirty.ratio": "1" };
    expect(round(segments, 100, configs)).toEqual({ fromOffset: 100, toOffset: 250, dirty: ["100-199", "200-249"] });
    expect(round(segments, 250, configs)).toBeUndefined();
  });
});

describe("the segments that are rewritten together", () => {
  const groups = (
    segments: readonly SegmentMetadata[],
    mapEndOffset: number,
    change: Partial<RetentionTerms> = {},
    logStartOffset = 0,
  ) => compactionGroups(cover(segments, logStartOffset), mapEndOffset, { ...terms(), ...change }).map(ranges);

  it("fill a segment and no more, by bytes, by indexes and by offsets", () => {
    const segments = [0, 1, 2].map((index) => hundred(index));
    expect(groups(segments, 300)).toEqual([["0-99", "100-199", "200-299"]]);
    expect(groups(segments, 300, { segmentBytes: 2_000 })).toEqual([["0-99", "100-199"], ["200-299"]]);
    expect(groups(segments, 300, { segmentBytes: 10 })).toEqual([["0-99"], ["100-199"], ["200-299"]]);
    expect(groups(segments, 300, { indexBytes: 24 })).toEqual([["0-99", "100-199"], ["200-299"]]);
    const far = [segment("a", 0, 99), segment("b", 100, 2 ** 31)];
    expect(groups(far, 2 ** 32)).toEqual([["0-99"], [`100-${2 ** 31}`]]);
  });

  it("are those that the map reaches, the last of them whole", () => {
    const segments = [0, 1, 2].map((index) => hundred(index));
    expect(groups(segments, 100)).toEqual([["0-99"]]);
    expect(groups(segments, 101)).toEqual([["0-99", "100-199"]]);
  });

  it("are none that the same round has done", () => {
    const done = hundred(1, { compactedThrough: 300 });
    expect(groups([hundred(0), done, hundred(2)], 300)).toEqual([["0-99"], ["200-299"]]);
    expect(groups([hundred(0), hundred(1, { compactedThrough: 299 }), hundred(2)], 300)).toEqual([
      ["0-99", "100-199", "200-299"],
    ]);
  });

  it("begin with the first segment, wherever in it the log begins", () => {
    expect(groups([hundred(0), hundred(1)], 200, {}, 50)).toEqual([["0-99", "100-199"]]);
  });
});
