import { describe, expect, it } from "vitest";
import { carryOut } from "../../../shared/broker/groups/carry-out.ts";
import { commitOffsetsById } from "../../../shared/broker/groups/commit-offsets-by-id.ts";
import { deleteGroup, deleteOffsets, endOfGroup } from "../../../shared/group/group-deletion.ts";
import type { GroupPartition } from "../../../shared/group/group-store.ts";
import type { OffsetToCommit } from "../../../shared/group/offset-commit.ts";
import { offsetFetchRefusal } from "../../../shared/group/offset-fetch.ts";
import { resetOffset, startOffset } from "../../../shared/group/offset-reset.ts";
import { afterSweep, offsetsToExpire, subscriptionInUse, sweepGroup } from "../../../shared/group/sweep.ts";
import { ClassicConsumer, Consumer, Coordinator, GROUP } from "./coordinator.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

function setUp() {
  const coordinator = new Coordinator();
  coordinator.topic("orders", 6);
  const member = (memberId: string) => new Consumer(coordinator, memberId, { subscribedTopicNames: ["orders"] });
  const commit = async (memberId: string, memberEpoch: number, ...offsets: Partial<OffsetToCommit>[]) => {
    const whole = offsets.map((each) => ({ topicId: "ORDERS", topic: "orders", partition: 0, offset: 1, ...each }));
    const request = { groupId: GROUP, memberId, memberEpoch, receivedAt: coordinator.now, offsets: whole };
    const result = await commitOffsetsById(coordinator.parts, request);
    return result.ok ? result.value.map((refusal) => refusal?.code ?? "committed").join(" ") : result.refusal.code;
  };
  const committed = async () =>
    Object.fromEntries(
      (await coordinator.store.listPartitions(GROUP, { limit: 100 })).flatMap((item) =>
        item.committed === undefined ? [] : [[`${item.topic}-${item.partition}`, item.committed.offset]],
      ),
    );
  const { parts } = coordinator;
  const sweep = async () => {
    const found = await carryOut(parts, GROUP, undefined, (view, context) => sweepGroup(view, GROUP, context));
    if (!found.ok) return found.refusal.code;
    const swept = found.value;
    if (swept.kind !== "empty" && swept.kind !== "in use") return swept.kind;
    const context = { now: coordinator.now, config: parts.groupConfig };
    const partitions = await coordinator.store.listPartitions(GROUP, { limit: 100 });
    const subscription = await carryOut(parts, GROUP, undefined, subscriptionInUse);
    const isWanted = ({ topic }: GroupPartition) => subscription.ok && subscription.value?.(topic) !== false;
    const expired = offsetsToExpire(swept, partitions, context, isWanted);
    const going = expired.map((item) => ({ ...item, offset: item.committed! }));
    await coordinator.store.deleteOffsets(GROUP, going);
    if (swept.kind === "in use") return `in use, ${expired.length} expired`;
    const left = partitions.filter((item) => !expired.includes(item));
    const then = afterSweep(swept.group, left, context);
    if (then.kind === "wait") await coordinator.store.write(GROUP, then.writes);
    return `empty, ${expired.length} expired, ${then.kind}`;
  };
  const removeGroup = async () => {
    const dead = await carryOut(parts, GROUP, undefined, (view, context) => deleteGroup(view, GROUP, context));
    return dead.ok ? dead.value : dead.refusal.code;
  };
  return { coordinator, member, commit, committed, sweep, removeGroup };
}

