import type { AssignedPartitions, ConsumerGroupHeartbeat, ConsumerGroupHeartbeatAnswer } from "./consumer-heartbeat.ts";
import { JOIN_EPOCH } from "./consumer-heartbeat.ts";
import { type Decision, type GroupContext, type GroupView, read, type Step, write } from "./decision.ts";
import type { ConsumerGroup, TargetAssignment } from "./group.ts";
import { type GroupWrite, MAX_PARTITION_WRITES } from "./group-write.ts";
import type { ConsumerMember } from "./member.ts";
import { isSame, listPartitions, partitionKey, type TopicIdPartition } from "./partitions-by-topic.ts";
import { isReconciledTo, reconcile } from "./reconcile.ts";
import { isReviewDue, review } from "./review.ts";
import { type Subscription, sortedNames } from "./subscription.ts";

/**
 * What a member's heartbeat leads on to, step by step: its changes are kept, the group is looked after if that is due, a target
 * assignment is asked for that knows its subscription, and it is reconciled as far as it can be. Nothing of it is due in a heartbeat that
 * changes nothing: that ends with its session extended.
 */
export function progress(
  view: GroupView,
  group: ConsumerGroup,
  member: ConsumerMember,
  request: ConsumerGroupHeartbeat,
  context: GroupContext,
): Decision<ConsumerGroupHeartbeatAnswer> {
  const changed = withChanges(member, request, context);
  if (changed !== member) return write({ kind: "put-member", member: withSequence(changed, request) });
  if (!context.isLastStep) {
    if (isReviewDue(group, context.now)) return review(view, group, context);
    const step = stepTowardsTarget(view, group, member, request, context);
    if (step !== undefined) return step;
  }
  return answer(view, member, request, context);
}

function stepTowardsTarget(
  view: GroupView,
  group: ConsumerGroup,
  member: ConsumerMember,
  request: ConsumerGroupHeartbeat,
  { now }: GroupContext,
): Step | undefined {
  if (isReconciledTo(member, group.assignmentEpoch)) return undefined;
  const { target } = view;
  if (target === undefined) return read({ kind: "target" });
  const entry = target?.members[member.memberId];
  if (target === null || entry?.subscriptionId !== member.subscriptionId) {
    return write({
      kind: "put-group",
      group: { ...group, version: group.version + 1, groupEpoch: group.groupEpoch + 1 },
    });
  }
  const step = reconcile(
    member,
    { epoch: target.epoch, partitions: entry.partitions },
    wasRevoking(view, member) ? request.topicPartitions : undefined,
    (partition) => isFree(view, partition),
    { now, maxPartitions: MAX_PARTITION_WRITES },
  );
  if (step.kind === "wanted") return read({ kind: "partitions", partitions: step.partitions });
  if (step.kind !== "changed") return undefined;
  const owner = { memberId: member.memberId, epoch: step.member.memberEpoch };
  const topicNames = namesOf(target);
  return write(
    { kind: "put-member", member: withSequence(step.member, request) },
    ...listPartitions(step.released).map(
      (partition): GroupWrite => ({ kind: "release", partition, memberId: member.memberId }),
    ),
    ...listPartitions(step.acquired).map(
      (partition): GroupWrite => ({ kind: "acquire", partition, topic: topicNames.get(partition.topicId)!, owner }),
    ),
  );
}

/**
 * Whether what the member says it owns is an answer to the revocation that is pending: only if that was pending when the member
 * said so. A member revokes once an epoch at most.
 */
function wasRevoking({ memberBefore }: GroupView, member: ConsumerMember): boolean {
  return (
    memberBefore?.type === "consumer" &&
    memberBefore.incarnation === member.incarnation &&
    memberBefore.state === "UNREVOKED_PARTITIONS" &&
    memberBefore.memberEpoch === member.memberEpoch
  );
}

function isFree({ partitions }: GroupView, partition: TopicIdPartition): boolean | undefined {
  const item = partitions?.get(partitionKey(partition));
  return item === undefined ? undefined : item?.owner === undefined;
}

