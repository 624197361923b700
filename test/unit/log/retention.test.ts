import { describe, expect, it } from "vitest";
import { locallyRetainedFrom, retainedFrom } from "../../../shared/log/retention.ts";
import { LOCAL_MARGIN_MS } from "../../../shared/log/retention-expiry.ts";
import { retentionTerms } from "../../../shared/log/retention-terms.ts";
import { coveringSegments } from "../../../shared/log/segment/covering-segments.ts";
import { NOW, segment } from "./segment/segments.ts";

const DAY_MS = 86_400_000;
const at = (ageDays: number, sizeInBytes = 1_000, hotUntil?: number) => ({
  maxTimestamp: NOW - ageDays * DAY_MS,
  sizeInBytes,
  ...(hotUntil === undefined ? {} : { hotUntil }),
});
const cover = (...contents: readonly ReturnType<typeof at>[]) =>
  coveringSegments(
    contents.map((content, index) => segment(`s${index}`, index * 100, index * 100 + 99, {}, content)),
    0,
  );
const bounds = { logStartOffset: 0, localLogStartOffset: 0, lastItemOffset: 10_000 };

describe("retention", () => {
  const from = (segments: ReturnType<typeof cover>, configs: Record<string, string>, hotBytes = 0, change = {}) =>
    retainedFrom(segments, hotBytes, { ...bounds, ...change }, retentionTerms(configs), NOW);

  it("lets whole segments go that are older than retention.ms, up to the first that is not", () => {
    const segments = cover(at(9), at(7), at(3), at(9));
    expect(from(segments, { "retention.ms": String(7 * DAY_MS) })).toBe(200);
    expect(from(segments, { "retention.ms": String(10 * DAY_MS) })).toBe(0);
    expect(from(segments, { "retention.ms": "-1" })).toBe(0);
    expect(from(segments, { "retention.ms": "0" })).toBe(400);
  });

  it("lets segments go without which the log, its hot end included, has no less than retention.bytes", () => {
    const segments = cover(at(0, 1_000), at(0, 500), at(0, 1_000));
    const keep = (bytes: number) => ({ "retention.ms": "-1", "retention.bytes": String(bytes) });
    expect(from(segments, keep(2_500))).toBe(0);
    expect(from(segments, keep(1_500))).toBe(100);
    expect(from(segments, keep(1_501))).toBe(0);
    expect(from(segments, keep(1_400), 399)).toBe(100);
    expect(from(segments, keep(1_400), 400)).toBe(200);
  });

  it("lets nothing go where records are only compacted", () => {
    expect(from(cover(at(9)), { "cleanup.policy": "compact", "retention.ms": "1" })).toBe(0);
    expect(from(cover(at(9)), { "cleanup.policy": "compact,delete", "retention.ms": "1" })).toBe(100);
  });

  it("never moves the log's start back, nor past the last committed item", () => {
    const segments = cover(at(9), at(9));
    expect(from(segments, {}, 0, { logStartOffset: 150, localLogStartOffset: 150 })).toBe(200);
    expect(from(segments, { "retention.ms": "-1" }, 0, { logStartOffset: 150 })).toBe(150);
    expect(from(segments, {}, 0, { lastItemOffset: 170 })).toBe(170);
  });
});

describe("local retention", () => {
  const from = (segments: ReturnType<typeof cover>, configs: Record<string, string>, hotBytes = 0, change = {}) =>
    locallyRetainedFrom(
      segments,
      hotBytes,
      { ...bounds, ...change },
      retentionTerms({ "retention.ms": "-1", ...configs }),
      NOW,
    );

  it("leaves to their segments what is older than local.retention.ms, or more than local.retention.bytes", () => {
    const segments = cover(at(9), at(3), at(1));
    expect(from(segments, { "local.retention.ms": String(2 * DAY_MS) })).toBe(200);
    expect(from(segments, { "local.retention.bytes": "1000" })).toBe(200);
    expect(from(segments, { "local.retention.bytes": "1000" }, 1_000)).toBe(300);
    expect(from(segments, {})).toBe(0);
  });

  it("leaves to its segment what DynamoDB may soon delete, wherever it stands", () => {
    const near = NOW + LOCAL_MARGIN_MS;
    expect(from(cover(at(0), at(0, 1_000, near), at(0)), {})).toBe(200);
    expect(from(cover(at(0), at(0, 1_000, near + 1), at(0)), {})).toBe(0);
  });

  it("does not go past the last committed item, nor back, nor below the log's start", () => {
    const segments = cover(at(9), at(9));
    const day = { "local.retention.ms": String(DAY_MS) };
    expect(from(segments, day, 0, { lastItemOffset: 199 })).toBe(199);
    expect(from(segments, {}, 0, { localLogStartOffset: 120 })).toBe(120);
    expect(from(segments, {}, 0, { logStartOffset: 130 })).toBe(130);
  });
});

it("terms are read from configs as Kafka has them", () => {
  expect(retentionTerms({})).toMatchObject({
    segmentBytes: 2 ** 30,
    indexBytes: 10 * 2 ** 20,
    indexIntervalBytes: 4096,
    isDeleted: true,
    isCompacted: false,
    retentionMs: 7 * DAY_MS,
    retentionBytes: Number.POSITIVE_INFINITY,
    localRetentionMs: 7 * DAY_MS,
    localRetentionBytes: Number.POSITIVE_INFINITY,
    minCleanableDirtyRatio: 0.5,
    deleteRetentionMs: DAY_MS,
  });
  const local = retentionTerms({
    "retention.ms": "1000",
    "local.retention.ms": "5000",
    "cleanup.policy": "compact, delete",
  });
  expect(local).toMatchObject({ localRetentionMs: 1_000, isDeleted: true, isCompacted: true });
});
