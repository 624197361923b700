import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import type { JoinGroup } from "./classic-requests.ts";
import type { ClassicGroup } from "./group.ts";
import { type GroupConfig, MAX_REBALANCE_TIMEOUT_MS } from "./group-config.ts";
import { unknownMember } from "./heartbeat-refusals.ts";
import { type ClassicMember, type Member, PENDING } from "./member.ts";
import { groupIdRefusal, idsRefusal } from "./member-id.ts";

/** Bytes of protocol metadata that a member may bring: they lie in its item. Kafka's bound is that of a record. */
const MAX_METADATA_BYTES = 128 * 1024;
const MAX_PROTOCOLS = 64;

/** Why a join is wrong in itself: INVALID_GROUP_ID, INVALID_REQUEST, INVALID_SESSION_TIMEOUT, INCONSISTENT_GROUP_PROTOCOL. */
export function joinRefusal(request: JoinGroup, config: GroupConfig): Refusal | undefined {
  const { groupId, memberId, newMemberId, instanceId, protocols, protocolType, sessionTimeoutMs } = request;
  const named = { instanceId, newMemberId, ...(memberId === "" ? {} : { memberId }) };
  const ids = groupIdRefusal(groupId) ?? idsRefusal(named);
  if (ids !== undefined) return ids;
  const { minSessionTimeoutMs, maxSessionTimeoutMs } = config;
  if (!(sessionTimeoutMs >= minSessionTimeoutMs && sessionTimeoutMs <= maxSessionTimeoutMs)) {
    return refuse(
      "INVALID_SESSION_TIMEOUT",
      `session.timeout.ms is ${minSessionTimeoutMs} to ${maxSessionTimeoutMs}, not ${sessionTimeoutMs}`,
    );
  }
  const { rebalanceTimeoutMs } = request;
  if (!(rebalanceTimeoutMs > 0 && rebalanceTimeoutMs <= MAX_REBALANCE_TIMEOUT_MS)) {
    return refuse(
      "INVALID_REQUEST",
      `rebalanceTimeoutMs is 1 to ${MAX_REBALANCE_TIMEOUT_MS}, not ${rebalanceTimeoutMs}`,
    );
  }
  if (protocolType === "" || protocols.length === 0) {
    return refuse("INCONSISTENT_GROUP_PROTOCOL", "a member brings its protocol type and at least one protocol");
  }
  const bytes = protocols.reduce((sum, { name, metadata }) => sum + name.length + metadata.length, protocolType.length);
  if (protocols.length > MAX_PROTOCOLS || bytes > MAX_METADATA_BYTES) {
    return refuse(
      "INVALID_REQUEST",
      `a member brings ${MAX_PROTOCOLS} protocols and ${MAX_METADATA_BYTES} bytes at most`,
    );
  }
  return undefined;
}

/**
 * Why a member of a classic group is not heard: UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION; and REBALANCE_IN_PROGRESS for a commit while the leader
 * assigns. `any state`: for what does not change the group.
 */
export function classicMemberRefusal(
  group: ClassicGroup,
  member: Member | undefined,
  request: { readonly groupId: string; readonly memberId: string; readonly generationId: number },
  when: "commit" | "any state" = "commit",
): Refusal | undefined {
  if (!isClassicMember(group, member)) return unknownMember(request);
  if (request.generationId !== group.generationId) return illegalGeneration(group, request.generationId);
  if (when === "commit" && group.state === "CompletingRebalance") return rebalanceInProgress(group);
  return undefined;
}

/** Whether it is one of the group's: not one that only has its id, nor one that was left behind by a rebalance. */
export function isClassicMember(group: ClassicGroup, member: Member | undefined): member is ClassicMember {
  if (member?.type !== "classic" || member.joinedGeneration === PENDING || group.state === "Empty") return false;
  return member.joinedGeneration >= group.generationId || member.instanceId !== undefined;
}

export function illegalGeneration({ generationId }: ClassicGroup, theirs: number): Refusal {
  return refuse("ILLEGAL_GENERATION", `the group is in generation ${generationId}, not ${theirs}`, "join again");
}

export function rebalanceInProgress({ groupId }: ClassicGroup): Refusal {
  return refuse("REBALANCE_IN_PROGRESS", `group "${groupId}" is rebalancing`, "join again");
}