function answer(
  view: GroupView,
  member: ConsumerMember,
  request: ConsumerGroupHeartbeat,
  { now, config }: GroupContext,
): Decision<ConsumerGroupHeartbeatAnswer> {
  const tellsAssignment = doesNotKnow(request, member) || hasNewAssignment(view, member);
  if (tellsAssignment && isBehind(member, request)) {
    return write({ kind: "put-member", member: withSequence({ ...member, version: member.version + 1 }, request) });
  }
  if (tellsAssignment && view.target === undefined) return read({ kind: "target" });
  const { memberId, incarnation, memberEpoch } = member;
  const sessionExpiresAt = now + config.consumerSessionTimeoutMs;
  return {
    kind: "answer",
    writes: [{ kind: "extend-session", session: { memberId, incarnation, sessionExpiresAt } }],
    answer: {
      memberId,
      memberEpoch,
      heartbeatIntervalMs: config.consumerHeartbeatIntervalMs,
      ...(tellsAssignment ? { assignment: assignmentOf(member, view.target ?? null) } : {}),
    },
  };
}

/** From what the request says, its sender may not know what the member has. */
function doesNotKnow(request: ConsumerGroupHeartbeat, member: ConsumerMember): boolean {
  if (isFull(request) || request.memberEpoch !== member.memberEpoch) return true;
  return request.topicPartitions !== undefined && !isSame(request.topicPartitions, member.assigned);
}

/** Earlier requests would still be heard: but they do not know what is told now. */
function isBehind(member: ConsumerMember, { sequence }: ConsumerGroupHeartbeat): boolean {
  return sequence !== undefined && (member.sequence === undefined || member.sequence < sequence);
}

/** A request that has everything: the member joins, or does not know what became of its last one. */
function isFull(request: ConsumerGroupHeartbeat): boolean {
  const { memberEpoch, rebalanceTimeoutMs, subscribedTopicNames, subscribedTopicRegex, topicPartitions } = request;
  if (memberEpoch === JOIN_EPOCH) return true;
  const hasSubscription = subscribedTopicNames !== undefined || subscribedTopicRegex !== undefined;
  return rebalanceTimeoutMs !== undefined && hasSubscription && topicPartitions !== undefined;
}

function hasNewAssignment({ memberBefore }: GroupView, member: ConsumerMember): boolean {
  return memberBefore?.type !== "consumer" || !isSame(memberBefore.assigned, member.assigned);
}

/** Topics that are gone are left out: there is nothing left in them to consume. */
function assignmentOf({ assigned }: ConsumerMember, target: TargetAssignment | null): AssignedPartitions[] {
  const names = target === null ? new Map<string, string>() : namesOf(target);
  return Object.entries(assigned).flatMap(([topicId, partitions]) => {
    const topic = names.get(topicId);
    return topic === undefined ? [] : [{ topicId, topic, partitions }];
  });
}

function namesOf(target: TargetAssignment): ReadonlyMap<string, string> {
  return new Map(target.topics.map(({ topicId, name }) => [topicId, name]));
}

/** The member with what the request changes of it; itself if that is nothing. */
function withChanges(member: ConsumerMember, request: ConsumerGroupHeartbeat, { newId }: GroupContext): ConsumerMember {
  const { rackId = member.rackId, serverAssignor = member.serverAssignor } = request;
  const { rebalanceTimeoutMs = member.rebalanceTimeoutMs } = request;
  const pattern = request.subscribedTopicRegex ?? member.subscribedTopicRegex;
  const subscription: Subscription = {
    subscribedTopicNames:
      request.subscribedTopicNames === undefined
        ? member.subscribedTopicNames
        : sortedNames(request.subscribedTopicNames),
    ...(pattern === undefined || pattern === "" ? {} : { subscribedTopicRegex: pattern }),
  };
  const isAlike = subscribedAlike(member, subscription);
  const isSameOtherwise =
    rackId === member.rackId &&
    serverAssignor === member.serverAssignor &&
    rebalanceTimeoutMs === member.rebalanceTimeoutMs;
  if (isAlike && isSameOtherwise) return member;
  const { subscribedTopicRegex: _, ...rest } = member;
  return {
    ...rest,
    version: member.version + 1,
    clientId: request.clientId,
    clientHost: request.clientHost,
    rebalanceTimeoutMs,
    ...(rackId === undefined ? {} : { rackId }),
    ...(serverAssignor === undefined ? {} : { serverAssignor }),
    ...subscription,
    ...(isAlike ? {} : { subscriptionId: newId(), isCovered: false }),
  };
}

export function withSequence(member: ConsumerMember, { sequence }: ConsumerGroupHeartbeat): ConsumerMember {
  return sequence === undefined ? member : { ...member, sequence };
}

export function subscribedAlike(one: Subscription, other: Subscription): boolean {
  return (
    one.subscribedTopicRegex === other.subscribedTopicRegex &&
    one.subscribedTopicNames.length === other.subscribedTopicNames.length &&
    one.subscribedTopicNames.every((name, index) => name === other.subscribedTopicNames[index])
  );
}
