import { classicMemberRefusal, illegalGeneration } from "./classic-refusals.ts";
import type { ClassicHeartbeat, ClassicHeartbeatAnswer } from "./classic-requests.ts";
import { isClassicReviewDue, reviewClassic } from "./classic-review.ts";
import type { Decision, GroupContext, GroupView } from "./decision.ts";
import type { ClassicGroup } from "./group.ts";
import type { GroupWrite } from "./group-write.ts";
import { unknownMember } from "./heartbeat-refusals.ts";
import type { ClassicMember } from "./member.ts";
import { absentMember } from "./static-members.ts";

/** One step of the classic protocol's Heartbeat. Refusals: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION. */
export function classicHeartbeat(
  view: GroupView,
  request: ClassicHeartbeat,
  context: GroupContext,
): Decision<ClassicHeartbeatAnswer> {
  const { group, member } = view;
  if (group?.type !== "classic" || group.isDead) return { kind: "refused", refusal: unknownMember(request) };
  if (member?.type !== "classic") return absentMember(view, request);
  const refusal = classicMemberRefusal(group, member, request, "any state");
  if (refusal !== undefined) {
    // A static member that a rebalance went on without is still one, in an older generation.
    const isBehind = member.instanceId !== undefined && member.joinedGeneration < group.generationId;
    return { kind: "refused", refusal: isBehind ? illegalGeneration(group, request.generationId) : refusal };
  }
  if (isClassicReviewDue(group, context.now) && !context.isLastStep) return reviewClassic(view, group, context);
  return {
    kind: "answer",
    writes: signOfLife(group, member, context.now),
    answer: { isRebalancing: group.state === "PreparingRebalance" },
  };
}

/** The member's session, extended; but while it waits for a rebalance that it has joined, it keeps the longer one of its join. */
export function signOfLife(
  group: ClassicGroup,
  { memberId, incarnation, sessionTimeoutMs, joinedGeneration }: ClassicMember,
  now: number,
): GroupWrite[] {
  if (joinedGeneration > group.generationId) return [];
  return [{ kind: "extend-session", session: { memberId, incarnation, sessionExpiresAt: now + sessionTimeoutMs } }];
}
