import { describe, expect, it } from "vitest";
import { assignmentOf } from "../../../../shared/broker/consumers/assign-instance.ts";
import { deleteInstance } from "../../../../shared/broker/consumers/delete-instance.ts";
import { commitInstanceOffsets } from "../../../../shared/broker/consumers/instance-offsets.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { G, type Processes, withProcesses } from "./instances.ts";

const name = (instanceId: string) => ({ groupId: G, instanceId });

async function partitionsOf({ one }: Processes, instanceId: string): Promise<number[]> {
  const found = await assignmentOf(one, name(instanceId));
  return found.ok ? found.value.map(({ partition }) => partition) : [];
}

/** Reads of the instances in turn, for a while. */
async function readFor(processes: Processes, instanceIds: readonly string[], rounds: number): Promise<string[]> {
  const seen: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [index, instanceId] of instanceIds.entries()) {
      const answer = await processes.read(index % 2 === 0 ? processes.one : processes.two, instanceId);
      if (typeof answer === "string") throw new Error(`${instanceId}: ${answer}`);
      seen.push(...answer);
    }
  }
  return seen;
}

describe("a group of consumer instances", () => {
  it(
    "shares partitions: the first gives up what the second is to have, committed by auto commit, and the second goes on there",
    withProcesses(async (processes) => {
      const { one, subscribed, read, committed } = processes;
      await topicOf(one, "t", 4);
      const all = [0, 1, 2, 3];
      await produce(
        one,
        "t",
        all.map((partition) => ({ partition })),
      );
      await subscribed("i", { autoCommit: true });
      expect(((await read(one, "i")) as string[]).sort()).toEqual(["0@0", "1@0", "2@0", "3@0"]);
      expect(await committed()).toEqual([]);
      await subscribed("j", { autoCommit: true });
      expect(await readFor(processes, ["j", "i"], 8)).toEqual([]);
      expect((await committed()).sort()).toEqual(["0@1", "1@1", "2@1", "3@1"]);
      const [ofI, ofJ] = [await partitionsOf(processes, "i"), await partitionsOf(processes, "j")];
      expect([ofI.length, ofJ.length]).toEqual([2, 2]);
      expect([...ofI, ...ofJ].sort()).toEqual(all);
      await produce(
        one,
        "t",
        all.map((partition) => ({ partition })),
      );
      expect((await readFor(processes, ["j", "i"], 1)).sort()).toEqual(["0@1", "1@1", "2@1", "3@1"]);
    }),
  );

  it(
    "reads again what was handed out and not committed of a partition that moves",
    withProcesses(async (processes) => {
      const { one, subscribed, read } = processes;
      await topicOf(one, "t", 2);
      await produce(one, "t", [{ partition: 0 }, { partition: 1 }]);
      await subscribed("i");
      expect(((await read(one, "i")) as string[]).sort()).toEqual(["0@0", "1@0"]);
      await subscribed("j");
      const seen = await readFor(processes, ["j", "i"], 8);
      const [moved] = await partitionsOf(processes, "j");
      expect(seen).toEqual([`${moved}@0`]);
      // What it does not own any more it cannot commit.
      const commit = (instanceId: string) =>
        commitInstanceOffsets(one, name(instanceId), [{ topic: "t", partition: moved!, offset: 1 }]);
      expect(await commit("i")).toMatchObject({ ok: false, refusal: { code: "STALE_MEMBER_EPOCH" } });
      expect(await commit("j")).toMatchObject({ ok: true });
    }),
  );

  it(
    "hands the partitions of a deleted instance over at once",
    withProcesses(async (processes) => {
      const { one, subscribed, read } = processes;
      await topicOf(one, "t", 2);
      await subscribed("i");
      await read(one, "i");
      await subscribed("j");
      await readFor(processes, ["j", "i"], 8);
      expect(await deleteInstance(one, name("i"))).toMatchObject({ ok: true });
      await readFor(processes, ["j"], 6);
      expect(await partitionsOf(processes, "j")).toEqual([0, 1]);
    }),
  );

  it(
    "loses a member that has not read for five minutes, and takes it back where it had committed",
    withProcesses(async (processes) => {
      const { one, two, subscribed, read, wait } = processes;
      await topicOf(one, "t", 2);
      await produce(one, "t", [{ partition: 0 }, { partition: 1 }]);
      await subscribed("i");
      await read(one, "i");
      // It commits, which is a use of the instance, and does not read.
      for (let minutes = 0; minutes < 4; minutes++) {
        await wait(61_000);
        expect(await commitInstanceOffsets(two, name("i"), undefined)).toMatchObject({ ok: true });
      }
      await wait(61_000);
      await subscribed("j");
      expect(await readFor(processes, ["j"], 2)).toEqual([]);
      expect(await partitionsOf(processes, "j")).toEqual([0, 1]);
      expect(await commitInstanceOffsets(two, name("i"), undefined)).toMatchObject({
        ok: false,
        refusal: { code: "UNKNOWN_MEMBER_ID" },
      });
      await produce(one, "t", [{ partition: 0 }, { partition: 1 }]);
      // What j had read and not committed of the one that moves comes again.
      expect(new Set(await readFor(processes, ["i", "j"], 8))).toEqual(new Set(["0@1", "1@1"]));
      expect((await partitionsOf(processes, "i")).length).toBe(1);
    }),
  );
});
