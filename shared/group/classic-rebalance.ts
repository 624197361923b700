import { type GroupContext, type Step, write } from "./decision.ts";
import type { ClassicGroup } from "./group.ts";
import type { GroupConfig } from "./group-config.ts";
import { type GroupWrite, MAX_WRITES } from "./group-write.ts";
import { type ClassicMember, type MemberWithSession, PENDING } from "./member.ts";
import { electProtocol } from "./protocol-selection.ts";

/** The group as it is once a rebalance has begun. `members`: all there are, the one that asks for it with them. */
export function preparing(
  group: ClassicGroup,
  members: readonly ClassicMember[],
  { now, config }: GroupContext,
): ClassicGroup {
  const rebalanceBy = now + Math.max(...members.map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs), 0);
  const { emptySince: _, rebalanceBy: __, initialUntil: ___, ...rest } = group;
  const initialUntil = Math.min(now + config.initialRebalanceDelayMs, rebalanceBy);
  return {
    ...rest,
    version: group.version + 1,
    state: "PreparingRebalance",
    rebalanceBy,
    ...(group.state === "Empty" ? { initialUntil } : {}),
    reviewAt: Math.min(group.reviewAt, group.state === "Empty" ? initialUntil : rebalanceBy),
  };
}

/**
 * Completes a rebalance if everybody has joined, or their time is over: the next generation, whose members are those that joined and
 * static ones that are alive. undefined: it is not due yet. One write of the group decides it; who was left behind goes with it
 * as far as there is room, and is no member from then on in any case.
 */
export function completeJoin(
  group: ClassicGroup,
  all: readonly MemberWithSession[],
  context: GroupContext,
): Step | undefined {
  const { now } = context;
  const generationId = group.generationId + 1;
  const isSilent = ({ session }: MemberWithSession) => session === undefined || session.sessionExpiresAt <= now;
  const alive = all.filter((each) => !isSilent(each));
  const members = alive.flatMap(({ member }) => (member.type === "classic" ? [member] : []));
  const hasJoined = (member: ClassicMember) => member.joinedGeneration === generationId;
  const isOver = now >= (group.rebalanceBy ?? 0);
  const isDue = group.initialUntil === undefined ? members.every(hasJoined) : now >= group.initialUntil;
  if (!isDue && !isOver) return undefined;

  const chosen = members
    .filter((member) => hasJoined(member) || (member.instanceId !== undefined && member.joinedGeneration !== PENDING))
    .sort((one, other) => one.joinedAt - other.joinedAt || (one.memberId < other.memberId ? -1 : 1));
  const chosenIds = new Set(chosen.map(({ memberId }) => memberId));
  const leftBehind = all.filter((each) => {
    const isPending = each.member.type === "classic" && each.member.joinedGeneration === PENDING;
    return !chosenIds.has(each.member.memberId) && !(isPending && !isSilent(each));
  });
  const joined = chosen.filter(hasJoined);
  const ends = alive.map(({ session }) => session?.sessionExpiresAt ?? now);
  const next =
    joined.length === 0 ? emptied(group, generationId, context) : led(group, generationId, chosen, context, ends);
  const generation = { generationId, members: joined.length === 0 ? [] : chosen.map(({ memberId }) => memberId) };
  return write(
    { kind: "put-group", group: next },
    { kind: "put-generation", generation },
    ...listingChange(group, next, context),
    ...removals(joined.length === 0 ? all : leftBehind, MAX_WRITES - 3, isSilent),
  );
}

function led(
  group: ClassicGroup,
  generationId: number,
  members: readonly ClassicMember[],
  { now, config }: GroupContext,
  sessionEnds: readonly number[],
): ClassicGroup {
  const { initialUntil: _, ...rest } = group;
  const rebalanceBy = now + Math.max(...members.map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs));
  const candidates = members.filter(({ joinedGeneration }) => joinedGeneration === generationId);
  const leaderId = (candidates.find(({ memberId }) => memberId === group.leaderId) ?? candidates[0]!).memberId;
  return {
    ...rest,
    version: group.version + 1,
    state: "CompletingRebalance",
    generationId,
    protocolName: electProtocol(members) ?? "",
    leaderId,
    rebalanceBy,
    memberCount: members.length,
    reviewAt: Math.min(now + reviewInterval(members, config), rebalanceBy, ...sessionEnds),
  };
}

/** How long until somebody looks again: no longer than any of them may be silent. */
export function reviewInterval(members: readonly ClassicMember[], { reviewIntervalMs }: GroupConfig): number {
  return Math.min(reviewIntervalMs, ...members.map(({ sessionTimeoutMs }) => sessionTimeoutMs));
}

/** The group without members: its next generation is nobody's. */
export function emptied(group: ClassicGroup, generationId: number, { now, config }: GroupContext): ClassicGroup {
  const { leaderId: _, protocolName: __, rebalanceBy: ___, initialUntil: ____, ...rest } = group;
  return {
    ...rest,
    version: group.version + 1,
    state: "Empty",
    generationId,
    memberCount: 0,
    emptySince: now,
    reviewAt: now + config.reviewIntervalMs,
  };
}

export function listingChange(before: ClassicGroup, after: ClassicGroup, { now, config }: GroupContext): GroupWrite[] {
  if ((before.emptySince === undefined) === (after.emptySince === undefined)) return [];
  const sweepAt = after.emptySince === undefined ? 0 : now + config.offsetsRetentionMs;
  return [{ kind: "put-listing", listing: { groupId: after.groupId, sweepAt } }];
}

/** The writes that remove as many of these as there is room for. `isSilent`: only if they have not been heard of since. */
export function removals(
  members: readonly MemberWithSession[],
  room: number,
  isSilent: (each: MemberWithSession) => boolean = () => false,
): GroupWrite[] {
  const writes: GroupWrite[] = [];
  for (const each of members) {
    const { member, session } = each;
    const { memberId, instanceId } = member;
    const own: GroupWrite[] = [
      { kind: "delete-member", member },
      { kind: "delete-session", memberId, ...(isSilent(each) && session !== undefined ? { session } : {}) },
      ...(instanceId === undefined ? [] : [{ kind: "delete-instance", instanceId, memberId } as const]),
    ];
    if (writes.length + own.length > room) break;
    writes.push(...own);
  }
  return writes;
}
