import { listingChange, removals } from "./classic-rebalance.ts";
import type { LeaveGroup } from "./classic-requests.ts";
import { afterRemoval, classicMembers } from "./classic-review.ts";
import { type Decision, type GroupContext, type GroupView, read } from "./decision.ts";
import { MAX_WRITES } from "./group-write.ts";
import { unknownMember } from "./heartbeat-refusals.ts";
import { PENDING } from "./member.ts";
import { absentMember, holderOf } from "./static-members.ts";

/**
 * One step of LeaveGroup, of one member. A static one may be named by its instanceId alone, with memberId "" (an administrator removes
 * it). Refusals: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID.
 */
export function leaveGroup(
  view: GroupView,
  request: LeaveGroup,
  context: GroupContext,
): Decision<{ readonly left: true }> {
  const { group, members } = view;
  const { memberId, instanceId } = request;
  if (group?.type !== "classic" || group.isDead) return { kind: "refused", refusal: unknownMember(request) };
  if (members === undefined) return read({ kind: "members" });
  const isNamed = memberId !== "" || instanceId === undefined;
  const found = isNamed ? members.find(({ member }) => member.memberId === memberId) : holderOf(members, instanceId);
  if (found?.member.type !== "classic") {
    // Gone since the request came: by its own doing, the answer to which was lost.
    if (view.memberBefore !== undefined) return { kind: "answer", writes: [], answer: { left: true } };
    return absentMember(view, request);
  }
  const { member } = found;
  if (instanceId !== undefined && member.instanceId !== instanceId) return absentMember(view, request);
  const rest = classicMembers(members).filter((each) => each.memberId !== member.memberId);
  const next = afterRemoval(group, rest, member.joinedGeneration !== PENDING, context);
  const writes = [
    { kind: "put-group", group: next } as const,
    ...listingChange(group, next, context),
    ...removals([found], MAX_WRITES - 2),
  ];
  return { kind: "answer", writes, answer: { left: true } };
}
