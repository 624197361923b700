import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
import { tieredEndOffset } from "../../../../shared/log/segment/covering-segments.ts";
import { segmentPrefix } from "../../../../shared/log/segment/segment-keys.ts";
import { decodeRecords } from "../../../../shared/record/decode-batch.ts";
import { batchHeaders } from "../../../../shared/record/read-batch-header.ts";
import type { LogRecord } from "../../../../shared/record/record.ts";
import { HotLog, record } from "./hot-log.ts";
import { LOG, UpkeepRuns } from "./upkeep-runs.ts";

const HOUR_MS = 3_600_000;

type Step =
  | { readonly kind: "append"; readonly key: number; readonly isTombstone: boolean }
  | { readonly kind: "begin"; readonly run: "tier" | "compact" | "clean" }
  | { readonly kind: "go-on"; readonly which: number; readonly steps: number }
  | { readonly kind: "kill"; readonly which: number }
  | { readonly kind: "wait"; readonly hours: number }
  | { readonly kind: "delete-records"; readonly share: number };

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("append" as const), key: fc.nat(12), isTombstone: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("begin" as const),
      run: fc.constantFrom("tier" as const, "compact" as const, "clean" as const),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("go-on" as const),
      which: fc.nat(),
      steps: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("kill" as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), hours: fc.constantFrom(0.1, 0.9, 1.5, 3) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("delete-records" as const),
      share: fc.double({ min: 0, max: 0.7, noNaN: true }),
    }),
  },
);

/** What is in the segments is in the hot log, in order, and the last of each key is its last. Readers find all objects they need. */
async function check(runs: UpkeepRuns, hotRecords: readonly LogRecord[]): Promise<LogRecord[]> {
  const cover = await runs.cover();
  const end = tieredEndOffset(cover, runs.logStartOffset);
  const found: LogRecord[] = [];
  for (const stretch of cover) {
    const bytes = await runs.read(stretch);
    expect(bytes).toBeDefined();
    for (const { header, at } of batchHeaders(bytes!)) {
      const records = decodeRecords(bytes!, at, header);
      found.push(...records.filter(({ offset }) => offset >= stretch.fromOffset && offset <= stretch.toOffset));
    }
  }
  const text = ({ offset, key, value }: LogRecord) =>
    `${offset} ${Buffer.from(key!)} ${value === null ? "-" : Buffer.from(value)}`;
  const expected = hotRecords.filter(({ offset }) => offset >= runs.logStartOffset && offset < end);
  const all = new Set(expected.map(text));
  let before = -1;
  for (const one of found) {
    expect(one.offset).toBeGreaterThan(before);
    expect(all).toContain(text(one));
    before = one.offset;
  }
  const lastOf = (records: readonly LogRecord[]) => new Map(records.map((one) => [String(Buffer.from(one.key!)), one]));
  const lastFound = lastOf(found);
  for (const [key, one] of lastOf(expected)) {
    // A tombstone may be gone, and then all that it deleted is gone before it.
    const there = lastFound.get(key);
    if (one.value !== null || there !== undefined) expect(there && text(there)).toBe(text(one));
  }
  return found;
}

/** Rounds of compaction until all that is in segments is clean. A map of few keys takes many. */
async function compactAll(runs: UpkeepRuns): Promise<void> {
  runs.terms = { ...runs.terms, minCleanableDirtyRatio: 0 };
  const clean = async () => (await runs.registry.readTieringState(LOG))?.cleanedOffset ?? 0;
  for (let round = 0; round < 500; round++) {
    const before = await clean();
    for await (const _ of runs.compact());
    if ((await clean()) === before) return;
  }
}