describe("offsets of a group of the consumer protocol", () => {
  it("are committed by the owner, in its epoch", async () => {
    const { member, commit, committed } = setUp();
    const [a, b] = [member("a"), member("b")];
    for (let round = 0; round < 4; round++) for (const each of [a, b]) await each.says();
    expect(await commit("a", 2, { partition: 0, offset: 5 }, { partition: 3, offset: 5 })).toBe(
      "committed STALE_MEMBER_EPOCH",
    );
    expect(await commit("b", 2, { partition: 3, offset: 7, leaderEpoch: 4, metadata: "x" })).toBe("committed");
    expect(await commit("b", 3, { partition: 3 })).toBe("STALE_MEMBER_EPOCH");
    expect(await commit("b", -1, { partition: 3 })).toBe("STALE_MEMBER_EPOCH");
    expect(await commit("c", 2, { partition: 3 })).toBe("UNKNOWN_MEMBER_ID");
    expect(await commit("", -1, { partition: 3 })).toBe("UNKNOWN_MEMBER_ID");
    expect(await committed()).toEqual({ "orders-0": 5, "orders-3": 7 });
  });

  it("may be committed in an epoch that is past, if the partition was the member's in it already", async () => {
    const { member, commit } = setUp();
    const [a, b] = [member("a"), member("b")];
    await a.says();
    await b.says();
    await a.says();
    await a.says();
    // a is in epoch 2 by now; a commit was on its way in epoch 1.
    expect(await commit("a", 1, { partition: 0 }, { partition: 5 })).toBe("committed STALE_MEMBER_EPOCH");
    await b.says();
    expect(await commit("b", 1, { partition: 5 })).toBe("STALE_MEMBER_EPOCH");
    expect(await commit("b", 2, { partition: 5 })).toBe("committed");
  });

  it("stay what they were when a member that was removed commits late, and until then when it was told to revoke", async () => {
    const { coordinator, member, commit, committed } = setUp();
    const [a, b] = [member("a"), member("b")];
    await a.says();
    await b.says();
    await a.says();
    expect(await commit("a", 1, { partition: 5, offset: 9 })).toBe("committed");
    coordinator.wait(30_000);
    await b.says();
    coordinator.wait(15_000);
    await b.says();
    expect(b.owned).toEqual({ ORDERS: [0, 1, 2, 3, 4, 5] });
    expect(await commit("a", 1, { partition: 5, offset: 99 })).toBe("UNKNOWN_MEMBER_ID");
    expect(await committed()).toEqual({ "orders-5": 9 });
  });

  it("are anybody's to commit while the group has no members, and nobody's else while it has", async () => {
    const { coordinator, member, commit, committed } = setUp();
    expect(await commit("", -1, { offset: 3 })).toBe("committed");
    expect(await coordinator.store.listGroups({ limit: 10 })).toEqual([{ groupId: GROUP, sweepAt: 0 }]);
    const a = member("a");
    await a.says();
    expect(await commit("", -1, { offset: 4 })).toBe("UNKNOWN_MEMBER_ID");
    await a.leaves();
    expect(await commit("", -1, { offset: 5 })).toBe("committed");
    // A member that was never heard of again is no hindrance.
    await member("b").says();
    coordinator.wait(45_000);
    expect(await commit("", -1, { offset: 6 })).toBe("committed");
    expect(await committed()).toEqual({ "orders-0": 6 });
  });

  it("are refused where they are none, or say too much", async () => {
    const { member, commit } = setUp();
    await member("a").says();
    expect(await commit("a", 1, { offset: -1 })).toBe("INVALID_REQUEST");
    expect(await commit("a", 1, { offset: 0.5 })).toBe("INVALID_REQUEST");
    expect(await commit("a", 1, { leaderEpoch: -2 })).toBe("INVALID_REQUEST");
    expect(await commit("a", 1)).toBe("INVALID_REQUEST");
    expect(await commit("a", 1, { metadata: "\ud800" }, { partition: 1 })).toBe("INVALID_REQUEST committed");
    const metadata = "x".repeat(4096);
    expect(await commit("a", 1, { metadata }, { partition: 1, metadata: `${metadata}x` })).toBe(
      "committed OFFSET_METADATA_TOO_LARGE",
    );
    const { commit: elsewhere } = setUp();
    expect(await elsewhere("a", 1, {})).toBe("GROUP_ID_NOT_FOUND");
  });

  it("are committed in any number at once", async () => {
    const { coordinator, member, commit, committed } = setUp();
    coordinator.topic("orders", 250);
    await member("a").says();
    const answers = await commit(
      "a",
      1,
      ...Array.from({ length: 250 }, (_, partition) => ({ partition, offset: partition })),
    );
    expect(answers.split(" ").filter((answer) => answer === "committed")).toHaveLength(250);
    expect(Object.keys(await committed())).toHaveLength(100);
  });

  it("are read by members of this epoch, and by whoever is no member", async () => {
    const { coordinator, member } = setUp();
    await member("a").says();
    const read = await coordinator.store.readGroup(GROUP, "a");
    const view = { group: read.group, member: read.member, memberBefore: read.member };
    const refusal = (memberId?: string, memberEpoch?: number) =>
      offsetFetchRefusal(view, {
        groupId: GROUP,
        ...(memberId === undefined ? {} : { memberId }),
        ...(memberEpoch === undefined ? {} : { memberEpoch }),
      })?.code;
    expect([refusal(), refusal("a", 1), refusal("a", 0)]).toEqual([undefined, undefined, "STALE_MEMBER_EPOCH"]);
    expect(
      offsetFetchRefusal({ ...view, member: undefined }, { groupId: GROUP, memberId: "b", memberEpoch: 1 })?.code,
    ).toBe("UNKNOWN_MEMBER_ID");
  });
});

