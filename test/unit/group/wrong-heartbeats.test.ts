import { describe, expect, it } from "vitest";
import { Consumer, Coordinator, GROUP } from "./coordinator.ts";

function setUp() {
  const coordinator = new Coordinator();
  coordinator.topic("orders", 6);
  const member = (memberId: string) => new Consumer(coordinator, memberId, { subscribedTopicNames: ["orders"] });
  return { coordinator, member };
}

describe("a heartbeat that is wrong", () => {
  it.each([
    ["INVALID_REQUEST", { memberId: "" }],
    ["INVALID_REQUEST", { memberId: "x".repeat(256) }],
    ["INVALID_REQUEST", { memberEpoch: -3 }],
    ["INVALID_REQUEST", { memberEpoch: 1.5 }],
    ["INVALID_REQUEST", { memberEpoch: -2 }],
    ["INVALID_REQUEST", { rebalanceTimeoutMs: -1 }],
    ["INVALID_REQUEST", { rebalanceTimeoutMs: 1e12 }],
    ["INVALID_REQUEST", { subscribedTopicNames: [] }],
    ["INVALID_REQUEST", { subscribedTopicNames: Array.from({ length: 10_000 }, (_, index) => `t${index}`) }],
    ["INVALID_REQUEST", { topicPartitions: { ORDERS: [0] } }],
    ["INVALID_REQUEST", { rackId: "" }],
    ["INVALID_GROUP_ID", { groupId: "" }],
    ["INVALID_TOPIC_EXCEPTION", { subscribedTopicNames: ["no spaces"] }],
    ["INVALID_REGULAR_EXPRESSION", { subscribedTopicRegex: "(" }],
    ["INVALID_REGULAR_EXPRESSION", { subscribedTopicRegex: "(?=orders)" }],
  ])("is refused with %s, and leaves nothing behind (%#)", async (code, change) => {
    const { coordinator, member } = setUp();
    expect(await member("a").says(change)).toBe(code);
    expect(await coordinator.store.readGroup(GROUP, "a")).toEqual({});
    expect(await coordinator.store.listGroups({ limit: 10 })).toEqual([]);
  });
});
