import { describe, expect, it } from "vitest";
import { itemBytes, writeUnits } from "../../../bench/item-size.ts";
import type { ConsumerMember } from "../../../shared/group/member.ts";
import { computeTarget } from "../../../shared/group/target-assignment.ts";
import {
  generationToAttributes,
  groupToAttributes,
  targetToAttributes,
} from "../../../shared/storage/dynamodb/group-item.ts";
import { memberToAttributes, sessionToAttributes } from "../../../shared/storage/dynamodb/group-member-item.ts";
import { consumerGroup, consumerMember } from "../../contract/group-items.ts";
import { seededRandom } from "../../sim/scheduler.ts";

const LIMIT = 400 * 1024;
const random = seededRandom(7);
const id = (bytes: number) => Buffer.from(random.bytes(bytes)).toString("base64url");

/** A thousand members on ten thousand partitions of a hundred topics, whose ids do not compress, and who come and go. */
function largeGroup() {
  const topics = new Map(
    Array.from({ length: 100 }, (_, index) => {
      const name = `service-${index}.events`;
      return [name, { topicId: crypto.randomUUID(), name, partitionCount: 100 }] as const;
    }),
  );
  const names = [...topics.keys()].sort();
  const member = (): ConsumerMember =>
    consumerMember({ memberId: id(16), subscribedTopicNames: names, subscriptionId: id(12), clientId: "consumer-1" });
  let members = Array.from({ length: 1_000 }, member);
  let target = computeTarget(1, members, topics, undefined);
  for (let epoch = 2; epoch < 8; epoch++) {
    members = [...members.filter(() => random.next() < 0.8)];
    while (members.length < 1_000) members.push(member());
    target = computeTarget(epoch, members, topics, target);
  }
  return { members, target };
}

describe("a group of 1,000 members on 10,000 partitions of 100 topics", () => {
  const { members, target } = largeGroup();
  const groupId = "orders-service.production";

  it("has its target assignment in an item far below DynamoDB's limit", () => {
    const bytes = itemBytes(targetToAttributes(groupId, target));
    expect(Object.values(target.members)).toHaveLength(1_000);
    expect(bytes).toBeLessThan(LIMIT / 5);
  });

  it("is an item of less than a KiB itself, read with each heartbeat", () => {
    const group = consumerGroup({ groupId, memberCount: 1_000, topicsDigest: id(16), emptySince: 1_700_000_000_000 });
    expect(itemBytes(groupToAttributes(group))).toBeLessThan(1024);
  });

  it("has members of a few KiB, most of it what they subscribe to", () => {
    const sizes = members.map((member) => {
      const assigned = target.members[member.memberId]!.partitions;
      return itemBytes(memberToAttributes(groupId, { ...member, assigned, pendingRevocation: assigned }));
    });
    expect(Math.max(...sizes)).toBeLessThan(6 * 1024);
  });

  it("costs a write unit a heartbeat", () => {
    const session = { memberId: id(16), incarnation: id(12), sessionExpiresAt: 1_700_000_000_000 };
    expect(writeUnits(itemBytes(sessionToAttributes(groupId, session)))).toBe(1);
  });
});

describe("the largest of everything", () => {
  const long = (index: number) => `${String(index).padStart(4, "0")}${id(190)}`.slice(0, 255);

  it("fits where a group has all the topics, partitions and members that it may, shared out as badly as can be", () => {
    const topics = new Map(
      Array.from({ length: 2_000 }, (_, index) => {
        const name = `team-${index % 40}.service-${index}.events`;
        return [name, { topicId: crypto.randomUUID(), name, partitionCount: 25 }] as const;
      }),
    );
    const names = [...topics.keys()].sort();
    const members = Array.from({ length: 1_000 }, () =>
      consumerMember({ memberId: id(16), subscriptionId: id(12), subscribedTopicNames: names }),
    );
    const bytes = itemBytes(targetToAttributes("g", computeTarget(1, members, topics, undefined)));
    expect(bytes).toBeLessThan(LIMIT * 0.75);
  });

  it("fits where the classic protocol's leader hands out all that it may to a thousand members", () => {
    const members = Array.from({ length: 1_000 }, () => id(40));
    const assignments = Object.fromEntries(members.map((memberId) => [memberId, random.bytes(256)]));
    const bytes = itemBytes(generationToAttributes("g".repeat(255), { generationId: 9, members, assignments }));
    expect(bytes).toBeLessThan(LIMIT);
  });

  it("fits where a member subscribes to as many topics as it may and owns every other partition of them", () => {
    const names = Array.from({ length: 1_000 }, (_, index) => long(index).slice(0, 65));
    const assigned = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [
        `${index}-${crypto.randomUUID()}`,
        Array.from({ length: 5 }, (_, at) => at * 2),
      ]),
    );
    const member = consumerMember({
      memberId: long(0),
      subscribedTopicNames: names,
      assigned,
      pendingRevocation: assigned,
    });
    expect(itemBytes(memberToAttributes("g".repeat(255), member))).toBeLessThan(LIMIT);
  });
});
