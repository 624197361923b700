import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LogItem } from "../../../shared/log/log-item.ts";
import { locallyRetainedFrom } from "../../../shared/log/retention.ts";
import {
  expiresAt,
  isDue,
  MAX_TIERING_LAG_MS,
  RESCUE_MS,
  rescued,
  SEAL_WITHIN_MS,
  TIERING_ROOM_MS,
} from "../../../shared/log/retention-expiry.ts";
import { type RetentionTerms, retentionTerms } from "../../../shared/log/retention-terms.ts";
import { coveringSegments } from "../../../shared/log/segment/covering-segments.ts";
import type { SegmentMetadata } from "../../../shared/log/segment/segment-metadata.ts";
import { beginCopy, finishCopy } from "../../../shared/log/segment/segment-state.ts";
import { sealReason } from "../../../shared/log/segment/tiering-plan.ts";
import { initialTieringState, type TieringState, tieringLagMs } from "../../../shared/log/segment/tiering-state.ts";
import { item } from "../../contract/log-items.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = 1_700_000_000_000;
const LOG = "topic#0";

const terms = (configs: Record<string, string> = {}) =>
  retentionTerms({ "local.retention.ms": String(DAY_MS), ...configs });
const state = (change: Partial<TieringState> = {}) => ({ ...initialTieringState(LOG, 0, NOW), ...change });

describe("the TTL of a new item", () => {
  it("leaves the room for tiering behind local.retention.ms", () => {
    expect(expiresAt(NOW, NOW, terms(), state())).toBe((NOW + DAY_MS + TIERING_ROOM_MS) / 1000);
    expect(expiresAt(NOW, NOW, terms({ "local.retention.ms": "-2" }), state())).toBe(
      (NOW + 7 * DAY_MS + TIERING_ROOM_MS) / 1000,
    );
  });

  it("is none while tiering is behind, nothing is known of it, or what is known is from the future", () => {
    expect(expiresAt(NOW, NOW, terms(), undefined)).toBeUndefined();
    expect(expiresAt(NOW, NOW, terms(), state({ caughtUpAt: NOW - MAX_TIERING_LAG_MS }))).toBeDefined();
    expect(expiresAt(NOW, NOW, terms(), state({ caughtUpAt: NOW - MAX_TIERING_LAG_MS - 1 }))).toBeUndefined();
    expect(expiresAt(NOW, NOW, terms(), state({ caughtUpAt: NOW + HOUR_MS }))).toBeUndefined();
  });

  it("is none for records from the future, and where all is kept hot", () => {
    expect(expiresAt(NOW, NOW + 2 * DAY_MS, terms(), state())).toBeUndefined();
    const forGood = { "local.retention.ms": "-1", "retention.ms": "-1" };
    expect(expiresAt(NOW, NOW, terms(forGood), state())).toBeUndefined();
    expect(
      expiresAt(NOW, NOW, terms({ "local.retention.ms": "9223372036854775807", "retention.ms": "-1" }), state()),
    ).toBeUndefined();
  });
});

describe("an item is due to be tiered", () => {
  const due = (change: Partial<LogItem>, configs: Record<string, string> = {}, now = NOW) =>
    isDue(item(0, change), terms(configs), now);
  const later = (NOW + 30 * DAY_MS) / 1000;

  it("when its records are as old as segment.ms or local.retention.ms say, and after three days at the latest", () => {
    expect(due({ maxTimestamp: NOW - DAY_MS + 1, expiresAt: later })).toBe(false);
    expect(due({ maxTimestamp: NOW - DAY_MS, expiresAt: later })).toBe(true);
    expect(due({ maxTimestamp: NOW - HOUR_MS, expiresAt: later }, { "segment.ms": String(HOUR_MS) })).toBe(true);
    expect(due({ maxTimestamp: NOW - SEAL_WITHIN_MS + 1, expiresAt: later }, { "local.retention.ms": "-2" })).toBe(
      false,
    );
    expect(due({ maxTimestamp: NOW - SEAL_WITHIN_MS, expiresAt: later }, { "local.retention.ms": "-2" })).toBe(true);
    const compacted = { "cleanup.policy": "compact", "max.compaction.lag.ms": String(HOUR_MS) };
    expect(due({ maxTimestamp: NOW - HOUR_MS, expiresAt: later }, compacted)).toBe(true);
  });

  it("when its TTL leaves no more than the room, whatever its records claim", () => {
    const expiry = (NOW + TIERING_ROOM_MS) / 1000;
    expect(due({ maxTimestamp: NOW + DAY_MS / 2, expiresAt: expiry })).toBe(true);
    expect(due({ maxTimestamp: NOW + DAY_MS / 2, expiresAt: expiry + 1 })).toBe(false);
  });

  it("when it has no TTL though the topic's items have one", () => {
    expect(due({ maxTimestamp: NOW })).toBe(true);
    const forGood = { "local.retention.ms": "-1", "retention.ms": "-1" };
    expect(due({ maxTimestamp: NOW }, forGood)).toBe(false);
    expect(due({ maxTimestamp: -1 }, forGood)).toBe(true);
    expect(due({ maxTimestamp: NOW + 2 * DAY_MS }, forGood)).toBe(true);
    expect(due({ maxTimestamp: NOW - SEAL_WITHIN_MS }, forGood)).toBe(true);
  });
});

