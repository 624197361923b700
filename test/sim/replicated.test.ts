import { describe, expect, it } from "vitest";
import { PLANTED_REPLICATION_BUGS, PLANTED_UNCLEAN_BUGS } from "./planted-replication-bugs.ts";
import { type ReplicatedOutcome, type ReplicationBug, simulateReplication } from "./replicated.ts";
import type { Outcome } from "./simulation.ts";

const STEPS = 12;
const SEEDS = 60;
/** A planted bug must show itself within so many seeds. */
const MAX_SEEDS = 400;

const LOST = /was acknowledged at \d+, where/;
const UNSEEN = /was seen at \d+, where/;
const DIFFERS = /^in sync, region \d has the log to|^region \d has/;
const OUT_OF_ORDER = /OUT_OF_ORDER_SEQUENCE_NUMBER/;
const UNREADABLE = /cannot be read in the end/;
const OUT_OF_RANGE = /is out of range, though \d+ was acknowledged/;

/**
 * What each planted bug is caught by: an acknowledged record that is lost, or what is as bad. Where a bug needs more steps in
 * a row than seeds come to, replication-scenarios.test.ts has the steps.
 */
const CAUGHT_BY: Readonly<Record<string, readonly RegExp[] | "scenario">> = {
  "a leader that does not seal": "scenario",
  "an own item with a newer stamp that counts as written": "scenario",
  "an in-sync set that grows before the barrier": [LOST],
  "an in-sync set that grows without a new epoch": [LOST, DIFFERS],
  "a join completed without a look at its epoch": "scenario",
  "a barrier that waits for the leader alone": [LOST],
  "a barrier that waits for an older in-sync set": [LOST],
  "a leader and an epoch of two reads": [LOST, UNSEEN, OUT_OF_ORDER],
  "a follower that says that it has what it has not": [LOST, DIFFERS],
  "a follower verified by its offset alone": [LOST],
  "a checkpoint of what is not committed": [LOST],
  "a checkpoint used whatever epoch committed it": "scenario",
  "a highWatermark that is the leader's end": [UNSEEN],
  "a chain read without its links": [LOST, OUT_OF_ORDER, OUT_OF_RANGE, UNREADABLE],
};

/** As CAUGHT_BY, where unclean elections are allowed. */
const UNCLEAN_CAUGHT_BY: Readonly<Record<string, readonly RegExp[]>> = {
  "a checkpoint that outlives an unclean election": [LOST, UNSEEN, DIFFERS, UNREADABLE],
  "acks=all that is answered without a look at who leads": [LOST],
};

/** Failures name their seed, to be run again by `npm run sim -- --replicas 3 --seed N`. */
const failures = (outcomes: readonly Outcome[], flags = "") =>
  outcomes
    .filter(({ broken }) => broken.length > 0)
    .map(({ seed, broken }) => `npm run sim -- --replicas 3${flags} --seed ${seed} --steps ${STEPS}: ${broken[0]}`);

async function simulateSeeds(isUncleanAllowed: boolean): Promise<ReplicatedOutcome[]> {
  const outcomes: ReplicatedOutcome[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) outcomes.push(await simulateReplication(seed, STEPS, {}, isUncleanAllowed));
  return outcomes;
}

const sumOf =
  (outcomes: readonly ReplicatedOutcome[]) =>
  (count: (outcome: ReplicatedOutcome) => number): number =>
    outcomes.reduce((total, outcome) => total + count(outcome), 0);

/** The first violation of one of the kinds, and the seed that shows it. */
async function firstViolation(
  bug: ReplicationBug,
  kinds: readonly RegExp[],
  isUncleanAllowed = false,
): Promise<string | undefined> {
  for (let seed = 1; seed <= MAX_SEEDS; seed++) {
    const { broken } = await simulateReplication(seed, STEPS, bug, isUncleanAllowed);
    const found = broken.find((violation) => kinds.some((kind) => kind.test(violation)));
    if (found !== undefined) return `seed ${seed}: ${found}`;
  }
  return undefined;
}

describe("three regions that crash and are cut off, with elections and a changing in-sync set", () => {
  it(`keep what was acknowledged, and show what stays, for ${SEEDS} seeds`, async () => {
    const outcomes = await simulateSeeds(false);
    expect(failures(outcomes)).toEqual([]);
    const sum = sumOf(outcomes);
    // The weather was bad enough to matter, and not so bad that nothing happened.
    expect(sum(({ unknown }) => unknown)).toBeGreaterThan(3 * SEEDS);
    expect(sum(({ acknowledged }) => acknowledged)).toBeGreaterThan(40 * SEEDS);
    expect(sum(({ seen }) => seen)).toBeGreaterThan(100 * SEEDS);
    expect(sum(({ takenOver }) => takenOver)).toBeGreaterThan(SEEDS / 10);
    // What acks=1 does not promise was lost at times.
    expect(sum(({ lost }) => lost)).toBeGreaterThan(SEEDS / 10);
    expect(sum(({ uncleanElections }) => uncleanElections)).toBe(0);
  });

  it("do the same thing again for the same seed", async () => {
    const run = (seed: number) => simulateReplication(seed, STEPS);
    const [one, again, other] = [await run(7), await run(7), await run(8)];
    expect(again.trace).toEqual(one.trace);
    expect(other.traceHash).not.toBe(one.traceHash);
  });

  it("have every planted bug assigned to what catches it", () => {
    expect(Object.keys(CAUGHT_BY)).toEqual(Object.keys(PLANTED_REPLICATION_BUGS));
  });

  for (const [name, bug] of Object.entries(PLANTED_REPLICATION_BUGS)) {
    const kinds = CAUGHT_BY[name];
    if (kinds === undefined || kinds === "scenario") continue;
    it(`catch a planted bug: ${name}`, async () => {
      expect(await firstViolation(bug, kinds)).toMatch(/^seed \d+: /);
    });
  }
});

describe("the same three regions, where unclean elections are allowed", () => {
  it(`lose only what an earlier epoch had acknowledged before such an election, for ${SEEDS} seeds`, async () => {
    const outcomes = await simulateSeeds(true);
    expect(failures(outcomes, " --unclean")).toEqual([]);
    const sum = sumOf(outcomes);
    expect(sum(({ uncleanElections }) => uncleanElections)).toBeGreaterThan(SEEDS / 2);
    expect(sum(({ lost }) => lost)).toBeGreaterThan(SEEDS);
    expect(sum(({ acknowledged }) => acknowledged)).toBeGreaterThan(40 * SEEDS);
    expect(sum(({ seen }) => seen)).toBeGreaterThan(100 * SEEDS);
  });

  it("have every planted bug assigned to what catches it", () => {
    expect(Object.keys(UNCLEAN_CAUGHT_BY)).toEqual(Object.keys(PLANTED_UNCLEAN_BUGS));
  });

  for (const [name, bug] of Object.entries(PLANTED_UNCLEAN_BUGS)) {
    it(`catch a planted bug: ${name}`, async () => {
      expect(await firstViolation(bug, UNCLEAN_CAUGHT_BY[name]!, true)).toMatch(/^seed \d+: /);
    });
  }
});
