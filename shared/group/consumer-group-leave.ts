import { type ConsumerGroupHeartbeat, type ConsumerGroupHeartbeatAnswer, LEAVE_EPOCH } from "./consumer-heartbeat.ts";
import { type Decision, type GroupContext, type GroupView, write } from "./decision.ts";
import { type GroupWrite, MAX_PARTITION_WRITES } from "./group-write.ts";
import { otherInstance, overtakenRefusal, unknownGroup } from "./heartbeat-refusals.ts";
import { type ConsumerMember, STATIC_MEMBER_LEFT } from "./member.ts";
import { difference, firstOf, isEmpty, listPartitions } from "./partitions-by-topic.ts";
import { withSequence } from "./progress.ts";
import { removeMembers } from "./remove-members.ts";
import { isReviewDue, review } from "./review.ts";
import { absentMember } from "./static-members.ts";

/** A heartbeat with memberEpoch -1: the member is gone for good; or -2: a static one will be back, and keeps its partitions until then. */
export function consumerGroupLeave(
  view: GroupView,
  request: ConsumerGroupHeartbeat,
  context: GroupContext,
): Decision<ConsumerGroupHeartbeatAnswer> {
  const { group, member, memberBefore } = view;
  if (group?.type !== "consumer")
    return { kind: "refused", refusal: unknownGroup(request.groupId, group !== undefined) };
  if (member?.type !== "consumer") {
    if (memberBefore === undefined) return absentMember(view, request);
    // The last one out leaves a group that is known to be empty; otherwise whoever comes next computes the assignment.
    const isToEmpty = group.memberCount === 0 && group.emptySince === undefined;
    if (isToEmpty && isReviewDue(group, context.now) && !context.isLastStep) return review(view, group, context);
    return left(request, context);
  }
  if (request.instanceId !== undefined && member.instanceId !== request.instanceId) {
    return { kind: "refused", refusal: otherInstance(member, request) };
  }
  const overtaken = overtakenRefusal(member, request);
  if (overtaken !== undefined) return { kind: "refused", refusal: overtaken };
  if (request.memberEpoch === LEAVE_EPOCH || member.isFenced) return write(...removeMembers(group, [{ member }]));
  if (member.memberEpoch === STATIC_MEMBER_LEFT) return left(request, context);
  return leaveForAWhile(withSequence(member, request), context);
}

/** What it was to revoke is free, as nobody consumes it any more. */
function leaveForAWhile(member: ConsumerMember, { now, config }: GroupContext): Decision<never> {
  const { memberId, incarnation } = member;
  const released = firstOf(member.pendingRevocation, MAX_PARTITION_WRITES);
  const pendingRevocation = difference(member.pendingRevocation, released);
  const { revokeBy: _, ...rest } = member;
  const hasLeft = isEmpty(pendingRevocation);
  const next: ConsumerMember = hasLeft
    ? { ...rest, state: "STABLE", memberEpoch: STATIC_MEMBER_LEFT, previousMemberEpoch: member.memberEpoch }
    : member;
  return write(
    { kind: "put-member", member: { ...next, version: member.version + 1, pendingRevocation } },
    {
      kind: "extend-session",
      session: { memberId, incarnation, sessionExpiresAt: now + config.consumerSessionTimeoutMs },
    },
    ...listPartitions(released).map((partition): GroupWrite => ({ kind: "release", partition, memberId })),
  );
}

function left(
  { memberId, memberEpoch }: ConsumerGroupHeartbeat,
  { config }: GroupContext,
): Decision<ConsumerGroupHeartbeatAnswer> {
  const answer = { memberId, memberEpoch, heartbeatIntervalMs: config.consumerHeartbeatIntervalMs };
  return { kind: "answer", writes: [], answer };
}
