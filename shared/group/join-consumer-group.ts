import { refuse } from "../kafka/kafka-error.ts";
import type { ConsumerGroupHeartbeat, ConsumerGroupHeartbeatAnswer } from "./consumer-heartbeat.ts";
import { type Decision, type GroupContext, type GroupView, read, write } from "./decision.ts";
import type { ConsumerGroup } from "./group.ts";
import { otherInstance, overtakenRefusal } from "./heartbeat-refusals.ts";
import { type ConsumerMember, STATIC_MEMBER_LEFT } from "./member.ts";
import { NO_PARTITIONS } from "./partitions-by-topic.ts";
import { progress, subscribedAlike } from "./progress.ts";
import { removeMembers } from "./remove-members.ts";
import { holderOf, replaceStaticMember } from "./static-members.ts";
import { sortedNames } from "./subscription.ts";

/** A heartbeat with memberEpoch 0: a new member, one whose first answer was lost, or one that was fenced and begins again. */
export function joinConsumerGroup(
  view: GroupView,
  group: ConsumerGroup,
  request: ConsumerGroupHeartbeat,
  context: GroupContext,
): Decision<ConsumerGroupHeartbeatAnswer> {
  const { member } = view;
  if (member === undefined) return addMember(view, group, request, context);
  if (member.type !== "consumer" || member.isFenced) return write(...removeMembers(group, [{ member }]));
  if (member.instanceId !== request.instanceId) return { kind: "refused", refusal: otherInstance(member, request) };
  const overtaken = overtakenRefusal(member, request);
  if (overtaken !== undefined) return { kind: "refused", refusal: overtaken };
  // It gave everything up and begins again: under an epoch of its own, so that what it sent before cannot be taken for new.
  if (isRejoining(view, member)) return write(...removeMembers(group, [{ member }]));
  return progress(view, group, member, request, context);
}

function isRejoining({ memberBefore }: GroupView, member: ConsumerMember): boolean {
  if (memberBefore?.type !== "consumer" || memberBefore.incarnation !== member.incarnation) return false;
  if (memberBefore.memberEpoch === STATIC_MEMBER_LEFT) return true;
  return memberBefore.memberEpoch > 0 && memberBefore.previousMemberEpoch > 0;
}

function addMember(
  view: GroupView,
  group: ConsumerGroup,
  request: ConsumerGroupHeartbeat,
  context: GroupContext,
): Decision<never> {
  const { memberId, instanceId } = request;
  const { now, config } = context;
  if (instanceId !== undefined) {
    if (view.members === undefined) return read({ kind: "members" });
    const holder = holderOf(view.members, instanceId);
    // It has joined since the group was read: by what this request wrote, the answer to which was lost.
    if (holder?.member.memberId === memberId) return write();
    if (holder?.member.type === "consumer") {
      const { member: before, session } = holder;
      if (session !== undefined && session.sessionExpiresAt <= now) {
        return write(...removeMembers(group, [{ member: before, session }]));
      }
      if (before.memberEpoch !== STATIC_MEMBER_LEFT) {
        const refusal = refuse(
          "UNRELEASED_INSTANCE_ID",
          `instance "${instanceId}" is member ${before.memberId}, which has not left`,
          "stop that one first, or wait for the end of its session",
        );
        return { kind: "refused", refusal };
      }
      const member = newMember(request, context, before);
      return replaceStaticMember(view, group, before, { member, instanceId }, context);
    }
  }
  if (group.memberCount >= config.maxSize) {
    return {
      kind: "refused",
      refusal: refuse("GROUP_MAX_SIZE_REACHED", `the group has ${config.maxSize} members already`),
    };
  }
  const member = newMember(request, context);
  const sessionExpiresAt = now + config.consumerSessionTimeoutMs;
  return write(
    { kind: "put-member", member },
    { kind: "begin-session", session: { memberId, incarnation: member.incarnation, sessionExpiresAt } },
    ...(instanceId === undefined ? [] : [{ kind: "put-instance", instanceId, memberId } as const]),
  );
}

/** `before`: the static member whose place it takes; the same subscription stays the same one. */
function newMember(request: ConsumerGroupHeartbeat, { newId }: GroupContext, before?: ConsumerMember): ConsumerMember {
  const { instanceId, rackId, sequence, serverAssignor, subscribedTopicRegex } = request;
  const subscription = {
    subscribedTopicNames: sortedNames(request.subscribedTopicNames ?? []),
    ...((subscribedTopicRegex ?? "") === "" ? {} : { subscribedTopicRegex: subscribedTopicRegex! }),
  };
  return {
    type: "consumer",
    memberId: request.memberId,
    incarnation: newId(),
    version: 1,
    clientId: request.clientId,
    clientHost: request.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs!,
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(sequence === undefined ? {} : { sequence }),
    ...(rackId === undefined ? {} : { rackId }),
    ...(serverAssignor === undefined ? {} : { serverAssignor }),
    ...subscription,
    subscriptionId: before !== undefined && subscribedAlike(before, subscription) ? before.subscriptionId : newId(),
    isCovered: false,
    state: "STABLE",
    memberEpoch: 0,
    previousMemberEpoch: 0,
    assigned: NO_PARTITIONS,
    pendingRevocation: NO_PARTITIONS,
  };
}
