import { describe, expect, it } from "vitest";
import { deleteInstance } from "../../../../shared/broker/consumers/delete-instance.ts";
import { commitInstanceOffsets } from "../../../../shared/broker/consumers/instance-offsets.ts";
import { seek } from "../../../../shared/broker/consumers/seek-instance.ts";
import { subscribe, unsubscribe } from "../../../../shared/broker/consumers/subscribe-instance.ts";
import { describeGroup } from "../../../../shared/broker/groups/describe-group.ts";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { G, gated, withProcesses } from "./instances.ts";

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

/** As `withProcesses`; while `stall` is in force, heartbeats of the first process wait. */
function withStalls(
  test: (processes: Parameters<Parameters<typeof withProcesses>[0]>[0], stall: () => () => void) => Promise<void>,
): () => Promise<void> {
  const groupStore = new MemoryGroupStore();
  const slow = gated(groupStore, "readGroup");
  return withProcesses((processes) => test(processes, slow.close), { groupStore, slow: () => slow.store });
}

describe("a partition that an instance is to give up", () => {
  it(
    "stays its own while its client is busy with what a later read handed out, whatever a read that was given up is told",
    withStalls(async ({ one, two, subscribed, read, wait, committed }, stall) => {
      await topicOf(one, "t", 2);
      await subscribed("i");
      await read(two, "i");
      await wait(6_000);
      const goOn = stall();
      const givenUp = read(one, "i");
      await wait(2_000);
      await produce(two, "t", [{ partition: 0 }, { partition: 1 }]);
      expect(((await read(two, "i")) as string[]).sort()).toEqual(["0@0", "1@0"]);
      await subscribed("j");
      expect(await read(two, "j")).toEqual([]);
      goOn();
      expect(await givenUp).toBe("contended");
      expect(await read(two, "j")).toEqual([]);
      expect(await commitInstanceOffsets(two, I, undefined)).toMatchObject({ ok: true });
      expect((await committed()).sort()).toEqual(["0@1", "1@1"]);
      // Its next read is told so again, and gives one up.
      await wait(6_000);
      await read(two, "i");
      await produce(two, "t", [{ partition: 0 }, { partition: 1 }]);
      await wait(6_000);
      expect([await read(two, "i"), await read(two, "j")].flat().sort()).toEqual(["0@1", "1@1"]);
    }),
  );

  it(
    "is given up once by two reads at the same time, and neither makes the instance begin anew",
    withStalls(async ({ one, two, subscribed, read, wait }, stall) => {
      await topicOf(one, "t", 2);
      await subscribed("i");
      await read(two, "i");
      await subscribed("j");
      await read(two, "j");
      await wait(6_000);
      const memberOfI = async () => {
        const described = await describeGroup(two, G);
        const members = described.ok ? described.value.members : [];
        return members.find(({ clientId }) => clientId === "i")!;
      };
      const goOn = stall();
      // By the clock of the endpoint that took it in it is the later one.
      const arrived = Math.floor(one.clock.now()) + 500;
      const slower = read(one, "i", { receivedAt: arrived, timeoutMs: 100 });
      await produce(two, "t", [{ partition: 0 }, { partition: 1 }]);
      const handedOut = await read(two, "i");
      expect(handedOut).toHaveLength(1);
      const { memberEpoch, assignment } = await memberOfI();
      expect(assignment).toHaveLength(1);
      goOn();
      await slower;
      expect(await memberOfI()).toMatchObject({ memberEpoch, assignment });
      expect(await commitInstanceOffsets(two, I, undefined)).toMatchObject({ ok: true });
      await wait(6_000);
      expect([handedOut, await read(two, "j")].flat().sort()).toEqual(["0@0", "1@0"]);
    }),
  );
});

describe("an instance that was unsubscribed, and subscribed again", () => {
  it(
    "is not put out of its group by what is left of the call that unsubscribed it",
    withStalls(async ({ one, two, subscribed, read, wait }, stall) => {
      await topicOf(one, "t");
      await subscribed("i");
      await read(two, "i");
      const goOn = stall();
      const givenUp = unsubscribe(one, I);
      await wait(2_000);
      await subscribe(two, I, { kind: "topics", topics: ["t"] });
      await produce(two, "t", [{}]);
      expect(await read(two, "i")).toEqual(["0@0"]);
      goOn();
      await givenUp;
      expect(await describeGroup(two, G)).toMatchObject({ ok: true, value: { members: [{ clientId: "i" }] } });
      expect(await commitInstanceOffsets(two, I, undefined)).toMatchObject({ ok: true });
    }),
  );
});