describe("offsets of a classic group", () => {
  it("are fenced by the generation, and refused while the leader assigns", async () => {
    const { coordinator, commit, committed } = setUp();
    const a = new ClassicConsumer(coordinator, "a");
    await a.enters();
    coordinator.wait(3_000);
    await a.awaits();
    expect(await commit("a", 1, { offset: 5 })).toBe("REBALANCE_IN_PROGRESS");
    await a.syncs({ a: "all" });
    expect(await commit("a", 1, { offset: 6 }, { partition: 1, offset: 7 })).toBe("committed committed");
    expect(await commit("a", 0, { offset: 1 })).toBe("ILLEGAL_GENERATION");
    expect(await commit("b", 1, { offset: 1 })).toBe("UNKNOWN_MEMBER_ID");
    expect(await commit("", -1, { offset: 1 })).toBe("UNKNOWN_MEMBER_ID");
    expect(await committed()).toEqual({ "orders-0": 6, "orders-1": 7 });
  });
});

describe("the end of offsets and groups", () => {
  it("comes a retention time after the last member has left, and takes the group along", async () => {
    const { coordinator, member, commit, committed, sweep, removeGroup } = setUp();
    const a = member("a");
    await a.says();
    await commit("a", 1, { offset: 5 });
    coordinator.wait(30 * DAY_MS);
    expect(await a.rejoins()).toMatch(/orders 0,1,2,3,4,5$/);
    expect(await sweep()).toBe("in use, 0 expired");
    coordinator.wait(60_000);
    // Nobody else touches the group: the sweep finds that its only member is gone.
    expect(await sweep()).toBe("empty, 0 expired, wait");
    expect(await coordinator.store.listGroups({ limit: 1 })).toEqual([
      { groupId: GROUP, sweepAt: coordinator.now + 7 * DAY_MS },
    ]);
    coordinator.wait(7 * DAY_MS - 1);
    expect(await sweep()).toBe("empty, 0 expired, wait");
    expect(await committed()).toEqual({ "orders-0": 5 });
    coordinator.wait(1);
    expect(await sweep()).toBe("empty, 1 expired, delete");
    const dead = await removeGroup();
    expect(dead).toMatchObject({ isDead: true });
    // One that is cut short is not left until the offsets would have expired.
    expect(await coordinator.store.listGroups({ limit: 1 })).toEqual([{ groupId: GROUP, sweepAt: 0 }]);
    expect(await sweep()).toBe("dead");
    expect(await member("b").says()).toBe("COORDINATOR_NOT_AVAILABLE");
    expect(await commit("", -1, {})).toBe("COORDINATOR_NOT_AVAILABLE");
    if (typeof dead === "string") throw new Error(dead);
    expect(await coordinator.store.write(GROUP, endOfGroup(dead))).toBe(true);
    expect(await sweep()).toBe("gone");
    expect(await member("b").says()).toBe("epoch 1: orders 0,1,2,3,4,5");
  });

  it("comes to offsets of topics that nobody subscribes to any more, while the group is in use", async () => {
    const { coordinator, member, commit, committed, sweep } = setUp();
    coordinator.topic("old", 1);
    await commit("", -1, { topicId: "OLD", topic: "old", offset: 1 }, { partition: 9, offset: 1 });
    const a = member("a");
    await a.says();
    for (let day = 0; day < 8; day++) {
      coordinator.wait(DAY_MS);
      await a.rejoins();
    }
    expect(await sweep()).toBe("in use, 1 expired");
    expect(await committed()).toEqual({ "orders-9": 1 });
  });

  it("does not come to a group that has members, nor to offsets of a topic that they subscribe to", async () => {
    const { coordinator, member, commit, removeGroup } = setUp();
    const remove = (topics: string[]) =>
      carryOut(coordinator.parts, GROUP, undefined, (view) => deleteOffsets(view, GROUP, topics));
    expect(await removeGroup()).toBe("GROUP_ID_NOT_FOUND");
    expect(await remove(["orders"])).toMatchObject({ refusal: { code: "GROUP_ID_NOT_FOUND" } });
    await commit("", -1, { offset: 3 });
    expect(await remove(["orders"])).toEqual({ ok: true, value: [undefined] });
    const a = member("a");
    await a.says();
    expect(await removeGroup()).toBe("NON_EMPTY_GROUP");
    expect(await remove(["orders", "other"])).toMatchObject({
      value: [{ code: "GROUP_SUBSCRIBED_TO_TOPIC" }, undefined],
    });
    coordinator.wait(45_000);
    expect(await removeGroup()).toMatchObject({ isDead: true });
  });

  it("knows what members of a classic group of consumers subscribe to, and keeps off others", async () => {
    const { coordinator } = setUp();
    const remove = (topics: string[]) =>
      carryOut(coordinator.parts, GROUP, undefined, (view) => deleteOffsets(view, GROUP, topics));
    // Version 0, one topic: orders.
    const metadata = Buffer.from("0000 00000001 0006 6f7264657273 ffffffff".replaceAll(" ", ""), "hex");
    const a = new ClassicConsumer(coordinator, "a", { protocols: [{ name: "range", metadata }] });
    await a.enters();
    expect(await remove(["orders", "other"])).toMatchObject({
      value: [{ code: "GROUP_SUBSCRIBED_TO_TOPIC" }, undefined],
    });
    const b = new ClassicConsumer(coordinator, "b", { protocols: [{ name: "range", metadata: Buffer.from("?") }] });
    await b.enters();
    expect(await remove(["other"])).toMatchObject({ refusal: { code: "NON_EMPTY_GROUP" } });
  });
});