describe("an item that must stay", () => {
  it("is put again without its TTL when that comes near", () => {
    const near = item(5, { expiresAt: (NOW + RESCUE_MS) / 1000 });
    expect(rescued(near, 5, NOW)).toEqual(item(5));
    expect(rescued(near, 6, NOW)).toBeUndefined();
    expect(rescued({ ...near, expiresAt: near.expiresAt! + 1 }, 5, NOW)).toBeUndefined();
    expect(rescued(item(5), 5, NOW)).toBeUndefined();
  });
});

interface Weather {
  /** Hours that pass before each step. */
  readonly hours: number;
  readonly does: "append" | "upkeep" | "config";
  /** Whether a copy succeeds in this step. */
  readonly canCopy: boolean;
  /** How far the records' time is from the clock, in hours. */
  readonly lead: number;
  /** Days of local.retention.ms from here on. */
  readonly localDays: number;
  /** Hours by which the writer's view of the state and the configs is old. */
  readonly staleHours: number;
}

const arbitraryWeather: fc.Arbitrary<Weather> = fc.record({
  hours: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 23 })),
  does: fc.constantFrom("append", "append", "upkeep", "upkeep", "config"),
  canCopy: fc.boolean(),
  lead: fc.oneof(fc.constant(0), fc.integer({ min: -1_000, max: 1_000 })),
  localDays: fc.constantFrom(0, 1, 4, 30),
  staleHours: fc.constantFrom(0, 0, 1),
});

/** A partition's hot log, its writers and its upkeep, under a store that deletes an item the moment its TTL ends: no store may do worse. */
class Upkeep {
  now = NOW;
  hot: LogItem[] = [];
  segments: SegmentMetadata[] = [];
  state = initialTieringState(LOG, 0, NOW);
  local = 1;
  logEndOffset = 0;
  lastUpkeepAt = NOW;
  readonly #before: { readonly at: number; readonly state: TieringState; readonly local: number }[] = [];

  get terms(): RetentionTerms {
    return retentionTerms({ "retention.ms": "-1", "local.retention.ms": String(this.local * DAY_MS) });
  }

  pass(hours: number): void {
    this.now += hours * HOUR_MS;
    this.hot = this.hot.filter(({ expiresAt: expiry }) => expiry === undefined || expiry * 1000 > this.now);
  }

