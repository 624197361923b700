import { beginConsumerGroup } from "./begin-group.ts";
import { consumerGroupLeave } from "./consumer-group-leave.ts";
import { type ConsumerGroupHeartbeat, type ConsumerGroupHeartbeatAnswer, JOIN_EPOCH } from "./consumer-heartbeat.ts";
import type { Decision, GroupContext, GroupView } from "./decision.ts";
import { epochRefusal, heartbeatRefusal, otherInstance, overtakenRefusal, unknownGroup } from "./heartbeat-refusals.ts";
import { joinConsumerGroup } from "./join-consumer-group.ts";
import { type ConsumerMember, STATIC_MEMBER_LEFT } from "./member.ts";
import { progress } from "./progress.ts";
import { removeMembers } from "./remove-members.ts";
import { absentMember } from "./static-members.ts";

/**
 * One step of a heartbeat of the consumer protocol. Refusals: GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH,
 * FENCED_INSTANCE_ID, UNRELEASED_INSTANCE_ID, GROUP_MAX_SIZE_REACHED, UNSUPPORTED_ASSIGNOR, INVALID_REQUEST, INVALID_GROUP_ID,
 * INVALID_TOPIC_EXCEPTION, INVALID_REGULAR_EXPRESSION, COORDINATOR_NOT_AVAILABLE.
 */
export function consumerGroupHeartbeat(
  view: GroupView,
  request: ConsumerGroupHeartbeat,
  context: GroupContext,
): Decision<ConsumerGroupHeartbeatAnswer> {
  const refusal = heartbeatRefusal(request);
  if (refusal !== undefined) return { kind: "refused", refusal };
  if (request.memberEpoch < 0) return consumerGroupLeave(view, request, context);
  const { group } = view;
  if (request.memberEpoch === JOIN_EPOCH) {
    const begun = beginConsumerGroup(group, request.groupId, context);
    return begun.kind === "group" ? joinConsumerGroup(view, begun.group, request, context) : begun;
  }
  if (group?.type !== "consumer")
    return { kind: "refused", refusal: unknownGroup(request.groupId, group !== undefined) };
  const { member } = view;
  if (member?.type !== "consumer") return absentMember(view, request);
  if (member.isFenced) return { kind: "write", writes: removeMembers(group, [{ member }]) };
  if (member.instanceId !== request.instanceId) return { kind: "refused", refusal: otherInstance(member, request) };
  const fenced = overtakenRefusal(member, request) ?? epochRefusal(asItCame(view, member), request);
  if (fenced !== undefined) return { kind: "refused", refusal: fenced };
  return progress(view, group, member, request, context);
}

/** The member by which a request's epoch is judged: what the request itself has led on to since then is nothing against it. */
function asItCame({ memberBefore }: GroupView, member: ConsumerMember): ConsumerMember {
  if (memberBefore?.type !== "consumer" || memberBefore.incarnation !== member.incarnation) return member;
  return member.memberEpoch === STATIC_MEMBER_LEFT ? member : memberBefore;
}