describe("where a consumer begins", () => {
  const log = { logStartOffset: 10, endOffset: 20 };

  it("is what is committed, or what auto.offset.reset says where that is not in the log", () => {
    expect([10, 15, 20].map((committed) => startOffset(committed, "none", log))).toEqual(
      [10, 15, 20].map((value) => ({ ok: true, value })),
    );
    for (const committed of [undefined, 9, 21]) {
      expect(startOffset(committed, "earliest", log)).toEqual({ ok: true, value: 10 });
      expect(startOffset(committed, "latest", log)).toEqual({ ok: true, value: 20 });
      expect(startOffset(committed, "none", log)).toMatchObject({ refusal: { code: "OFFSET_OUT_OF_RANGE" } });
    }
  });

  it.each([
    [{ to: "earliest" }, undefined, 10],
    [{ to: "latest" }, undefined, 20],
    [{ to: "current" }, 15, 15],
    [{ to: "current" }, 3, 10],
    [{ to: "offset", offset: 12 }, undefined, 12],
    [{ to: "offset", offset: 99 }, undefined, 20],
    [{ to: "shift-by", count: -3 }, 15, 12],
    [{ to: "shift-by", count: 9 }, 15, 20],
    [{ to: "timestamp", timestamp: 5 }, undefined, 17],
  ] as const)("is reset by %j from %s to %i, within the log", (reset, committed, value) => {
    expect(resetOffset(reset, log, committed, 17)).toEqual({ ok: true, value });
  });

  it("is the end of the log for a timestamp after all records, and nowhere without an offset to shift", () => {
    expect(resetOffset({ to: "timestamp", timestamp: 5 }, log, undefined)).toEqual({ ok: true, value: 20 });
    for (const reset of [{ to: "current" }, { to: "shift-by", count: 1 }, { to: "offset", offset: -1 }] as const) {
      expect(resetOffset(reset, log, undefined)).toMatchObject({ refusal: { code: "INVALID_REQUEST" } });
    }
  });
});