describe("upkeep that runs twice at once, sleeps, and is killed anywhere", () => {
  it("loses nothing, doubles nothing, and leaves nothing behind", async () => {
    let [compactions, overtaken, tombstonesGone] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitraryStep, { minLength: 30, maxLength: 150 }),
        fc.integer({ min: 300, max: 3_000 }),
        async (steps, segmentBytes) => {
          const hot = new HotLog();
          const runs = new UpkeepRuns(hot, segmentBytes);
          const hotRecords: LogRecord[] = [];
          const append = (key: number, isTombstone: boolean) => {
            const one = record(`k${key}`, isTombstone ? null : `v${hot.logEndOffset}`, 5);
            hotRecords.push({ ...one, offset: hot.logEndOffset });
            hot.append([[one]], { asObject: key % 4 === 0 });
          };
          const open: AsyncGenerator[] = [];
          const goOn = async (which: number, times: number) => {
            const run = open[which % open.length];
            for (let time = 0; run !== undefined && time < times; time++) {
              const isOver = await run.next().then(
                ({ done }) => done === true,
                // What it was reading was deleted under it, after an hour: it fails, and somebody begins anew.
                (error: unknown) => {
                  if (!(error instanceof KafkaError) || error.code !== "CORRUPT_MESSAGE") throw error;
                  overtaken++;
                  return true;
                },
              );
              if (!isOver) continue;
              open.splice(open.indexOf(run), 1);
              return;
            }
          };
          for (const step of steps) {
            if (step.kind === "append") for (let n = 0; n < 5; n++) append((step.key * (n + 1)) % 13, step.isTombstone);
            if (step.kind === "begin" && open.length < 5) open.push(runs[step.run]());
            if (step.kind === "go-on") await goOn(step.which, step.steps);
            if (step.kind === "kill" && open.length > 0) open.splice(step.which % open.length, 1);
            if (step.kind === "wait") runs.now += step.hours * HOUR_MS;
            if (step.kind === "delete-records") {
              const to = Math.floor(tieredEndOffset(await runs.cover(), runs.logStartOffset) * step.share);
              runs.logStartOffset = Math.max(runs.logStartOffset, to);
            }
            if (step.kind === "go-on" || step.kind === "delete-records") await check(runs, hotRecords);
          }
          while (open.length > 0) await goOn(0, 100);
          await check(runs, hotRecords);
          const kept = (await runs.cover()).reduce((sum, { segment }) => sum + segment.content.recordCount, 0);
          if (kept < hotRecords.length) tombstonesGone++;
          compactions += (await runs.segments()).filter(
            ({ compactedThrough }) => compactedThrough !== undefined,
          ).length;
          for (let round = 0; round < 4; round++) {
            runs.now += 5 * HOUR_MS;
            for await (const _ of runs.clean());
            for (let time = 0; time < 200; time++) {
              const before = tieredEndOffset(await runs.cover(), runs.logStartOffset);
              for await (const _ of runs.tier());
              if (tieredEndOffset(await runs.cover(), runs.logStartOffset) === before) break;
            }
            await check(runs, hotRecords);
          }
          await compactAll(runs);
          const compacted = await check(runs, hotRecords);
          expect(new Set(compacted.map(({ key }) => String(Buffer.from(key!)))).size).toBe(compacted.length);
          runs.now += 5 * HOUR_MS;
          for await (const _ of runs.clean());
          const cover = await runs.cover();
          if (hot.items.length > 0) expect(tieredEndOffset(cover, runs.logStartOffset)).toBe(hot.logEndOffset);
          const segments = await runs.segments();
          expect(new Set(segments.map(({ segmentId }) => segmentId))).toEqual(
            new Set(cover.map(({ segment }) => segment.segmentId)),
          );
          expect(await runs.store.listObjects(segmentPrefix(LOG), { maxKeys: 1000 })).toHaveLength(2 * segments.length);
        },
      ),
      { numRuns: 250 },
    );
    // What it is about did happen.
    expect(compactions).toBeGreaterThan(20);
    expect(tombstonesGone).toBeGreaterThan(20);
    expect(overtaken).toBeGreaterThanOrEqual(0);
  }, 60_000);
});
