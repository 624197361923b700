import { describe, expect, it } from "vitest";
import { completeJoin } from "../../../shared/group/classic-rebalance.ts";
import { DEFAULT_GROUP_CONFIG } from "../../../shared/group/group-config.ts";
import { classicGroup, classicMember, session } from "../../contract/group-items.ts";
import { ClassicConsumer, Consumer, Coordinator } from "./coordinator.ts";

function setUp(...config: ConstructorParameters<typeof Coordinator>) {
  const coordinator = new Coordinator(...config);
  coordinator.topic("orders", 6);
  const member = (name: string, request: ClassicConsumer["request"] = {}) =>
    new ClassicConsumer(coordinator, name, request);
  return { coordinator, member };
}

/** Two members in a stable group, a leads. */
async function stable(config: Parameters<typeof setUp>[0] = {}, request: ClassicConsumer["request"] = {}) {
  const { coordinator, member } = setUp(config);
  const [a, b] = [member("a", request), member("b", request)];
  if (request.instanceId === undefined) {
    await a.enters();
    await b.enters();
  } else {
    Object.assign(a.request, { instanceId: "one" });
    Object.assign(b, { request: { ...request, instanceId: "two" } });
    await a.joins();
    await b.joins();
  }
  coordinator.wait(3_000);
  await a.awaits();
  await b.awaits();
  await a.syncs({ a: "half", b: "other half" });
  await b.syncs();
  return { coordinator, member, a, b };
}

