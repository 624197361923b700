import { describe, expect, it } from "vitest";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { type Outcome, simulate } from "./simulation.ts";

const STEPS = 30;

/** Failures name their seed, to be run again by `npm run sim -- --seed N`. */
const failures = (outcomes: readonly Outcome[]) =>
  outcomes
    .filter(({ broken }) => broken.length > 0)
    .map(({ seed, broken }) => `npm run sim -- --seed ${seed} --steps ${STEPS}: ${broken[0]}`);

async function simulateSeeds(first: number, count: number, bug?: (typeof PLANTED_BUGS)[string]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let seed = first; seed < first + count; seed++) outcomes.push(await simulate(seed, STEPS, bug));
  return outcomes;
}

describe("the log under a seeded scheduler, over stores that fail in every way", () => {
  it("is consistent for three hundred seeds", async () => {
    const outcomes = await simulateSeeds(1, 300);
    expect(failures(outcomes)).toEqual([]);
    const sum = (count: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + count(outcome), 0);
    // The weather was bad enough to matter, and not so bad that nothing happened.
    expect(sum(({ unknown }) => unknown)).toBeGreaterThan(1_000);
    expect(sum(({ acknowledged }) => acknowledged)).toBeGreaterThan(20_000);
    expect(sum(({ seen }) => seen)).toBeGreaterThan(50_000);
  });

  it("does the same thing again for the same seed", async () => {
    const [one, again, other] = [await simulate(7, STEPS), await simulate(7, STEPS), await simulate(8, STEPS)];
    expect(again.trace).toEqual(one.trace);
    expect(other.traceHash).not.toBe(one.traceHash);
  });

  for (const [name, bug] of Object.entries(PLANTED_BUGS)) {
    it(`catches a planted bug: ${name}`, async () => {
      expect(failures(await simulateSeeds(1, 20, bug)).length).toBeGreaterThan(0);
    });
  }
});
