import { describe, expect, it } from "vitest";
import { simulateKeptRegions } from "./kept-regions.ts";
import {
  PLANTED_KEPT_REGIONS_BUGS,
  PLANTED_RETENTION_BUGS,
  PLANTED_UNCLEAN_KEPT_REGIONS_BUGS,
} from "./planted-retention-bugs.ts";
import { simulateRetention } from "./retention.ts";

const STEPS = 30;

describe("a log that is kept, under a seeded scheduler", () => {
  it("keeps what Kafka promises, whatever its stores and processes do", { timeout: 120_000 }, async () => {
    let expired = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const outcome = await simulateRetention(seed, STEPS);
      expect({ seed, broken: outcome.broken }).toEqual({ seed, broken: [] });
      expect(outcome.acknowledged).toBeGreaterThan(STEPS);
      expired += outcome.expired;
    }
    // The store really deletes.
    expect(expired).toBeGreaterThan(1_000);
  });

  it("gives the same trace for the same seed", { timeout: 60_000 }, async () => {
    const [one, other] = [await simulateRetention(7, STEPS), await simulateRetention(7, STEPS)];
    expect(other.traceHash).toBe(one.traceHash);
  });
});

describe("the simulation of retention catches", () => {
  it.each(Object.keys(PLANTED_RETENTION_BUGS))("%s", { timeout: 120_000 }, async (name) => {
    for (let seed = 1; seed <= 60; seed++) {
      const { broken } = await simulateRetention(seed, STEPS, PLANTED_RETENTION_BUGS[name]);
      if (broken.length > 0) return;
    }
    expect.fail("no seed caught it");
  });
});

describe("a replicated log that is kept", () => {
  it("is the same in every region, whoever leads, and loses nothing with one", { timeout: 120_000 }, async () => {
    let expired = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const outcome = await simulateKeptRegions(seed, 20);
      expect({ seed, broken: outcome.broken }).toEqual({ seed, broken: [] });
      expired += outcome.expired;
    }
    expect(expired).toBeGreaterThan(1_000);
  });

  it.each(Object.keys(PLANTED_KEPT_REGIONS_BUGS))("is not, with a bug: %s", { timeout: 120_000 }, async (name) => {
    for (let seed = 1; seed <= 40; seed++) {
      const { broken } = await simulateKeptRegions(seed, 20, PLANTED_KEPT_REGIONS_BUGS[name]);
      if (broken.length > 0) return;
    }
    expect.fail("no seed caught it");
  });
});

describe("a replicated log that is kept, where unclean elections are allowed", () => {
  it("loses what such an election says and nothing else, and is the same in every region", {
    timeout: 120_000,
  }, async () => {
    let uncleanElections = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const outcome = await simulateKeptRegions(seed, 20, {}, true);
      expect({ seed, broken: outcome.broken }).toEqual({ seed, broken: [] });
      uncleanElections += outcome.uncleanElections;
    }
    expect(uncleanElections).toBeGreaterThan(40);
  });

  it.each(Object.keys(PLANTED_UNCLEAN_KEPT_REGIONS_BUGS))(
    "does not, with a bug: %s",
    { timeout: 120_000 },
    async (name) => {
      for (let seed = 1; seed <= 40; seed++) {
        const { broken } = await simulateKeptRegions(seed, 20, PLANTED_UNCLEAN_KEPT_REGIONS_BUGS[name], true);
        if (broken.length > 0) return;
      }
      expect.fail("no seed caught it");
    },
  );
});
