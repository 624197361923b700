import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { beginClassicGroup } from "./begin-group.ts";
import { signOfLife } from "./classic-heartbeat.ts";
import { completeJoin, listingChange, preparing } from "./classic-rebalance.ts";
import { isClassicMember, joinRefusal } from "./classic-refusals.ts";
import type { AwaitJoin, JoinGroup, JoinGroupAnswer } from "./classic-requests.ts";
import { classicMembers, isClassicReviewDue, reviewClassic } from "./classic-review.ts";
import { replaceClassicMember } from "./classic-static-members.ts";
import { type Decision, type GroupContext, type GroupView, read, type Step, write } from "./decision.ts";
import type { ClassicGroup } from "./group.ts";
import type { GroupWrite } from "./group-write.ts";
import { unknownGroup, unknownMember } from "./heartbeat-refusals.ts";
import { type ClassicMember, PENDING } from "./member.ts";
import { commonProtocols, metadataOf, speaksAlike } from "./protocol-selection.ts";
import { absentMember, holderOf } from "./static-members.ts";

/**
 * One step of JoinGroup. View: of the member `memberId`, or `newMemberId` if that is "". Refusals: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID,
 * INCONSISTENT_GROUP_PROTOCOL, GROUP_MAX_SIZE_REACHED, INVALID_SESSION_TIMEOUT, INVALID_GROUP_ID, INVALID_REQUEST, COORDINATOR_NOT_AVAILABLE.
 */
export function joinGroup(view: GroupView, request: JoinGroup, context: GroupContext): Decision<JoinGroupAnswer> {
  const refusal = joinRefusal(request, context.config);
  if (refusal !== undefined) return { kind: "refused", refusal };
  if (view.group === undefined && request.memberId !== "") return { kind: "refused", refusal: unknownMember(request) };
  const begun = beginClassicGroup(view.group, request.groupId, context);
  if (begun.kind !== "group") return begun;
  const { group } = begun;
  if (isClassicReviewDue(group, context.now) && !context.isLastStep) return reviewClassic(view, group, context);
  if (view.members === undefined) return read({ kind: "members" });
  const inconsistent = protocolRefusal(view, group, request);
  if (inconsistent !== undefined) return { kind: "refused", refusal: inconsistent };

  const member = view.member?.type === "classic" ? view.member : undefined;
  if (member === undefined) return joinAsNew(view, group, request, context);
  if (member.joinedGeneration === PENDING) {
    if (request.memberId === "") {
      return { kind: "answer", writes: [], answer: { kind: "member-id-required", memberId: member.memberId } };
    }
    return enter(view, group, request, context, member);
  }
  if (member.instanceId !== request.instanceId) return absentMember(view, request);
  if (group.state === "Empty" && !isNew(view, member)) return { kind: "refused", refusal: unknownMember(request) };
  return joinAgain(view, group, member, request, context);
}

/** One step of asking what became of a join. Refusals: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, GROUP_ID_NOT_FOUND. */
export function awaitJoin(view: GroupView, request: AwaitJoin, context: GroupContext): Decision<JoinGroupAnswer> {
  const { group, member } = view;
  if (group?.type !== "classic") return { kind: "refused", refusal: unknownGroup(request.groupId, false) };
  if (member?.type !== "classic") return absentMember(view, request);
  if (isClassicReviewDue(group, context.now) && !context.isLastStep) return reviewClassic(view, group, context);
  return joinedOrWaiting(view, group, member, request.awaitedGeneration, context);
}

function joinedOrWaiting(
  view: GroupView,
  group: ClassicGroup,
  member: ClassicMember,
  awaitedGeneration: number,
  context: GroupContext,
): Decision<JoinGroupAnswer> {
  const { memberId } = member;
  if (group.generationId < awaitedGeneration) {
    return { kind: "answer", writes: [], answer: { kind: "waiting", memberId, awaitedGeneration } };
  }
  if (view.generation === undefined) return read({ kind: "generation" });
  // It came a moment too late for that one: it joins again, for the next.
  if (!view.generation?.members.includes(memberId))
    return { kind: "refused", refusal: unknownMember({ ...group, memberId }) };
  return joined(view, group, member, context);
}

