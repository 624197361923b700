import { describe, expect, it } from "vitest";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { MemoryInstanceStore } from "../../../../shared/storage/memory/memory-instance-store.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { withProcesses } from "./instances.ts";

/** Counts what a store is asked, by operation. */
function counted<S extends object>(store: S, counts: Map<string, number>): S {
  return new Proxy(store, {
    get(target, name) {
      const operation = Reflect.get(target, name, target) as unknown;
      if (typeof operation !== "function") return operation;
      return (...args: unknown[]) => {
        counts.set(String(name), (counts.get(String(name)) ?? 0) + 1);
        return operation.apply(target, args);
      };
    },
  });
}

describe("what a consumer instance costs", () => {
  it("is one read and one write for a read of records, and a heartbeat every five seconds", async () => {
    const asked = new Map<string, number>();
    const groupStore = counted(new MemoryGroupStore(), asked);
    const shared = counted(new MemoryInstanceStore(), asked);
    await withProcesses(
      async ({ one, read, wait, subscribed }) => {
        await topicOf(one, "t");
        await subscribed("i");
        await read(one, "i");
        const during = async (work: () => Promise<unknown>) => {
          asked.clear();
          await work();
          return Object.fromEntries(asked);
        };
        await wait(6_000);
        await read(one, "i");
        // Nothing has come: the write is the one before the wait.
        expect(await during(() => read(one, "i"))).toEqual({ readInstance: 1, putInstance: 1 });
        await produce(one, "t", [{}]);
        expect(await during(() => read(one, "i"))).toEqual({ readInstance: 1, putInstance: 1 });
        await produce(one, "t", [{}]);
        await wait(5_000);
        expect(await during(() => read(one, "i"))).toEqual({ readInstance: 1, putInstance: 1, readGroup: 1, write: 1 });
        // A long wait: four heartbeats, one after the other, and perhaps the look at the group that is due every 30 s.
        const waited = await during(() => read(one, "i", { timeoutMs: 22_000 }));
        expect(waited).toMatchObject({ readInstance: 1, putInstance: 1 });
        expect(waited["write"]).toBeLessThanOrEqual(5);
      },
      { groupStore, shared },
    )();
  });
});
