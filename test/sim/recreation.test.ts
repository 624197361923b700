import { describe, expect, it } from "vitest";
import type { LogStore } from "../../shared/log/log-store.ts";
import { type RecreationOutcome, simulateRecreation } from "./recreation.ts";

async function seeds(count: number, change?: (store: LogStore) => LogStore): Promise<RecreationOutcome[]> {
  const outcomes: RecreationOutcome[] = [];
  for (let seed = 1; seed <= count; seed++) outcomes.push(await simulateRecreation(seed, change));
  return outcomes;
}

const failures = (outcomes: readonly RecreationOutcome[]) =>
  outcomes.filter(({ broken }) => broken.length > 0).map(({ seed, broken }) => `seed ${seed}: ${broken[0]}`);

/** The store, but what seals a log is thrown away: processes that remember the old topic are not told. */
const withoutSeals = (store: LogStore): LogStore =>
  new Proxy(store, {
    get(target, name) {
      if (name !== "putItem") {
        const member = Reflect.get(target, name, target) as unknown;
        return typeof member === "function" ? member.bind(target) : member;
      }
      const putItem: LogStore["putItem"] = (log, item) =>
        item.payload.kind === "end-of-log" ? Promise.resolve({ kind: "written" }) : target.putItem(log, item);
      return putItem;
    },
  });

describe("a topic deleted and created again under producers at work", () => {
  it("loses nothing that was sent to the new one, for a hundred seeds", async () => {
    const outcomes = await seeds(100);
    expect(failures(outcomes)).toEqual([]);
    expect(outcomes.reduce((sum, { acknowledged }) => sum + acknowledged, 0)).toBeGreaterThan(3_000);
  });

  it("would lose records without the seal, and that is caught", async () => {
    expect(failures(await seeds(20, withoutSeals)).length).toBeGreaterThan(0);
  });
});