/** What a member of the generation is told; the leader, who is in it with what. */
function joined(
  view: GroupView,
  group: ClassicGroup,
  member: ClassicMember,
  { now }: GroupContext,
  skipAssignment = false,
): Decision<JoinGroupAnswer> {
  const { generationId, protocolType = "", protocolName = "", leaderId = "" } = group;
  const isLeader = leaderId === member.memberId;
  if (isLeader && view.members === undefined) return read({ kind: "members" });
  if (isLeader && view.generation === undefined) return read({ kind: "generation" });
  const ofGeneration = new Set(view.generation?.members);
  const members = classicMembers(isLeader ? view.members! : [])
    .filter(({ memberId }) => ofGeneration.has(memberId))
    .map((each) => ({
      memberId: each.memberId,
      ...(each.instanceId === undefined ? {} : { instanceId: each.instanceId }),
      metadata: metadataOf(each, protocolName),
    }));
  const { memberId } = member;
  const answer = { memberId, generationId, protocolType, protocolName, leaderId, members };
  return {
    kind: "answer",
    writes: signOfLife(group, member, now),
    answer: { kind: "joined", ...answer, skipAssignment: skipAssignment && isLeader },
  };
}

/** Whether everybody could still speak with everybody. */
function protocolRefusal({ members, member }: GroupView, group: ClassicGroup, request: JoinGroup): Refusal | undefined {
  const others = classicMembers(members!).filter(({ memberId, instanceId, joinedGeneration }) => {
    const isItself = memberId === member?.memberId || (instanceId !== undefined && instanceId === request.instanceId);
    return joinedGeneration !== PENDING && !isItself;
  });
  const isOtherType = group.protocolType !== undefined && group.protocolType !== request.protocolType;
  if (group.state === "Empty" || (!isOtherType && commonProtocols([...others, request]).size > 0)) return undefined;
  const speaks = isOtherType
    ? `is of type "${group.protocolType}"`
    : `speaks ${[...commonProtocols(others)].join(", ")}`;
  return refuse(
    "INCONSISTENT_GROUP_PROTOCOL",
    `group "${request.groupId}" ${speaks}`,
    "all members of a group have one protocol type and one protocol (assignor) in common",
  );
}

function joinAsNew(
  view: GroupView,
  group: ClassicGroup,
  request: JoinGroup,
  context: GroupContext,
): Decision<JoinGroupAnswer> {
  const { memberId, instanceId, newMemberId } = request;
  if (memberId !== "") return absentMember(view, request);
  const holder = instanceId === undefined ? undefined : holderOf(view.members!, instanceId);
  // It has joined since the group was read: by what this request wrote, the answer to which was lost.
  if (holder?.member.memberId === newMemberId) return write();
  if (holder?.member.type === "classic") {
    const isSame = speaksAlike(holder.member.protocols, request.protocols);
    const joinedGeneration = group.state === "Stable" && isSame ? group.generationId : PENDING;
    const member = newMember(request, context, newMemberId, joinedGeneration);
    return replaceClassicMember(view, group, holder.member, member, context);
  }
  const count = view.members!.filter(({ member }) => member.type === "classic").length;
  if (count >= context.config.maxSize) {
    return { kind: "refused", refusal: refuse("GROUP_MAX_SIZE_REACHED", `the group has ${count} members already`) };
  }
  if (instanceId !== undefined || !request.requiresKnownMemberId) return enter(view, group, request, context);
  const member = newMember(request, context, newMemberId, PENDING);
  const sessionExpiresAt = context.now + request.sessionTimeoutMs;
  return write(
    { kind: "put-member", member },
    { kind: "begin-session", session: { memberId: newMemberId, incarnation: member.incarnation, sessionExpiresAt } },
  );
}

