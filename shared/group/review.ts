import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import {
  type GroupContext,
  type GroupView,
  type Refused,
  read,
  type Step,
  type SubscribableTopic,
  write,
} from "./decision.ts";
import type { ConsumerGroup, TargetAssignment } from "./group.ts";
import { type GroupConfig, MAX_GROUP_PARTITIONS, MAX_GROUP_TOPICS } from "./group-config.ts";
import type { GroupWrite } from "./group-write.ts";
import type { ConsumerMember, MemberWithSession } from "./member.ts";
import { type Removal, removeMembers } from "./remove-members.ts";
import { neededTopics } from "./subscription.ts";
import { computeTarget, isTooMuch, subscribedTopics, topicsDigest } from "./target-assignment.ts";

/** Whether somebody should look after the group as a whole before anything else is done with it. */
export function isReviewDue(group: ConsumerGroup, now: number): boolean {
  return group.groupEpoch > group.assignmentEpoch || now >= group.reviewAt;
}

/**
 * A look at the whole group, by whoever touches it when it is due: members whose time has run out are removed, topics that changed
 * raise the group's epoch, and a target assignment is computed if the epoch is ahead of it. Each step ends with a write of the group from
 * the version that was read before the members, so that of many who look at once one wins, and whoever joined or left in between
 * makes it fail. It ends with {@link isReviewDue} being false. Refusals: INVALID_REQUEST if the member that asks has just subscribed to more than
 * a group may have.
 */
export function review(view: GroupView, group: ConsumerGroup, context: GroupContext): Step | Refused {
  const { members, topics, target } = view;
  if (members === undefined) return read({ kind: "members" });
  const removals = removalsDue(members, context);
  if (removals.length > 0) return write(...removeMembers(group, removals));

  const present = consumerMembers(members);
  const needed = neededTopics(present);
  const needsTopics = needed.names.length > 0 || needed.all;
  if (needsTopics && topics === undefined) return read({ kind: "topics", ...needed });
  const known = topics ?? new Map();
  const digest = topicsDigest(subscribedTopics(present, known));
  if (group.groupEpoch === group.assignmentEpoch) {
    const hasChanged = digest !== group.topicsDigest;
    return write(...putGroup(group, { groupEpoch: group.groupEpoch + (hasChanged ? 1 : 0) }, members, context));
  }
  if (target === undefined) return read({ kind: "target" });
  // Members that there is no room for, and that no assignment has taken into account, do not stay.
  const surplus = surplusMembers(present, known, target ?? undefined, context.config.maxSize);
  if (surplus.some(({ memberId }) => memberId === view.member?.memberId))
    return { kind: "refused", refusal: tooMuch() };
  if (surplus.length > 0)
    return write(
      ...removeMembers(
        group,
        surplus.map((member) => ({ member })),
      ),
    );
  const computed = computeTarget(group.groupEpoch, present, known, target ?? undefined);
  return write(...putGroup(group, { assignmentEpoch: group.groupEpoch, topicsDigest: digest }, members, context), {
    kind: "put-target",
    target: computed,
  });
}

function putGroup(
  group: ConsumerGroup,
  change: Partial<ConsumerGroup>,
  members: readonly MemberWithSession[],
  { now, config }: GroupContext,
): GroupWrite[] {
  const { emptySince, ...rest } = group;
  const isEmpty = members.length === 0;
  const next: ConsumerGroup = {
    ...rest,
    ...change,
    version: group.version + 1,
    memberCount: members.length,
    reviewAt: nextReview(members, now, config),
    ...(isEmpty ? { emptySince: emptySince ?? now } : {}),
  };
  const wasEmpty = emptySince !== undefined;
  if (isEmpty === wasEmpty) return [{ kind: "put-group", group: next }];
  const sweepAt = isEmpty ? now + config.offsetsRetentionMs : 0;
  return [
    { kind: "put-group", group: next },
    { kind: "put-listing", listing: { groupId: group.groupId, sweepAt } },
  ];
}

/** No later than the first who may have run out of time by then; a session that begins or is extended from now on ends later. */
function nextReview(members: readonly MemberWithSession[], now: number, config: GroupConfig): number {
  const ends = members.flatMap(({ member, session }) => [
    session?.sessionExpiresAt ?? now,
    (member.type === "consumer" ? member.revokeBy : undefined) ?? Number.POSITIVE_INFINITY,
  ]);
  return Math.min(now + Math.min(config.reviewIntervalMs, config.consumerSessionTimeoutMs), ...ends);
}

/** Members that are to go: half removed already, silent for too long, or too slow in revoking. */
function removalsDue(members: readonly MemberWithSession[], { now }: GroupContext): Removal[] {
  return members.flatMap(({ member, session }): Removal[] => {
    // Left over from when the group was a classic one.
    if (member.type !== "consumer") return [{ member }];
    if (member.isFenced || session === undefined) return [{ member }];
    if (session.sessionExpiresAt <= now) return [{ member, session }];
    return member.revokeBy !== undefined && member.revokeBy <= now ? [{ member }] : [];
  });
}

/** Those that are new, or subscribe to something new, as far as the group is too large with them. */
function surplusMembers(
  members: readonly ConsumerMember[],
  topics: ReadonlyMap<string, SubscribableTopic>,
  target: TargetAssignment | undefined,
  maxSize: number,
): readonly ConsumerMember[] {
  const isKnown = ({ memberId, subscriptionId }: ConsumerMember) =>
    target?.members[memberId]?.subscriptionId === subscriptionId;
  if (isTooMuch(subscribedTopics(members, topics))) {
    const kept = members.filter(isKnown);
    return members.filter((member) => {
      if (isKnown(member)) return false;
      if (isTooMuch(subscribedTopics([...kept, member], topics))) return true;
      kept.push(member);
      return false;
    });
  }
  if (members.length <= maxSize) return [];
  const isNew = ({ memberId }: ConsumerMember) => target?.members[memberId] === undefined;
  return members.filter(isNew).slice(0, members.length - maxSize);
}

function tooMuch(): Refusal {
  return refuse(
    "INVALID_REQUEST",
    `a group subscribes to at most ${MAX_GROUP_TOPICS} topics with ${MAX_GROUP_PARTITIONS} partitions together`,
    "subscribe to fewer, or use several groups",
  );
}

export function consumerMembers(members: readonly MemberWithSession[]): ConsumerMember[] {
  return members.flatMap(({ member }) => (member.type === "consumer" && !member.isFenced ? [member] : []));
}
