import type { Refusal } from "../kafka/kafka-error.ts";
import { classicMemberRefusal } from "./classic-refusals.ts";
import type { GroupView } from "./decision.ts";
import { unknownMember } from "./heartbeat-refusals.ts";
import { NO_EPOCH, staleEpoch } from "./offset-commit.ts";

/**
 * Why somebody may not read a group's offsets: a member that says who it is has to be in its epoch, so that it begins where the owner
 * before it stopped (OffsetFetch since version 9). Anybody else may, and a group that does not exist has no offsets.
 */
export function offsetFetchRefusal(
  { group, member }: GroupView,
  request: { readonly groupId: string; readonly memberId?: string; readonly memberEpoch?: number },
): Refusal | undefined {
  const { groupId, memberId, memberEpoch = NO_EPOCH } = request;
  if (memberId === undefined && memberEpoch < 0) return undefined;
  const named = { groupId, memberId: memberId ?? "" };
  if (group?.type === "classic") {
    return classicMemberRefusal(group, member, { ...named, generationId: memberEpoch }, "any state");
  }
  if (member?.type !== "consumer" || member.isFenced) return unknownMember(named);
  return memberEpoch === member.memberEpoch ? undefined : staleEpoch(memberEpoch, member.memberEpoch);
}
