import { listingChange, preparing } from "./classic-rebalance.ts";
import { classicMembers } from "./classic-review.ts";
import { type GroupContext, type GroupView, read, type Step, write } from "./decision.ts";
import type { ClassicGeneration, ClassicGroup } from "./group.ts";
import { type ClassicMember, PENDING } from "./member.ts";

/**
 * A static member comes back without its memberId: it takes the place of the one before, which is fenced by that. In a stable group, and
 * with the same protocols, it has its assignment too, and nobody else notices (`member.joinedGeneration` is the group's); otherwise
 * it joins like any other (PENDING).
 */
export function replaceClassicMember(
  view: GroupView,
  group: ClassicGroup,
  before: ClassicMember,
  member: ClassicMember,
  context: GroupContext,
): Step {
  if (view.generation === undefined) return read({ kind: "generation" });
  const isQuiet = member.joinedGeneration !== PENDING;
  const joining: ClassicMember = isQuiet ? member : { ...member, joinedGeneration: group.generationId + 1 };
  const others = classicMembers(view.members!).filter(
    ({ memberId, joinedGeneration }) => memberId !== before.memberId && joinedGeneration !== PENDING,
  );
  const isBeginning = !isQuiet && group.state !== "PreparingRebalance";
  const changed = isBeginning
    ? preparing(group, [...others, joining], context)
    : { ...group, version: group.version + 1 };
  const next: ClassicGroup = group.leaderId === before.memberId ? { ...changed, leaderId: member.memberId } : changed;
  const { memberId, incarnation, instanceId = "" } = member;
  const until = isQuiet ? context.now : (next.rebalanceBy ?? context.now);
  const generation = withMemberReplaced(view.generation, before.memberId, memberId);
  return write(
    { kind: "put-group", group: next },
    ...listingChange(group, next, context),
    ...(generation === undefined ? [] : [{ kind: "put-generation", generation } as const]),
    { kind: "delete-member", member: before },
    { kind: "delete-session", memberId: before.memberId },
    { kind: "put-instance", instanceId, memberId, before: before.memberId },
    { kind: "put-member", member: joining },
    { kind: "begin-session", session: { memberId, incarnation, sessionExpiresAt: until + member.sessionTimeoutMs } },
  );
}

function withMemberReplaced(
  generation: ClassicGeneration | null,
  before: string,
  after: string,
): ClassicGeneration | undefined {
  if (generation === null || !generation.members.includes(before)) return undefined;
  const members = generation.members.map((memberId) => (memberId === before ? after : memberId));
  if (generation.assignments === undefined) return { ...generation, members };
  const { [before]: assignment, ...others } = generation.assignments;
  return { ...generation, members, assignments: { ...others, ...(assignment && { [after]: assignment }) } };
}