describe("a group of the classic protocol", () => {
  it("waits for members at its beginning, lets the first of them assign, and hands out what it assigned", async () => {
    const { coordinator, member } = setUp();
    const [a, b] = [member("a"), member("b")];
    expect(await a.joins()).toBe("id a");
    expect(await a.joins()).toBe("waiting");
    expect(await b.enters()).toBe("waiting");
    coordinator.wait(2_999);
    expect(await a.awaits()).toBe("waiting");
    coordinator.wait(1);
    expect(await b.awaits()).toBe("generation 1 leader a");
    expect(await a.awaits()).toBe("generation 1 leader a: a b");
    expect(await b.syncs()).toBe("waiting");
    expect(await a.syncs({ a: "half", b: "other half", c: "nobody's" })).toBe("half");
    expect(await b.syncs()).toBe("other half");
    expect(await b.beats()).toBe("alive");
  });

  it("rebalances when somebody joins: heartbeats say so, and it completes when all have joined again", async () => {
    const { member, a, b } = await stable();
    const c = member("c");
    expect(await c.enters()).toBe("waiting");
    expect(await a.beats()).toBe("REBALANCE_IN_PROGRESS");
    expect(await a.joins()).toBe("waiting");
    expect(await b.beats()).toBe("REBALANCE_IN_PROGRESS");
    expect(await b.joins()).toBe("generation 2 leader a");
    expect(await a.awaits()).toBe("generation 2 leader a: a b c");
    expect(await c.awaits()).toBe("generation 2 leader a");
    expect(await b.syncs()).toBe("waiting");
    expect(await a.beats(1)).toBe("ILLEGAL_GENERATION");
  });

  it("goes on without those that do not join again in time", async () => {
    const { coordinator, member, a, b } = await stable({}, { rebalanceTimeoutMs: 20_000, sessionTimeoutMs: 30_000 });
    const c = member("c");
    await c.enters();
    await a.joins();
    coordinator.wait(19_999);
    expect(await b.beats()).toBe("REBALANCE_IN_PROGRESS");
    expect(await a.awaits()).toBe("waiting");
    coordinator.wait(40_000);
    expect(await a.awaits()).toBe("generation 2 leader a: a c");
    expect(await c.awaits()).toBe("generation 2 leader a");
    expect(await b.beats()).toBe("UNKNOWN_MEMBER_ID");
    expect(await b.joins()).toBe("UNKNOWN_MEMBER_ID");
  });

  it("rebalances when a member leaves, and when one is silent for its session timeout", async () => {
    const { coordinator, a, b } = await stable();
    expect(await a.leaves()).toBe("left");
    expect(await a.leaves()).toBe("UNKNOWN_MEMBER_ID");
    expect(await b.beats()).toBe("REBALANCE_IN_PROGRESS");
    expect(await b.joins()).toBe("generation 2 leader b: b");
    expect(await b.syncs({ b: "all" })).toBe("all");

    const c = new ClassicConsumer(coordinator, "c");
    await c.enters();
    await b.joins();
    await c.awaits();
    await b.awaits();
    await b.syncs({ b: "half" });
    expect(await c.beats()).toBe("alive");
    coordinator.wait(9_000);
    expect(await c.beats()).toBe("alive");
    coordinator.wait(1_000);
    expect(await c.beats()).toBe("REBALANCE_IN_PROGRESS");
    expect(await b.beats()).toBe("UNKNOWN_MEMBER_ID");
    expect(await c.joins()).toBe("generation 4 leader c: c");
  });

  it("is empty when the last one has left, and begins again", async () => {
    const { coordinator, member, a, b } = await stable();
    await a.leaves();
    await b.leaves();
    expect((await coordinator.store.readGroup("g")).group).toMatchObject({
      state: "Empty",
      emptySince: coordinator.now,
    });
    expect(await b.beats()).toBe("UNKNOWN_MEMBER_ID");
    const c = member("c");
    await c.enters();
    coordinator.wait(3_000);
    expect(await c.awaits()).toBe("generation 3 leader c: c");
  });

  it("lets a member have the same answer again, and a new one if it leads or has something new to say", async () => {
    const { a, b } = await stable();
    expect(await b.joins()).toBe("generation 1 leader a");
    expect(await a.beats()).toBe("alive");
    expect(await a.joins()).toBe("waiting");
    expect(await b.joins()).toBe("generation 2 leader a");
    expect(await a.awaits()).toBe("generation 2 leader a: a b");
    expect(await a.joins()).toBe("generation 2 leader a: a b");
    expect(await a.syncs({ a: "x", b: "y" })).toBe("x");
    expect(await b.joins({ protocols: [{ name: "range", metadata: Buffer.from("more") }] })).toBe("waiting");
    expect(await a.beats()).toBe("REBALANCE_IN_PROGRESS");
  });

  it("speaks what most members prefer of what all of them know", async () => {
    const { coordinator, member } = setUp();
    const speaking = (...names: string[]) => ({
      protocols: names.map((name) => ({ name, metadata: Buffer.from(name) })),
    });
    const members = [
      member("a", speaking("x", "y", "z")),
      member("b", speaking("z", "y")),
      member("c", speaking("w", "z", "y")),
    ];
    for (const each of members) await each.enters();
    expect(await member("d", speaking("x", "w")).enters()).toBe("INCONSISTENT_GROUP_PROTOCOL");
    expect(await member("d", { protocolType: "connect" }).enters()).toBe("INCONSISTENT_GROUP_PROTOCOL");
    coordinator.wait(3_000);
    for (const each of members) await each.awaits();
    expect((await coordinator.store.readGroup("g")).group).toMatchObject({ protocolName: "z", generationId: 1 });
  });

  it("does without a leader that does not assign within the rebalance timeout", async () => {
    const { coordinator, member } = setUp();
    const quick = { rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 30_000 };
    const [a, b] = [member("a", quick), member("b", quick)];
    await a.enters();
    await b.enters();
    coordinator.wait(3_000);
    await b.awaits();
    expect(await b.syncs()).toBe("waiting");
    coordinator.wait(5_000);
    expect(await b.syncs()).toBe("REBALANCE_IN_PROGRESS");
    expect(await b.joins()).toBe("generation 2 leader b: b");
    expect(await a.syncs({ a: "late" })).toBe("UNKNOWN_MEMBER_ID");
  });

  it("takes no more members than it may have, none without a fair session timeout, and knows who is whose", async () => {
    const { member, a, b } = await stable({ maxSize: 2 });
    expect(await member("c").joins()).toBe("GROUP_MAX_SIZE_REACHED");
    expect(await member("c").joins({ sessionTimeoutMs: 5_999 })).toBe("INVALID_SESSION_TIMEOUT");
    expect(await member("c").joins({ sessionTimeoutMs: Number.NaN })).toBe("INVALID_SESSION_TIMEOUT");
    expect(await member("c").joins({ rebalanceTimeoutMs: 0 })).toBe("INVALID_REQUEST");
    expect(await member("c").joins({ protocols: [] })).toBe("INCONSISTENT_GROUP_PROTOCOL");
    expect(await member("c").joins({ memberId: "c" })).toBe("UNKNOWN_MEMBER_ID");
    expect(await member("c").joins({ groupId: "" })).toBe("INVALID_GROUP_ID");
    expect(await a.beats(7)).toBe("ILLEGAL_GENERATION");
    b.generationId = 0;
    expect(await b.syncs()).toBe("ILLEGAL_GENERATION");
  });

  it("has members of one protocol at a time", async () => {
    const { coordinator, member, a, b } = await stable();
    const modern = new Consumer(coordinator, "m", { subscribedTopicNames: ["orders"] });
    expect(await modern.says()).toBe("GROUP_ID_NOT_FOUND");
    await a.leaves();
    await b.leaves();
    expect(await modern.says()).toBe("epoch 3: orders 0,1,2,3,4,5");
    expect(await member("c").joins()).toBe("INCONSISTENT_GROUP_PROTOCOL");
    expect(await a.beats()).toBe("UNKNOWN_MEMBER_ID");
    await modern.leaves();
    expect(await member("c").enters()).toBe("waiting");
  });
});