/** A member that joined before: lost its answer, has something new to say, or leads and wants to assign again. */
function joinAgain(
  view: GroupView,
  group: ClassicGroup,
  member: ClassicMember,
  request: JoinGroup,
  context: GroupContext,
): Decision<JoinGroupAnswer> {
  const awaited = group.generationId + 1;
  const isSame = speaksAlike(member.protocols, request.protocols);
  if (group.state === "PreparingRebalance" && member.joinedGeneration === awaited && isSame) {
    const completed = context.isLastStep ? undefined : completeJoin(group, view.members!, context);
    return completed ?? joinedOrWaiting(view, group, member, awaited, context);
  }
  if (view.generation === undefined) return read({ kind: "generation" });
  const isIn = view.generation?.members.includes(member.memberId) === true && isClassicMember(group, member);
  // What it did in this request already is not done again.
  const isDone =
    isSame &&
    isIn &&
    (hasJustJoined(view, member) || !(group.state === "Stable" && group.leaderId === member.memberId));
  if ((group.state === "CompletingRebalance" || group.state === "Stable") && isDone) {
    // A static leader that came back into a stable group: what it assigned before is still in force.
    const skipAssignment = group.state === "Stable" && member.instanceId !== undefined && request.memberId === "";
    return joined(view, group, member, context, skipAssignment);
  }
  return enter(view, group, request, context, member);
}

function isNew({ memberBefore }: GroupView, member: ClassicMember): boolean {
  return memberBefore?.incarnation !== member.incarnation;
}

/** Whether it has come into this generation while this request was being answered. */
function hasJustJoined({ memberBefore }: GroupView, member: ClassicMember): boolean {
  return (
    memberBefore?.type !== "classic" ||
    memberBefore.joinedGeneration !== member.joinedGeneration ||
    memberBefore.incarnation !== member.incarnation
  );
}

/** The member joins for the next generation; a rebalance begins unless one is on its way. */
function enter(
  view: GroupView,
  group: ClassicGroup,
  request: JoinGroup,
  context: GroupContext,
  before?: ClassicMember,
): Step {
  const joinedGeneration = group.generationId + 1;
  const memberId = before?.memberId ?? request.newMemberId;
  const fresh = newMember(request, context, memberId, joinedGeneration);
  const member: ClassicMember =
    before === undefined
      ? fresh
      : { ...fresh, incarnation: before.incarnation, version: before.version + 1, joinedAt: before.joinedAt };
  const others = classicMembers(view.members!).filter((each) => each.joinedGeneration !== PENDING);
  const next = { ...preparing(group, [...others, member], context), protocolType: request.protocolType };
  const isOnItsWay = group.state === "PreparingRebalance";
  const until = (isOnItsWay ? group.rebalanceBy : next.rebalanceBy) ?? context.now;
  const { instanceId } = request;
  const begin: GroupWrite[] = isOnItsWay
    ? []
    : [{ kind: "put-group", group: next }, ...listingChange(group, next, context)];
  return write(
    ...begin,
    { kind: "put-member", member },
    // Whoever waits for a rebalance does not call: its session lasts until that is over, and as long again.
    {
      kind: "begin-session",
      session: { memberId, incarnation: member.incarnation, sessionExpiresAt: until + request.sessionTimeoutMs },
    },
    ...(instanceId === undefined || before !== undefined
      ? []
      : [{ kind: "put-instance", instanceId, memberId } as const]),
  );
}

function newMember(
  request: JoinGroup,
  { now, newId }: GroupContext,
  memberId: string,
  joinedGeneration: number,
): ClassicMember {
  const { instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = request;
  return {
    type: "classic",
    memberId,
    incarnation: newId(),
    version: 1,
    ...(instanceId === undefined ? {} : { instanceId }),
    clientId,
    clientHost,
    rebalanceTimeoutMs,
    sessionTimeoutMs,
    protocols,
    joinedGeneration,
    joinedAt: now,
  };
}
