import { describe, expect, it } from "vitest";
import type { GroupStore } from "../../../shared/group/group-store.ts";
import { MemoryGroupStore } from "../../../shared/storage/memory/memory-group-store.ts";
import { Consumer, Coordinator, GROUP } from "./coordinator.ts";

/** What a request asked the store for: `readGroup`, or `write put-member begin-session`. */
function counted(store: GroupStore): { readonly store: GroupStore; take(): string[] } {
  let requests: string[] = [];
  const noted = new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function" || typeof name !== "string") return member;
      return (...args: unknown[]) => {
        const kinds = name === "write" ? (args[1] as { kind: string }[]).map(({ kind }) => kind) : [];
        requests.push([name, ...kinds].join(" "));
        return member.apply(target, args);
      };
    },
  });
  return {
    store: noted,
    take: () => {
      const taken = requests;
      requests = [];
      return taken;
    },
  };
}

describe("what a heartbeat asks of the store", () => {
  const setUp = () => {
    const { store, take } = counted(new MemoryGroupStore());
    const coordinator = new Coordinator({}, store);
    coordinator.topic("orders", 4);
    const member = (memberId: string) => new Consumer(coordinator, memberId, { subscribedTopicNames: ["orders"] });
    return { coordinator, member, take };
  };

  it("is one read and one small write if it changes nothing", async () => {
    const { coordinator, member, take } = setUp();
    const [a, b] = [member("a"), member("b")];
    for (let round = 0; round < 4; round++) for (const each of [a, b]) await each.says();
    take();
    for (const each of [a, b]) {
      await each.says();
      expect(take()).toEqual(["readGroup", "write extend-session"]);
    }
    coordinator.wait(29_999);
    await a.says();
    expect(take()).toEqual(["readGroup", "write extend-session"]);
  });

  it("is a look at all members by one of them, every half minute", async () => {
    const { coordinator, member, take } = setUp();
    const [a, b] = [member("a"), member("b")];
    for (let round = 0; round < 4; round++) for (const each of [a, b]) await each.says();
    coordinator.wait(30_000);
    take();
    await a.says();
    expect(take()).toEqual(["readGroup", "readMembers", "write put-group", "readGroup", "write extend-session"]);
    await b.says();
    expect(take()).toEqual(["readGroup", "write extend-session"]);
  });

  it("is eighteen requests to make a group, join it, and have an assignment, one after the other", async () => {
    const { member, take } = setUp();
    await member("a").says();
    expect(take()).toEqual([
      "readGroup",
      "write put-group put-listing",
      "readGroup",
      "write put-member begin-session",
      "readGroup",
      "readMembers",
      "write put-group put-listing",
      "readGroup",
      "readMembers",
      "readTarget",
      "write put-group put-target",
      "readGroup",
      "readTarget",
      "readPartitions",
      "write put-member acquire acquire acquire acquire",
      "readGroup",
      "readTarget",
      "write extend-session",
    ]);
  });

  it("is one write of a member, its session, what it owned and the group when it leaves", async () => {
    const { coordinator, member, take } = setUp();
    const [a, b] = [member("a"), member("b")];
    for (let round = 0; round < 4; round++) for (const each of [a, b]) await each.says();
    take();
    await a.leaves();
    expect(take()).toEqual(["readGroup", "write put-group delete-member delete-session release release", "readGroup"]);
    expect(await coordinator.store.readPartitions(GROUP, [{ topicId: "ORDERS", partition: 0 }])).toEqual([]);
  });
});