  append(lead: number, staleHours: number): void {
    const seen = this.#before.findLast(({ at }) => at <= this.now - staleHours * HOUR_MS) ?? {
      local: this.local,
      state: initialTieringState(LOG, 0, NOW),
    };
    const maxTimestamp = Math.max(0, this.now + lead * HOUR_MS);
    const seenTerms = retentionTerms({ "retention.ms": "-1", "local.retention.ms": String(seen.local * DAY_MS) });
    const expiry = expiresAt(this.now, maxTimestamp, seenTerms, seen.state);
    const last = this.hot.at(-1)?.maxTimestampSoFar ?? -1;
    this.hot.push(
      item(this.logEndOffset++, {
        maxTimestamp,
        maxTimestampSoFar: Math.max(last, maxTimestamp),
        ...(expiry === undefined ? {} : { expiresAt: expiry }),
      }),
    );
  }

  run(canCopy: boolean): void {
    const { now } = this;
    this.lastUpkeepAt = now;
    const untiered = this.hot.filter(({ baseOffset }) => baseOffset >= this.state.tieredEndOffset);
    const first = untiered[0];
    const isSealed = first === undefined || sealReason({ first, bytes: 0 }, this.terms, now) === undefined;
    if (!isSealed && canCopy) this.#copy(untiered);
    const cover = coveringSegments(this.segments, 0);
    const tieredEndOffset = (cover.at(-1)?.toOffset ?? -1) + 1;
    const lastItemOffset = Math.max(0, this.logEndOffset - 1);
    const bounds = { logStartOffset: 0, localLogStartOffset: this.state.localLogStartOffset, lastItemOffset };
    this.state = {
      ...this.state,
      tieredEndOffset,
      localLogStartOffset: locallyRetainedFrom(cover, 0, bounds, this.terms, now),
      caughtUpAt: isSealed || canCopy ? now : this.state.caughtUpAt,
    };
    this.#before.push({ at: now, state: this.state, local: this.local });
    const isLate = tieringLagMs(this.state, now) > MAX_TIERING_LAG_MS;
    const start = this.state.localLogStartOffset;
    const looked = this.hot.filter(({ lastOffset }) => lastOffset >= start).slice(0, isLate ? undefined : 1);
    for (const one of looked) {
      const kept = rescued(one, start, now);
      if (kept !== undefined) this.hot = this.hot.map((other) => (other === one ? kept : other));
    }
  }

  #copy(untiered: readonly LogItem[]): void {
    const baseOffset = untiered[0]!.baseOffset;
    const expiries = untiered.flatMap(({ expiresAt: expiry }) => (expiry === undefined ? [] : [expiry * 1000]));
    const started = beginCopy({
      log: LOG,
      segmentId: `id${baseOffset}`,
      baseOffset,
      startedAt: this.now,
      brokerId: 1,
      committedIn: 0,
    });
    const content = {
      lastOffset: untiered.at(-1)!.lastOffset,
      sizeInBytes: 100,
      recordCount: untiered.length,
      firstTimestamp: untiered[0]!.maxTimestamp,
      maxTimestamp: Math.max(...untiered.map(({ maxTimestamp }) => maxTimestamp)),
      leaderEpochs: [],
      indexSizes: { offsetIndex: 0, timeIndex: 0, producerSnapshot: 10, leaderEpochCheckpoint: 4, itemObjects: 0 },
      ...(expiries.length === 0 ? {} : { hotUntil: Math.min(...expiries) }),
    };
    this.segments.push(finishCopy(started, content, this.now));
  }
}

describe("TTL never outruns tiering", () => {
  const run = (weather: readonly Weather[], check: (log: Upkeep) => void) => {
    const log = new Upkeep();
    for (const { hours, does, canCopy, lead, localDays, staleHours } of weather) {
      log.pass(hours);
      // The upkeep runs at least every RESCUE_MS, whether it can copy or not.
      if (log.now - log.lastUpkeepAt > 24 * HOUR_MS) log.run(canCopy);
      if (does === "append") log.append(lead, staleHours);
      if (does === "upkeep") log.run(canCopy);
      if (does === "config") log.local = localDays;
      check(log);
    }
    return log;
  };

  it("every offset is in a segment or hot, where readers look for it, and the last item stays: whatever fails, however configs change", () => {
    fc.assert(
      fc.property(fc.array(arbitraryWeather, { minLength: 20, maxLength: 120 }), (weather) => {
        run(weather, ({ hot, state: { localLogStartOffset, tieredEndOffset }, logEndOffset }) => {
          const offsets = new Set(hot.map(({ baseOffset }) => baseOffset));
          expect(localLogStartOffset).toBeLessThanOrEqual(tieredEndOffset);
          for (let offset = localLogStartOffset; offset < logEndOffset; offset++) expect(offsets).toContain(offset);
        });
      }),
      { numRuns: 400, endOnFailure: false },
    );
  });

  it("hot items do go in the end, while upkeep runs", () => {
    const log = new Upkeep();
    for (let hour = 0; hour < 24 * 40; hour++) {
      log.pass(1);
      log.append(0, 0);
      if (hour % 6 === 0) log.run(true);
    }
    expect(log.logEndOffset).toBe(960);
    expect(log.hot.length).toBeLessThan(24 * 9);
    expect(log.state.localLogStartOffset).toBeGreaterThan(960 - 24 * 8);
  });

  it("without any upkeep nothing goes for as long as the room is, and within a day writers stop to set a TTL", () => {
    const log = new Upkeep();
    for (let hour = 0; hour < 24 * 3; hour++) {
      log.pass(1);
      log.append(0, 0);
      log.run(true);
    }
    const died = log.now;
    for (let hour = 1; hour < TIERING_ROOM_MS / HOUR_MS; hour++) {
      log.pass(1);
      log.append(0, 0);
      expect(log.hot.at(-1)!.expiresAt === undefined).toBe(hour > MAX_TIERING_LAG_MS / HOUR_MS);
    }
    const untiered = log.hot.filter(({ baseOffset }) => baseOffset >= log.state.tieredEndOffset);
    expect(untiered).toHaveLength(log.logEndOffset - log.state.tieredEndOffset);
    expect(log.now).toBe(died + TIERING_ROOM_MS - HOUR_MS);
  });
});
