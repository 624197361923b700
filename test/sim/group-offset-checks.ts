import type { GroupPartition, OffsetCommit } from "../../shared/group/group-store.ts";
import { groupSubscription } from "../../shared/group/group-subscription.ts";
import type { GroupWrite } from "../../shared/group/group-write.ts";
import { partitionKey } from "../../shared/group/partitions-by-topic.ts";
import { CLOCK_ERROR_MS, type GroupHistory, type Look } from "./group-history.ts";

/** From when a sweep looks at a group to when it deletes what it found. */
const LATEST_SWEEP_MS = 60_000;

/** Committed offsets stay, go up, unless they were reset, and are behind what was processed. */
export function checkOffsets(history: GroupHistory, groupId: string, before: Look, after: Look): void {
  const items = new Map(after.partitions.map((item) => [partitionKey(item), item]));
  for (const old of before.partitions) {
    const key = partitionKey(old);
    const next = items.get(key)?.committed;
    if (old.committed === undefined || next !== undefined) continue;
    // Its group is being deleted.
    if (before.group?.isDead) continue;
    if (hasExpired(history, before, old)) history.counts.expired++;
    else history.report(`${groupId} ${key}: the committed offset is gone`);
  }
  for (const { committed, ...item } of after.partitions) {
    const key = partitionKey(item);
    const old = before.partitions.find((each) => partitionKey(each) === key)?.committed;
    if (committed === undefined || (old?.offset === committed.offset && old.committedAt === committed.committedAt))
      continue;
    if (old?.offset !== committed.offset) history.counts.moved++;
    history.note(
      `${groupId} ${key}: ${committed.offset}, of ${committed.committedAt - 1_700_000_000_000} "${committed.metadata}"`,
    );
    const isReset = committed.metadata === "" && item.owner === undefined && after.group?.type !== "classic";
    const isClassicReset = committed.metadata === "" && after.group?.type === "classic";
    // It began once more where it found what was committed, and what it had sent before, and given up, came to effect behind that.
    const isOwn = old !== undefined && old.metadata === committed.metadata && old.metadata !== "";
    const isOvertakingItself = isOwn && !history.isAcknowledged(groupId, key, old);
    if (old !== undefined && old.offset > committed.offset && !isReset && !isClassicReset && !isOvertakingItself)
      history.report(
        `${groupId} ${key} went back from ${old.offset} to ${committed.offset}, by "${committed.metadata}"`,
      );
    if (committed.committedAt + CLOCK_ERROR_MS < (history.endedAt.get(groupId) ?? 0))
      history.report(`${groupId} ${key}: ${committed.offset} was committed to the group that was here before`);
    if (committed.offset > history.processedTo(groupId, key) && history.exists(item.topicId))
      history.report(
        `${groupId} ${key}: ${committed.offset} is committed by "${committed.metadata}", and ${history.processedTo(groupId, key)} is not processed`,
      );
  }
}

/** Notes which topics that it has offsets for a group in use does not want. */
export function noteUnwanted(history: GroupHistory, groupId: string, { group, members, partitions }: Look): void {
  if (group === undefined || members.length === 0) return;
  const isSubscribed = groupSubscription(group, members);
  for (const topic of new Set(partitions.map((each) => each.topic)))
    if (isSubscribed?.(topic) === false) history.unwantedAt.set(`${groupId} ${topic}`, history.now);
}

/** In a group without members, or of a topic that nobody subscribes to, or that is gone. */
function hasExpired(
  history: GroupHistory,
  { group, members }: Look,
  { topic, topicId, owner, committed }: GroupPartition,
): boolean {
  const { config, now } = history;
  if (committed === undefined || owner !== undefined || group === undefined) return false;
  const isOld = committed.committedAt + config.offsetsRetentionMs <= now + CLOCK_ERROR_MS;
  // A sweep that has found it unwanted may be late with it.
  if (isOld && now - (history.unwantedAt.get(`${group.groupId} ${topic}`) ?? 0) < LATEST_SWEEP_MS) return true;
  const since = Math.max(group.emptySince ?? 0, committed.committedAt);
  if (since + config.offsetsRetentionMs > now + CLOCK_ERROR_MS) return false;
  if (group.emptySince !== undefined || !history.exists(topicId)) return true;
  return groupSubscription(group, members)?.(topic) === false;
}

/** Commits that were applied: by whom they say they are, and by whom the store was told that they are. */
export function checkCommits(
  history: GroupHistory,
  groupId: string,
  commits: readonly OffsetCommit[],
  before: Look,
): void {
  for (const { by, offset, ...partition } of commits) {
    const key = partitionKey(partition);
    if (by === undefined) continue;
    checkCommitter(history, groupId, key, by.memberId, by.epoch, before);
    if (offset.metadata === "") continue;
    const [epoch = "", ...memberId] = offset.metadata.split(" ");
    checkCommitter(history, groupId, key, memberId.join(" "), Number(epoch), before);
  }
}

/** Whoever commits is a member, that owns the partition since that epoch or an earlier one. */
function checkCommitter(
  history: GroupHistory,
  groupId: string,
  key: string,
  memberId: string,
  epoch: number,
  before: Look,
): void {
  const { owner } = before.partitions.find((item) => partitionKey(item) === key) ?? {};
  if (owner?.memberId !== memberId || owner.epoch > epoch) {
    history.report(
      `${groupId} ${key}: ${memberId} committed in epoch ${epoch} what is ${owner?.memberId}'s since ${owner?.epoch}`,
    );
  }
  const member = before.members.find((each) => each.member.memberId === memberId)?.member;
  if (member?.type !== "consumer" || member.isFenced)
    history.report(`${groupId}: ${memberId} is no member, and committed`);
}

/** A commit that is judged by the group: by a member of its generation, while it is in that one. */
export function checkClassicCommit(
  history: GroupHistory,
  groupId: string,
  { partition, offset }: Extract<GroupWrite, { kind: "put-offset" }>,
  before: Look,
): void {
  const key = partitionKey(partition);
  const [generationId = "", ...memberId] = offset.metadata.split(" ");
  const { group, generation } = before;
  const isOfGeneration = group?.type === "classic" && group.generationId === Number(generationId);
  if (!isOfGeneration || group.state === "CompletingRebalance" || group.state === "Empty") {
    const is = group?.type === "classic" ? `${group.state} in generation ${group.generationId}` : group?.type;
    history.report(`${groupId} ${key}: "${offset.metadata}" committed in a group that is ${is}`);
  }
  const isMember = before.members.some(({ member }) => member.memberId === memberId.join(" "));
  if (!isMember || generation?.members.includes(memberId.join(" ")) !== true)
    history.report(`${groupId} ${key}: "${offset.metadata}" committed, and is not in the generation`);
}
