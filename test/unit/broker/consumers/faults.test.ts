import { describe, expect, it } from "vitest";
import { createInstance } from "../../../../shared/broker/consumers/create-instance.ts";
import { deleteInstance } from "../../../../shared/broker/consumers/delete-instance.ts";
import { commitInstanceOffsets } from "../../../../shared/broker/consumers/instance-offsets.ts";
import { seek } from "../../../../shared/broker/consumers/seek-instance.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { seededRandom } from "../../../sim/scheduler.ts";
import { type Fault, faultyStore, G, type Processes, withProcesses } from "./instances.ts";

const I = { groupId: G, instanceId: "i" };

/** Writes of process one go as `faults` says, one after the other, and then well. */
function withFaults(test: (processes: Processes, faults: Fault[]) => Promise<void>) {
  const faults: Fault[] = [];
  return withProcesses((processes) => test(processes, faults), {
    faulty: (store) => faultyStore(store, () => faults.shift()),
  });
}

describe("a consumer instance whose store loses answers", () => {
  it(
    "hands out what it has written the positions of, though the answer to that was lost",
    withFaults(async ({ one, two, subscribed, read }, faults) => {
      await topicOf(one, "t");
      await produce(one, "t", [{}, {}]);
      await subscribed("i");
      faults.push("lost");
      expect(await read(one, "i")).toEqual(["0@0", "0@1"]);
      await produce(one, "t", [{}]);
      faults.push("failed", "lost", "lost");
      expect(await read(one, "i")).toEqual(["0@2"]);
      expect(await read(two, "i")).toEqual([]);
    }),
  );

  it("hands out what was written, though others have written since", async () => {
    const faults: Fault[] = [];
    let meanwhile = async () => {};
    await withProcesses(
      async ({ one, two, subscribed, read }) => {
        await topicOf(one, "t");
        await subscribed("i");
        await read(one, "i");
        await produce(one, "t", [{}, {}]);
        const others: (string[] | string)[] = [];
        meanwhile = async () => {
          await produce(two, "t", [{}]);
          others.push(await read(two, "i"));
        };
        faults.push("lost");
        expect(await read(one, "i")).toEqual(["0@0", "0@1"]);
        expect(others).toEqual([["0@2"]]);
      },
      {
        faulty: (store) =>
          faultyStore(
            store,
            () => faults.shift(),
            () => meanwhile(),
          ),
      },
    )();
  });

  it(
    "hands nothing out that it could not write, and all of it with the next read",
    withFaults(async ({ one, two, subscribed, read }, faults) => {
      await topicOf(one, "t");
      await produce(one, "t", [{}, {}]);
      await subscribed("i");
      await read(one, "i");
      await produce(one, "t", [{}]);
      faults.push(...Array.from({ length: 4 }, () => "failed" as const));
      await expect(read(one, "i")).rejects.toMatchObject({ code: "COORDINATOR_NOT_AVAILABLE", outcome: "unknown" });
      expect(await read(two, "i")).toEqual(["0@2"]);
    }),
  );

  it(
    "is created, moved and deleted once, and says so",
    withFaults(async ({ one, two, subscribed, read, store }, faults) => {
      const config = {
        format: "json",
        autoOffsetReset: "latest",
        autoCommit: true,
        minBytes: 1,
        clientHost: "/",
      } as const;
      faults.push("lost");
      expect(await createInstance(one, { ...config, ...I })).toMatchObject({ ok: true });
      expect(await createInstance(two, { ...config, ...I })).toMatchObject({ ok: false });
      await deleteInstance(two, I);
      await topicOf(one, "t");
      await produce(one, "t", [{}, {}]);
      await subscribed("i");
      await read(two, "i");
      const [before] = (await store.readInstance(I))!.revisions;
      faults.push("lost");
      expect(await seek(one, I, [{ topic: "t", partition: 0, offset: 1 }])).toMatchObject({ ok: true });
      expect((await store.readInstance(I))!.revisions[1]).toBe(before);
      faults.push("failed", "lost");
      expect(await deleteInstance(one, I)).toMatchObject({ ok: true });
      expect(await store.readInstance(I)).toBeUndefined();
    }),
  );

  it(
    "that dies between the join and its first write joins again, and misses nothing",
    withFaults(async ({ one, two, subscribed, read, committed }, faults) => {
      await topicOf(one, "t", 2);
      await produce(one, "t", [{ partition: 0 }, { partition: 1 }]);
      await subscribed("i");
      faults.push(...Array.from({ length: 4 }, () => "failed" as const));
      await expect(read(one, "i")).rejects.toMatchObject({ code: "COORDINATOR_NOT_AVAILABLE" });
      expect(((await read(two, "i")) as string[]).sort()).toEqual(["0@0", "1@0"]);
      expect(await commitInstanceOffsets(one, I, undefined)).toMatchObject({ ok: true });
      expect((await committed()).sort()).toEqual(["0@1", "1@1"]);
    }),
  );

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`hands each record out once to whoever reads, whatever is lost on the way (seed ${seed})`, async () => {
      const random = seededRandom(seed);
      let inARow = 0;
      // A write is tried four times: three faults in a row, and it is known what became of it.
      const next = (): Fault => {
        const fault =
          random.next() < 0.5 && inARow < 3 ? (["lost", "failed"] as const)[Math.floor(random.next() * 2)] : undefined;
        inARow = fault === undefined ? 0 : inARow + 1;
        return fault;
      };
      await withProcesses(
        async ({ one, two, subscribed, read, wait }) => {
          await topicOf(two, "t", 3);
          await subscribed("i");
          const seen: string[] = [];
          const sent: string[] = [];
          const reader = async (broker: typeof one, rounds: number) => {
            for (let round = 0; round < rounds; round++) {
              const answer = await read(broker, "i", { maxBytes: 1, timeoutMs: Math.floor(random.next() * 2_000) });
              if (typeof answer !== "string") seen.push(...answer);
              else expect(answer).toBe("contended");
            }
          };
          const writer = async () => {
            for (let round = 0; round < 40; round++) {
              sent.push(
                ...(await produce(two, "t", [{ partition: round % 3 }])).map((place) => place.replace(":", "@")),
              );
              await wait(Math.floor(random.next() * 500));
            }
          };
          await Promise.all([writer(), reader(one, 30), reader(two, 30)]);
          await reader(two, 60);
          expect(seen.sort()).toEqual(sent.sort());
        },
        { faulty: (store) => faultyStore(store, next) },
      )();
    });
  }
});
