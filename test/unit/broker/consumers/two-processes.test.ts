import { describe, expect, it } from "vitest";
import { deleteInstance } from "../../../../shared/broker/consumers/delete-instance.ts";
import { commitInstanceOffsets } from "../../../../shared/broker/consumers/instance-offsets.ts";
import { seek } from "../../../../shared/broker/consumers/seek-instance.ts";
import { unsubscribe } from "../../../../shared/broker/consumers/subscribe-instance.ts";
import { describeGroup } from "../../../../shared/broker/groups/describe-group.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { G, withProcesses } from "./instances.ts";

const I = { groupId: G, instanceId: "i" };
const offsets = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `0@${from + index}`);

describe("a consumer instance that two processes serve", () => {
  it(
    "reads on where the other process stopped, call by call",
    withProcesses(async ({ one, two, subscribed, read, committed }) => {
      await topicOf(one, "t");
      await subscribed("i");
      for (let turn = 0; turn < 6; turn++) {
        await produce(one, "t", [{}, {}]);
        const [reads, commits] = turn % 2 === 0 ? [one, two] : [two, one];
        expect(await read(reads, "i")).toEqual(offsets(turn * 2, turn * 2 + 2));
        expect(await commitInstanceOffsets(commits, I, undefined)).toMatchObject({ ok: true });
        expect(await committed()).toEqual([`0@${turn * 2 + 2}`]);
      }
      const described = await describeGroup(one, G);
      expect(described).toMatchObject({ ok: true, value: { members: [{ clientId: "i" }] } });
    }),
  );

  it(
    "hands each record out once, however many reads come at once",
    withProcesses(async ({ one, two, subscribed, read }) => {
      await topicOf(one, "t");
      await subscribed("i");
      await read(one, "i");
      const seen: string[] = [];
      for (let round = 0; round < 10; round++) {
        await produce(one, "t", [{}, {}, {}]);
        const reads = [one, two, one, two].map((broker) => read(broker, "i", { maxBytes: 1, timeoutMs: 50 }));
        for (const answer of await Promise.all(reads)) if (typeof answer !== "string") seen.push(...answer);
      }
      for (let empty = 0; empty < 2; ) {
        const answer = await read(two, "i");
        if (answer.length === 0) empty++;
        seen.push(...answer);
      }
      expect(seen.sort()).toEqual(offsets(0, 30).sort());
    }),
  );

  it(
    "takes nothing along with a read that a later one has taken the place of",
    withProcesses(async ({ one, two, subscribed, read, wait }) => {
      await topicOf(one, "t");
      await subscribed("i");
      await read(one, "i");
      // Its client hangs up after two seconds, which nobody can see here, and asks again.
      const givenUp = read(one, "i", { timeoutMs: 20_000 });
      await wait(2_000);
      const again = read(two, "i", { timeoutMs: 20_000 });
      await wait(2_000);
      await produce(one, "t", [{}]);
      expect(await again).toEqual(["0@0"]);
      expect(await givenUp).toEqual([]);
    }),
  );

  it(
    "gives a client that hung up nothing, where that is seen, and the next read all of it",
    withProcesses(async ({ one, subscribed, read, wait }) => {
      await topicOf(one, "t");
      await produce(one, "t", [{}]);
      await subscribed("i", { minBytes: 100_000 });
      const gone = new AbortController();
      const givenUp = read(one, "i", { timeoutMs: 20_000, signal: gone.signal });
      await wait(1_000);
      gone.abort();
      expect(await givenUp).toEqual([]);
      expect(await read(one, "i", { timeoutMs: 100 })).toEqual(["0@0"]);
    }),
  );

  it(
    "seeks while a read waits: the read comes back empty, and the next one begins there",
    withProcesses(async ({ one, two, subscribed, read, wait }) => {
      await topicOf(one, "t");
      await produce(one, "t", [{}, {}]);
      await subscribed("i");
      expect(await read(one, "i")).toEqual(["0@0", "0@1"]);
      const waiting = read(one, "i", { timeoutMs: 10_000 });
      await wait(1_000);
      expect(await seek(two, I, [{ topic: "t", partition: 0, offset: 1 }])).toMatchObject({ ok: true });
      await produce(one, "t", [{}]);
      expect(await waiting).toEqual([]);
      expect(await read(two, "i")).toEqual(["0@1", "0@2"]);
    }),
  );

  it(
    "is out of its group for good when it is unsubscribed, or deleted, while a read heartbeats for it",
    withProcesses(async ({ one, two, subscribed, read, wait }) => {
      await topicOf(one, "t");
      for (const end of [unsubscribe, deleteInstance]) {
        if (end === unsubscribe) await subscribed("i");
        else {
          await deleteInstance(two, I);
          await subscribed("i");
        }
        await read(one, "i");
        const waiting = read(one, "i", { timeoutMs: 20_000 });
        await wait(1_000);
        expect(await end(two, I)).toMatchObject({ ok: true });
        await waiting;
        expect(await describeGroup(one, G)).toMatchObject({ ok: true, value: { members: [] } });
      }
      expect(await read(one, "i")).toBe("instance-not-found");
    }),
  );
});
