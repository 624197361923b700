import { describe, expect, it } from "vitest";
import { type GroupBug, type GroupOutcome, simulateGroups } from "./groups.ts";
import { PLANTED_GROUP_BUGS, PLANTED_REGION_GROUP_BUGS } from "./planted-group-bugs.ts";

const STEPS = 40;
const REGIONS = 3;

/** Failures name their seed, to be run again by `npm run sim -- --groups --seed N`. */
const failures = (outcomes: readonly GroupOutcome[], options = "") =>
  outcomes
    .filter(({ broken }) => broken.length > 0)
    .map(({ seed, broken }) => `npm run sim -- --groups${options} --seed ${seed} --steps ${STEPS}: ${broken[0]}`);

async function firstCaught(bug: GroupBug, seeds: number, regionCount = 1): Promise<number | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    const { broken } = await simulateGroups(seed, STEPS, bug, regionCount);
    if (broken.length > 0) return seed;
  }
  return undefined;
}

describe("consumer groups under a seeded scheduler, over stores and processes that fail in every way", () => {
  it("have one owner of each partition, lose no record and take no commit back, for forty seeds", async () => {
    const outcomes: GroupOutcome[] = [];
    for (let seed = 1; seed <= 40; seed++) outcomes.push(await simulateGroups(seed, STEPS));
    expect(failures(outcomes)).toEqual([]);
    const sum = (what: keyof GroupOutcome["counts"]) => outcomes.reduce((total, { counts }) => total + counts[what], 0);
    // The weather was bad enough to matter, and not so bad that nothing happened.
    expect(sum("unanswered")).toBeGreaterThan(2_000);
    expect(sum("answers")).toBeGreaterThan(50_000);
    expect(sum("processed")).toBeGreaterThan(10_000);
    expect(sum("moved")).toBeGreaterThan(5_000);
    expect(sum("fenced")).toBeGreaterThan(100);
    expect(sum("removed")).toBeGreaterThan(1_000);
    expect(sum("resets")).toBeGreaterThan(5);
    expect(sum("deletions")).toBeGreaterThan(5);
    expect(sum("replaced")).toBeGreaterThan(20);
    expect(sum("expired")).toBeGreaterThan(20);
    expect(sum("recreated")).toBeGreaterThan(60);
  });

  it("have one home of several regions that are gone at times, for fifteen seeds", async () => {
    const outcomes: GroupOutcome[] = [];
    for (let seed = 1; seed <= 15; seed++) outcomes.push(await simulateGroups(seed, STEPS, {}, REGIONS));
    expect(failures(outcomes, " --replicas 3")).toEqual([]);
    expect(outcomes.reduce((total, { counts }) => total + counts.outages, 0)).toBeGreaterThan(75);
    expect(outcomes.reduce((total, { counts }) => total + counts.moved, 0)).toBeGreaterThan(1_500);
  });

  it("do the same thing again for the same seed", async () => {
    const [one, again, other] = [await simulateGroups(7, 10), await simulateGroups(7, 10), await simulateGroups(8, 10)];
    expect(again.trace).toEqual(one.trace);
    expect(other.traceHash).not.toBe(one.traceHash);
  });

  for (const [name, bug] of Object.entries(PLANTED_REGION_GROUP_BUGS)) {
    it(`are seen to break over several regions with a planted bug: ${name}`, async () => {
      expect(await firstCaught(bug, 20, REGIONS)).toBeGreaterThan(0);
    });
  }

  for (const [name, bug] of Object.entries(PLANTED_GROUP_BUGS)) {
    it(`are seen to break with a planted bug: ${name}`, async () => {
      expect(await firstCaught(bug, 80)).toBeGreaterThan(0);
    });
  }
});
