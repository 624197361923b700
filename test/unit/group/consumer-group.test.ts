import { describe, expect, it } from "vitest";
import { consumerGroupHeartbeat } from "../../../shared/group/consumer-group-heartbeat.ts";
import { DEFAULT_GROUP_CONFIG } from "../../../shared/group/group-config.ts";
import { consumerGroup, consumerMember } from "../../contract/group-items.ts";
import { Consumer, Coordinator, GROUP } from "./coordinator.ts";

const ORDERS = { subscribedTopicNames: ["orders"] };

/** A coordinator with six partitions of orders. */
function setUp(...config: ConstructorParameters<typeof Coordinator>) {
  const coordinator = new Coordinator(...config);
  coordinator.topic("orders", 6);
  const member = (memberId: string, request: Consumer["request"] = ORDERS) =>
    new Consumer(coordinator, memberId, request);
  return { coordinator, member };
}

describe("a group of the consumer protocol", () => {
  it("gives everything to the first member, and half of it to the second once the first has revoked it", async () => {
    const { member } = setUp();
    const [a, b] = [member("a"), member("b")];
    expect(await a.says()).toBe("epoch 1: orders 0,1,2,3,4,5");
    expect(await a.says()).toBe("epoch 1: as before");

    // b joins: half of it is b's by the target, and a still has it.
    expect(await b.says()).toBe("epoch 2: nothing");
    expect(await b.says()).toBe("epoch 2: as before");

    // a is told to revoke, stays in its epoch, and says that it has done so.
    expect(await a.says()).toBe("epoch 1: orders 0,1,2");
    expect(await b.says()).toBe("epoch 2: as before");
    expect(await a.says()).toBe("epoch 2: orders 0,1,2");
    expect(await b.says()).toBe("epoch 2: orders 3,4,5");
    expect(await a.says()).toBe("epoch 2: as before");
    expect(await b.says()).toBe("epoch 2: as before");
  });

  it("does not let go of partitions while a member says that it owns them, or does not say", async () => {
    const { coordinator, member } = setUp();
    const [a, b] = [member("a"), member("b")];
    await a.says();
    await b.says();
    expect(await a.says()).toBe("epoch 1: orders 0,1,2");
    const still = { ORDERS: [0, 1, 2, 3, 4, 5] };
    expect(await a.says({ topicPartitions: still })).toBe("epoch 1: orders 0,1,2");
    expect(await b.says()).toBe("epoch 2: as before");
    const silent = await coordinator.heartbeat({ memberId: "a", memberEpoch: 1 });
    expect(silent).toMatchObject({ ok: true, value: { memberEpoch: 1 } });
    expect(await b.says()).toBe("epoch 2: as before");
    a.owned = { ORDERS: [0, 1, 2] };
    expect(await a.says()).toBe("epoch 2: orders 0,1,2");
  });

  it("does not take partitions for revoked that the member had not been asked for when it spoke", async () => {
    const { member } = setUp();
    const [a, b] = [member("a"), member("b")];
    await a.says();
    await b.says();
    // a's client has not got round to its first assignment: it owns nothing yet, but is about to.
    expect(await a.says({ topicPartitions: {} })).toBe("epoch 1: orders 0,1,2");
    expect(await b.says()).toBe("epoch 2: as before");
    expect(await a.says()).toBe("epoch 2: orders 0,1,2");
    expect(await b.says()).toBe("epoch 2: orders 3,4,5");
  });

  it("gives a member's partitions to the others within one heartbeat of each after it left", async () => {
    const { member } = setUp();
    const [a, b] = [member("a"), member("b")];
    await a.says();
    await b.says();
    await a.says();
    await a.says();
    await b.says();
    expect(await a.leaves()).toBe("epoch -1: as before");
    expect(await b.says()).toBe("epoch 3: orders 0,1,2,3,4,5");
    expect(await a.says({ memberEpoch: 2 })).toBe("UNKNOWN_MEMBER_ID");
  });

  it("removes a member that is silent for its session timeout, at the next heartbeat of another", async () => {
    const { coordinator, member } = setUp();
    const [a, b] = [member("a"), member("b")];
    await a.says();
    await b.says();
    await a.says();
    await a.says();
    await b.says();
    for (let ms = 5_000; ms < 45_000; ms += 5_000) {
      coordinator.wait(5_000);
      expect(await b.says()).toBe("epoch 2: as before");
    }
    coordinator.wait(5_000);
    expect(await b.says()).toBe("epoch 3: orders 0,1,2,3,4,5");
    expect(await a.says()).toBe("UNKNOWN_MEMBER_ID");
  });

  it("removes a member that does not revoke within its rebalance timeout, although it is alive", async () => {
    const { coordinator, member } = setUp();
    const [a, b] = [member("a"), member("b")];
    await a.says();
    await b.says();
    expect(await a.says()).toBe("epoch 1: orders 0,1,2");
    const still = { topicPartitions: { ORDERS: [0, 1, 2, 3, 4, 5] } };
    let answer = "";
    let waited = 0;
    for (; answer !== "UNKNOWN_MEMBER_ID" && waited < 120_000; waited += 5_000) {
      coordinator.wait(5_000);
      await b.says();
      answer = await a.says(still);
    }
    expect(waited).toBeGreaterThanOrEqual(60_000);
    expect(waited).toBeLessThanOrEqual(95_000);
    expect(await b.says()).toBe("epoch 3: as before");
    expect(b.owned).toEqual({ ORDERS: [0, 1, 2, 3, 4, 5] });
  });

  it("tells a member whose answer was lost the same again", async () => {
    const { member } = setUp();
    const a = member("a");
    await a.says();
    // The answer to the join is lost: the client joins again.
    expect(await member("a").says()).toBe("epoch 1: orders 0,1,2,3,4,5");
    const b = member("b");
    await b.says();
    expect(await a.says()).toBe("epoch 1: orders 0,1,2");
    const one = { ...a.owned };
    expect(await a.says()).toBe("epoch 2: orders 0,1,2");
    // The answer that had epoch 2 is lost.
    expect(await a.says({ memberEpoch: 1, topicPartitions: one })).toBe("epoch 2: orders 0,1,2");
  });

  it("tells a member what it has whenever it says that it has something else", async () => {
    const { member } = setUp();
    const a = member("a");
    await a.says();
    expect(await a.says({ topicPartitions: { ORDERS: [1] } })).toBe("epoch 1: orders 0,1,2,3,4,5");
    expect(await a.says()).toBe("epoch 1: as before");
  });

  it("does not hear a request that a later one of the same member has overtaken", async () => {
    const { member } = setUp();
    const [a, b] = [member("a"), member("b")];
    await a.says({ sequence: 1 });
    await b.says();
    expect(await a.says({ sequence: 4 })).toBe("epoch 1: orders 0,1,2");
    // Sent before the answer to the join came, when a owned nothing yet: no answer to the revocation.
    expect(await a.says({ sequence: 3, topicPartitions: {} })).toBe("STALE_MEMBER_EPOCH");
    expect(await a.leaves()).toBe("epoch -1: as before");
  });

  it("takes an answer to a revocation only in the epoch that the revocation was told in", () => {
    const coordinator = new Coordinator();
    const member = consumerMember({
      version: 9,
      state: "UNREVOKED_PARTITIONS",
      memberEpoch: 6,
      previousMemberEpoch: 5,
      assigned: { T: [1] },
      pendingRevocation: { T: [0] },
      revokeBy: coordinator.now + 1,
    });
    const group = consumerGroup({ groupId: GROUP, groupEpoch: 7, assignmentEpoch: 7, reviewAt: coordinator.now + 1 });
    const target = {
      epoch: 7,
      assignor: "uniform" as const,
      topics: [],
      members: { a: { subscriptionId: "s1", partitions: { T: [1] } } },
    };
    const context = { now: coordinator.now, newId: () => "id", config: DEFAULT_GROUP_CONFIG, isLastStep: false };
    const decided = (memberBefore: typeof member, memberEpoch: number) =>
      consumerGroupHeartbeat(
        { group, member, memberBefore, target },
        { groupId: GROUP, memberId: "a", memberEpoch, clientId: "", clientHost: "", topicPartitions: { T: [1] } },
        context,
      );
    expect(decided(member, 6)).toMatchObject({ kind: "write", writes: [{ kind: "put-member" }, { kind: "release" }] });
    // Asked when another partition was pending, in the epoch before: it says nothing of this one.
    expect(decided({ ...member, memberEpoch: 5, pendingRevocation: { T: [3] } }, 5)).toMatchObject({ kind: "answer" });
  });

  it("fences a member that comes with another epoch than its own", async () => {
    const { member } = setUp();
    const [a, b] = [member("a"), member("b")];
    await a.says();
    await b.says();
    await a.says();
    await a.says();
    expect(await a.says({ memberEpoch: 3 })).toBe("FENCED_MEMBER_EPOCH");
    expect(await a.says({ memberEpoch: 1, topicPartitions: { ORDERS: [5] } })).toBe("FENCED_MEMBER_EPOCH");
    // It gives up everything and joins again, under a new epoch.
    expect(await a.rejoins()).toBe("epoch 3: orders 0,1,2");
  });

  it("does not fence a member that one heartbeat leads on by more than an epoch, or that does not say what it owns", async () => {
    const { coordinator, member } = setUp();
    const [a, b] = [member("a"), member("b")];
    await a.says();
    await b.says();
    await a.says();
    expect(await a.says()).toBe("epoch 2: orders 0,1,2");
    expect(await b.says()).toBe("epoch 2: orders 3,4,5");
    await b.leaves();
    const { topicPartitions: _, ...silent } = { memberId: "a", memberEpoch: 2, topicPartitions: {} };
    expect(await coordinator.heartbeat(silent)).toMatchObject({ ok: true, value: { memberEpoch: 3 } });
    // That answer was lost, as it happens, and the next heartbeat finds another epoch ahead of it.
    await b.rejoins();
    await b.leaves();
    expect(await a.says()).toBe("epoch 5: orders 0,1,2,3,4,5");
  });

  it("follows a change of subscription: other topics, a pattern, and none that exists", async () => {
    const { coordinator, member } = setUp();
    coordinator.topic("invoices", 2);
    coordinator.topic("invoices-old", 1);
    const a = member("a");
    await a.says();
    expect(await a.says({ subscribedTopicNames: ["invoices"] })).toBe("epoch 1: nothing");
    expect(await a.says()).toBe("epoch 2: invoices 0,1");
    expect(await a.says({ subscribedTopicNames: [], subscribedTopicRegex: "in.*|nothing" })).toBe(
      "epoch 3: invoices 0,1 invoices-old 0",
    );
    expect(await a.says({ subscribedTopicRegex: "nothing" })).toBe("epoch 3: nothing");
    expect(await a.says()).toBe("epoch 4: nothing");
    expect(await a.says()).toBe("epoch 4: as before");
  });

  it("notices topics that come, grow and go", async () => {
    const { coordinator, member } = setUp();
    const a = member("a", { subscribedTopicRegex: "orders|payments" });
    expect(await a.says()).toBe("epoch 1: orders 0,1,2,3,4,5");
    coordinator.topic("payments", 1);
    coordinator.topic("orders", 7);
    coordinator.wait(5_000);
    expect(await a.says()).toBe("epoch 1: as before");
    coordinator.wait(25_000);
    expect(await a.says()).toBe("epoch 2: orders 0,1,2,3,4,5,6 payments 0");
    coordinator.topics.delete("orders");
    coordinator.wait(30_000);
    expect(await a.says()).toBe("epoch 2: payments 0");
    expect(await a.says()).toBe("epoch 3: payments 0");
  });

  it("uses the assignor that most members want", async () => {
    const { coordinator, member } = setUp();
    coordinator.topic("payments", 6);
    const both = { subscribedTopicNames: ["orders", "payments"] };
    const members = ["a", "b"].map((id) => member(id, { ...both, serverAssignor: "range" }));
    for (let round = 0; round < 4; round++) for (const each of members) await each.says();
    expect(members[0]!.owned).toEqual({ ORDERS: [0, 1, 2], PAYMENTS: [0, 1, 2] });
    expect((await coordinator.store.readTarget(GROUP))?.assignor).toBe("range");
    expect(await member("c", { ...both, serverAssignor: "nearest" }).says()).toBe("UNSUPPORTED_ASSIGNOR");
  });

  it("prefers partitions in a member's rack", async () => {
    const { coordinator, member } = setUp();
    coordinator.topic("orders", 4, [["eu"], ["us"], ["eu"], ["us"]]);
    const [us, eu] = [member("a", { ...ORDERS, rackId: "us" }), member("b", { ...ORDERS, rackId: "eu" })];
    for (let round = 0; round < 4; round++) for (const each of [us, eu]) await each.says();
    expect([us.owned, eu.owned]).toEqual([{ ORDERS: [1, 3] }, { ORDERS: [0, 2] }]);
  });

  it("takes no more members than it may have", async () => {
    const { member } = setUp({ maxSize: 2 });
    await member("a").says();
    await member("b").says();
    expect(await member("c").says()).toBe("GROUP_MAX_SIZE_REACHED");
  });

  it("takes no more topics and partitions than it may have, and goes on as it was", async () => {
    const { coordinator, member } = setUp();
    for (let index = 0; index < 2_000; index++) coordinator.topic(`many-${index}`, 1);
    coordinator.topic("wide", 50_001);
    const a = member("a");
    await a.says();
    expect(await member("b", { subscribedTopicRegex: "many-.*" }).says()).toBe("INVALID_REQUEST");
    expect(await member("c", { subscribedTopicNames: ["wide"] }).says()).toBe("INVALID_REQUEST");
    // b and c never were; the epoch went on.
    expect(await a.says()).toMatch(/: orders 0,1,2,3,4,5$/);
    expect(await a.says({ subscribedTopicNames: ["orders", "wide"] })).toBe("INVALID_REQUEST");
    await coordinator.heartbeat({
      memberId: "d",
      memberEpoch: 0,
      rebalanceTimeoutMs: 1_000,
      subscribedTopicNames: ["orders"],
    });
    expect((await coordinator.store.readMembers(GROUP)).map(({ member: { memberId } }) => memberId)).toEqual(["d"]);
  });

  it("knows groups and members before it lets them do anything but join", async () => {
    const { member } = setUp();
    const a = member("a");
    expect(await a.says({ memberEpoch: 3 })).toBe("GROUP_ID_NOT_FOUND");
    expect(await a.leaves()).toBe("GROUP_ID_NOT_FOUND");
    await a.says();
    expect(await member("b").says({ memberEpoch: 3 })).toBe("UNKNOWN_MEMBER_ID");
    expect(await member("b").leaves()).toBe("UNKNOWN_MEMBER_ID");
  });
});
