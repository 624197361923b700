import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { removals } from "./classic-rebalance.ts";
import { type Decision, type GroupContext, type GroupView, read, write } from "./decision.ts";
import type { Group } from "./group.ts";
import { groupSubscription } from "./group-subscription.ts";
import { type GroupWrite, MAX_WRITES } from "./group-write.ts";
import { unknownGroup } from "./heartbeat-refusals.ts";
import type { MemberWithSession } from "./member.ts";
import { removeMembers } from "./remove-members.ts";

/**
 * One step of DeleteGroups, of one group. The answer is a group that is dead: nobody joins it or commits to it any more. What is left is to remove
 * its partitions (GroupStore.deletePartitions, until fewer are left than asked for) and then to write {@link endOfGroup}; a deletion that is
 * cut short in between is found by the sweep. Refusals: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP.
 */
export function deleteGroup(view: GroupView, groupId: string, { now }: GroupContext): Decision<Group> {
  const { group, members } = view;
  if (group === undefined) return { kind: "refused", refusal: unknownGroup(groupId, false) };
  if (group.isDead) return { kind: "answer", writes: [], answer: group };
  if (members === undefined) return read({ kind: "members" });
  if (members.some((each) => !isSilent(each, now))) return { kind: "refused", refusal: notEmpty(groupId) };
  if (members.length > 0) return write(...removeSilent(group, members));
  return write(
    { kind: "put-group", group: { ...group, version: group.version + 1, isDead: true } },
    // An empty group is not looked at before its offsets expire: a deletion that is cut short would lie there for a week.
    { kind: "put-listing", listing: { groupId, sweepAt: 0 } },
  );
}

/** Ends a dead group whose partitions are gone. */
export function endOfGroup(group: Group): GroupWrite[] {
  return [
    { kind: "delete-group", group },
    { kind: "delete-listing", groupId: group.groupId },
  ];
}

/**
 * Why offsets of these topics cannot be deleted, one after the other; undefined where they can (OffsetDelete). What can is removed by
 * GroupStore.deleteOffsets. Refusals: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP; for one topic GROUP_SUBSCRIBED_TO_TOPIC.
 */
export function deleteOffsets(
  { group, members }: GroupView,
  groupId: string,
  topics: readonly string[],
): Decision<readonly (Refusal | undefined)[]> {
  if (group === undefined || group.isDead) return { kind: "refused", refusal: unknownGroup(groupId, false) };
  if (members === undefined) return read({ kind: "members" });
  const isSubscribed = groupSubscription(group, members);
  if (isSubscribed === undefined) return { kind: "refused", refusal: notEmpty(groupId) };
  const answer = topics.map((topic) => (isSubscribed(topic) ? subscribed(groupId, topic) : undefined));
  return { kind: "answer", writes: [], answer };
}

function isSilent({ session }: MemberWithSession, now: number): boolean {
  return session === undefined || session.sessionExpiresAt <= now;
}

function removeSilent(group: Group, members: readonly MemberWithSession[]): GroupWrite[] {
  if (group.type === "consumer") return removeMembers(group, members);
  const next = { ...group, version: group.version + 1 };
  return [{ kind: "put-group", group: next }, ...removals(members, MAX_WRITES - 1, () => true)];
}

function notEmpty(groupId: string): Refusal {
  return refuse("NON_EMPTY_GROUP", `group "${groupId}" has members`, "stop its consumers first");
}

function subscribed(groupId: string, topic: string): Refusal {
  return refuse(
    "GROUP_SUBSCRIBED_TO_TOPIC",
    `group "${groupId}" subscribes to topic "${topic}"`,
    "stop its consumers first",
  );
}
