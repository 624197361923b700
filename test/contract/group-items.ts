import type { ClassicGroup, ConsumerGroup, TargetAssignment } from "../../shared/group/group.ts";
import type { OffsetCommit } from "../../shared/group/group-store.ts";
import type { CommittedOffset, GroupWrite, PartitionOwner } from "../../shared/group/group-write.ts";
import type { ClassicMember, ConsumerMember } from "../../shared/group/member.ts";

export function consumerGroup(change: Partial<ConsumerGroup> = {}): ConsumerGroup {
  return {
    type: "consumer",
    groupId: `g-${crypto.randomUUID()}`,
    incarnation: "life",
    version: 1,
    groupEpoch: 1,
    assignmentEpoch: 0,
    topicsDigest: "",
    reviewAt: 5,
    memberCount: 0,
    ...change,
  };
}

export function classicGroup(change: Partial<ClassicGroup> = {}): ClassicGroup {
  return {
    type: "classic",
    groupId: `g-${crypto.randomUUID()}`,
    incarnation: "life",
    version: 1,
    state: "Stable",
    generationId: 3,
    protocolType: "consumer",
    protocolName: "range",
    leaderId: "a",
    reviewAt: 5,
    memberCount: 1,
    ...change,
  };
}

export function consumerMember(change: Partial<ConsumerMember> = {}): ConsumerMember {
  return {
    type: "consumer",
    memberId: "a",
    incarnation: "m1",
    version: 1,
    clientId: "client",
    clientHost: "host",
    rebalanceTimeoutMs: 60_000,
    subscribedTopicNames: ["orders"],
    subscriptionId: "s1",
    isCovered: true,
    state: "STABLE",
    memberEpoch: 1,
    previousMemberEpoch: 0,
    assigned: { T: [0, 1, 2, 7], U: [300] },
    pendingRevocation: {},
    ...change,
  };
}

export function classicMember(change: Partial<ClassicMember> = {}): ClassicMember {
  return {
    type: "classic",
    memberId: "a",
    incarnation: "m1",
    version: 1,
    clientId: "client",
    clientHost: "host",
    rebalanceTimeoutMs: 60_000,
    sessionTimeoutMs: 10_000,
    protocols: [
      { name: "range", metadata: Uint8Array.of(0, 1, 255) },
      { name: "sticky", metadata: new Uint8Array() },
    ],
    joinedGeneration: 3,
    joinedAt: 9,
    ...change,
  };
}

export const target: TargetAssignment = {
  epoch: 4,
  assignor: "uniform",
  topics: [
    { topicId: "T", name: "orders", partitionCount: 12 },
    { topicId: "U", name: "payments", partitionCount: 301 },
  ],
  members: {
    a: { subscriptionId: "s1", partitions: { T: [0, 1, 2, 7], U: [300] } },
    b: { subscriptionId: "s2", partitions: {} },
  },
};

export const session = (memberId: string, sessionExpiresAt: number, incarnation = "m1") => ({
  memberId,
  incarnation,
  sessionExpiresAt,
});

export const acquire = (partition: number, memberId: string, epoch = 1): GroupWrite => ({
  kind: "acquire",
  partition: { topicId: "T", partition },
  topic: "orders",
  owner: { memberId, epoch },
});

export const release = (partition: number, memberId: string): GroupWrite => ({
  kind: "release",
  partition: { topicId: "T", partition },
  memberId,
});

export const offsetOf = (offset: number, change: Partial<CommittedOffset> = {}): CommittedOffset => ({
  offset,
  leaderEpoch: -1,
  metadata: "",
  committedAt: 5,
  ...change,
});

export const commitOf = (partition: number, offset: number, by?: PartitionOwner): OffsetCommit => ({
  topicId: "T",
  partition,
  topic: "orders",
  offset: offsetOf(offset),
  by,
});
