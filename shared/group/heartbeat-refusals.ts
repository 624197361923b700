import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { type ConsumerGroupHeartbeat, JOIN_EPOCH } from "./consumer-heartbeat.ts";
import { ASSIGNORS, MAX_REBALANCE_TIMEOUT_MS } from "./group-config.ts";
import { type ConsumerMember, STATIC_MEMBER_LEFT } from "./member.ts";
import { groupIdRefusal, idsRefusal } from "./member-id.ts";
import { isSubset } from "./partitions-by-topic.ts";
import { subscriptionRefusal } from "./subscription.ts";

/** Why a heartbeat is wrong in itself, whatever the group's state. */
export function heartbeatRefusal(request: ConsumerGroupHeartbeat): Refusal | undefined {
  const { groupId, memberId, memberEpoch, instanceId, rackId, rebalanceTimeoutMs, serverAssignor } = request;
  const ids = groupIdRefusal(groupId) ?? idsRefusal({ memberId, instanceId, rackId });
  if (ids !== undefined) return ids;
  if (!Number.isInteger(memberEpoch) || memberEpoch < STATIC_MEMBER_LEFT) {
    return refuse(
      "INVALID_REQUEST",
      `${memberEpoch} is no memberEpoch`,
      "0 to join, -1 to leave, or what the last answer had",
    );
  }
  if (memberEpoch === STATIC_MEMBER_LEFT && instanceId === undefined) {
    return refuse("INVALID_REQUEST", "memberEpoch -2 is for static members", "send instanceId, or leave with -1");
  }
  if (request.sequence !== undefined && !(Number.isSafeInteger(request.sequence) && request.sequence >= 0)) {
    return refuse("INVALID_REQUEST", `${request.sequence} is no sequence`);
  }
  if (memberEpoch < 0) return undefined;
  if (memberEpoch === JOIN_EPOCH) {
    const refusal = joinRefusal(request);
    if (refusal !== undefined) return refusal;
  }
  if (
    rebalanceTimeoutMs !== undefined &&
    !(Number.isInteger(rebalanceTimeoutMs) && rebalanceTimeoutMs > 0 && rebalanceTimeoutMs <= MAX_REBALANCE_TIMEOUT_MS)
  ) {
    return refuse(
      "INVALID_REQUEST",
      `rebalanceTimeoutMs is 1 to ${MAX_REBALANCE_TIMEOUT_MS}, not ${rebalanceTimeoutMs}`,
    );
  }
  if (serverAssignor !== undefined && !(ASSIGNORS as readonly string[]).includes(serverAssignor)) {
    return refuse(
      "UNSUPPORTED_ASSIGNOR",
      `there is no assignor "${serverAssignor}"`,
      `there are ${ASSIGNORS.join(" and ")}`,
    );
  }
  return subscriptionRefusal(request.subscribedTopicNames, request.subscribedTopicRegex);
}

function joinRefusal(request: ConsumerGroupHeartbeat): Refusal | undefined {
  const { rebalanceTimeoutMs, subscribedTopicNames, subscribedTopicRegex, topicPartitions } = request;
  if (rebalanceTimeoutMs === undefined)
    return refuse("INVALID_REQUEST", "rebalanceTimeoutMs has to be there when joining");
  if (topicPartitions !== undefined && Object.keys(topicPartitions).length > 0) {
    return refuse(
      "INVALID_REQUEST",
      "topicPartitions has to be empty when joining",
      "give up all partitions, then join",
    );
  }
  const hasNames = subscribedTopicNames !== undefined && subscribedTopicNames.length > 0;
  if (hasNames || (subscribedTopicRegex ?? "") !== "") return undefined;
  return refuse("INVALID_REQUEST", "subscribedTopicNames or subscribedTopicRegex has to be there when joining");
}

/** A request that was overtaken by a later one of the same member: whoever sent it does not wait for it any more. */
export function overtakenRefusal(member: ConsumerMember, { sequence }: ConsumerGroupHeartbeat): Refusal | undefined {
  if (sequence === undefined || member.sequence === undefined || sequence >= member.sequence) return undefined;
  return refuse(
    "STALE_MEMBER_EPOCH",
    `request ${sequence} of the member was overtaken by its request ${member.sequence}`,
    "sequence has to rise with every request under one memberId",
  );
}

/** A member may be one answer behind: it was lost, and the member owns no more than it was told before. */
export function epochRefusal(
  member: ConsumerMember,
  { memberEpoch, topicPartitions }: ConsumerGroupHeartbeat,
): Refusal | undefined {
  if (memberEpoch === member.memberEpoch) return undefined;
  const isOneBehind =
    memberEpoch === member.previousMemberEpoch &&
    topicPartitions !== undefined &&
    isSubset(topicPartitions, member.assigned);
  if (isOneBehind && member.memberEpoch !== STATIC_MEMBER_LEFT) return undefined;
  return refuse(
    "FENCED_MEMBER_EPOCH",
    `the member is in epoch ${member.memberEpoch}, not ${memberEpoch}`,
    "give up all partitions and join again with memberEpoch 0",
  );
}

export function unknownGroup(groupId: string, isClassic: boolean): Refusal {
  if (!isClassic) return refuse("GROUP_ID_NOT_FOUND", `there is no group "${groupId}"`);
  return refuse(
    "GROUP_ID_NOT_FOUND",
    `group "${groupId}" is one of the classic protocol`,
    "a group has members of one protocol; it can change when it has none",
  );
}

export function unknownMember({ groupId, memberId }: { groupId: string; memberId: string }): Refusal {
  return refuse("UNKNOWN_MEMBER_ID", `group "${groupId}" has no member ${memberId}`, "join again");
}

export function otherInstance(member: ConsumerMember, { instanceId }: ConsumerGroupHeartbeat): Refusal {
  const is = member.instanceId === undefined ? "is not static" : `is instance "${member.instanceId}"`;
  return refuse("INVALID_REQUEST", `member ${member.memberId} ${is}, and cannot become ${instanceId ?? "dynamic"}`);
}