describe("static members of a classic group", () => {
  it("come back into a stable group without a rebalance, and fence who they were before", async () => {
    const { coordinator, a, b } = await stable({}, { instanceId: "one" });
    const again = new ClassicConsumer(coordinator, "b-again", { instanceId: "two", protocols: bSpeaks });
    expect(await again.joins()).toBe("generation 1 leader a");
    expect(await again.syncs()).toBe("other half");
    expect(await b.beats()).toBe("FENCED_INSTANCE_ID");
    expect(await a.beats()).toBe("alive");
  });

  it("lead on without assigning again", async () => {
    const { coordinator, a, b } = await stable({}, { instanceId: "one" });
    const again = new ClassicConsumer(coordinator, "a-again", { instanceId: "one", protocols: aSpeaks });
    expect(await again.joins()).toBe("generation 1 leader a-again: a-again b (nothing to assign)");
    expect(await again.syncs()).toBe("half");
    expect(await a.beats()).toBe("FENCED_INSTANCE_ID");
    expect(await b.beats()).toBe("alive");
  });

  it("make the group rebalance when they come back with something new", async () => {
    const { coordinator, a } = await stable({}, { instanceId: "one" });
    const again = new ClassicConsumer(coordinator, "b-again", { instanceId: "two" });
    expect(await again.joins()).toBe("waiting");
    expect(await a.beats()).toBe("REBALANCE_IN_PROGRESS");
    expect(await a.joins()).toBe("generation 2 leader a: a b-again");
    expect(await again.awaits()).toBe("generation 2 leader a");
  });

  it("stay in the group while it rebalances without them, and go when their session is over", async () => {
    const { coordinator, member, a } = await stable(
      {},
      { instanceId: "one", rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 8_000 },
    );
    await member("c", { rebalanceTimeoutMs: 5_000 }).enters();
    await a.joins();
    coordinator.wait(5_000);
    expect(await a.awaits()).toBe("generation 2 leader a: a b c");
    coordinator.wait(3_000);
    expect(await a.beats()).toBe("REBALANCE_IN_PROGRESS");
  });
});

const aSpeaks = [{ name: "range", metadata: Buffer.from("a wants") }];
const bSpeaks = [{ name: "range", metadata: Buffer.from("b wants") }];

describe("a rebalance that completes without a silent member", () => {
  it("waits for it after all if it is heard of in that moment", () => {
    const group = classicGroup({ state: "PreparingRebalance", generationId: 4, rebalanceBy: 90_000, reviewAt: 90_000 });
    const [joined, silent] = [
      { member: classicMember({ memberId: "a", joinedGeneration: 5 }), session: session("a", 20_000) },
      { member: classicMember({ memberId: "b", joinedGeneration: 4 }), session: session("b", 10_000) },
    ];
    const context = { now: 10_000, newId: () => "id", config: DEFAULT_GROUP_CONFIG, isLastStep: false };
    const completed = completeJoin(group, [joined, silent], context);
    expect(completed).toMatchObject({ kind: "write" });
    const writes = completed?.kind === "write" ? completed.writes : [];
    expect(writes).toContainEqual({ kind: "delete-session", memberId: "b", session: silent.session });
    // One that is alive, and does not join in time, goes in any case.
    const late = completeJoin(group, [joined, { ...silent, session: session("b", 95_000) }], {
      ...context,
      now: 90_000,
    });
    expect(late?.kind === "write" ? late.writes : []).toContainEqual({ kind: "delete-session", memberId: "b" });
  });
});
