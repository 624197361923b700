import { completeJoin, emptied, listingChange, preparing, removals, reviewInterval } from "./classic-rebalance.ts";
import { type GroupContext, type GroupView, read, type Step, write } from "./decision.ts";
import type { ClassicGroup } from "./group.ts";
import { MAX_WRITES } from "./group-write.ts";
import { type ClassicMember, type MemberWithSession, PENDING } from "./member.ts";

export function isClassicReviewDue(group: ClassicGroup, now: number): boolean {
  return group.state !== "Empty" && now >= group.reviewAt;
}

/**
 * A look at the whole of a classic group, by whoever touches it when it is due: members that were silent for too long go, a
 * leader that does not assign goes, and a rebalance that is due completes. It ends with {@link isClassicReviewDue} being false.
 */
export function reviewClassic(view: GroupView, group: ClassicGroup, context: GroupContext): Step {
  const { members } = view;
  const { now, config } = context;
  if (members === undefined) return read({ kind: "members" });
  const isSilent = ({ session }: MemberWithSession) => session === undefined || session.sessionExpiresAt <= now;
  const leaderIsLate = group.state === "CompletingRebalance" && now >= (group.rebalanceBy ?? 0);
  const gone = members.filter(
    (each) => isSilent(each) || isLeftBehind(group, each) || (leaderIsLate && each.member.memberId === group.leaderId),
  );
  const rest = classicMembers(members.filter((each) => !gone.includes(each)));
  if (gone.length > 0) {
    const changes = gone.some(({ member }) => isOfGeneration(group, member as ClassicMember));
    const next = afterRemoval(group, rest, changes, context);
    return write(
      { kind: "put-group", group: next },
      ...listingChange(group, next, context),
      ...removals(gone, MAX_WRITES - 2, isSilent),
    );
  }
  if (group.state === "PreparingRebalance") {
    const completed = completeJoin(group, members, context);
    if (completed !== undefined) return completed;
  }
  const ends = members.map(({ session }) => session?.sessionExpiresAt ?? now);
  const reviewAt = Math.min(
    now + reviewInterval(classicMembers(members), config),
    ...ends,
    group.state === "Stable" ? Number.POSITIVE_INFINITY : (group.initialUntil ?? group.rebalanceBy ?? now),
  );
  return write({ kind: "put-group", group: { ...group, version: group.version + 1, reviewAt } });
}

/** The group once members are gone: a rebalance begins if one of them had a part in it; without any members left, it is empty. */
export function afterRemoval(
  group: ClassicGroup,
  rest: readonly ClassicMember[],
  changes: boolean,
  context: GroupContext,
): ClassicGroup {
  const members = rest.filter(({ joinedGeneration }) => joinedGeneration !== PENDING);
  if (members.length === 0 && group.state !== "Empty") return emptied(group, group.generationId + 1, context);
  if (changes && (group.state === "Stable" || group.state === "CompletingRebalance"))
    return preparing(group, members, context);
  // Those that are left may be all that a rebalance waited for.
  const reviewAt = group.state === "PreparingRebalance" ? context.now : group.reviewAt;
  return { ...group, version: group.version + 1, memberCount: members.length, reviewAt };
}

/** A member that a rebalance went on without. */
function isLeftBehind({ generationId }: ClassicGroup, { member }: MemberWithSession): boolean {
  if (member.type !== "classic") return true;
  const { joinedGeneration, instanceId } = member;
  return joinedGeneration !== PENDING && joinedGeneration < generationId && instanceId === undefined;
}

function isOfGeneration({ generationId }: ClassicGroup, member: ClassicMember): boolean {
  return member.type === "classic" && (member.joinedGeneration >= generationId || member.instanceId !== undefined);
}

export function classicMembers(members: readonly MemberWithSession[]): ClassicMember[] {
  return members.flatMap(({ member }) => (member.type === "classic" ? [member] : []));
}
