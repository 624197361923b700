import { isClassicReviewDue, reviewClassic } from "./classic-review.ts";
import { type Decision, type GroupContext, type GroupView, read } from "./decision.ts";
import type { Group } from "./group.ts";
import type { GroupPartition } from "./group-store.ts";
import { groupSubscription } from "./group-subscription.ts";
import type { GroupWrite } from "./group-write.ts";
import { expiredOffsets, nextExpiry } from "./offset-retention.ts";
import { isReviewDue, review } from "./review.ts";

/** What a sweep found. */
export type Swept =
  /** There is no such group; its listing went, too. */
  | { readonly kind: "gone" }
  /** Its deletion was cut short: it is to be gone on with (group-deletion.ts). */
  | { readonly kind: "dead"; readonly group: Group }
  | { readonly kind: "in use" | "empty"; readonly group: Group };

/** Whether a sweep has anything to do for a group but to see how far it is behind, and what it may forget. */
export function isSweepDue(group: Group, now: number): boolean {
  if (group.isDead || group.emptySince !== undefined) return true;
  return group.type === "consumer" ? isReviewDue(group, now) : isClassicReviewDue(group, now);
}

/**
 * One step of the sweep of one group: what a touch by a member would do, for groups whose members are all silent. A group that is in use and was
 * looked after lately costs one read. Then its partitions are to be read, and {@link offsetsToExpire} says what becomes of them.
 */
export function sweepGroup(view: GroupView, groupId: string, context: GroupContext): Decision<Swept> {
  const { group } = view;
  // Unless it begins just now.
  if (group === undefined)
    return answer({ kind: "gone" }, [{ kind: "check-no-group" }, { kind: "delete-listing", groupId }]);
  if (group.isDead) return answer({ kind: "dead", group });
  if (group.type === "consumer" && isReviewDue(group, context.now)) {
    // Nobody is in it: what it was about does not matter until somebody joins.
    if (group.emptySince === undefined) return review(view, group, context);
  }
  if (group.type === "classic" && isClassicReviewDue(group, context.now)) return reviewClassic(view, group, context);
  return answer({ kind: group.emptySince === undefined ? "in use" : "empty", group });
}

/**
 * Which of a group's offsets a sweep removes (GroupStore.deleteOffsets). `isWanted`: in a group that is in use, whether a partition's topic is there and
 * somebody subscribes to it ({@link subscriptionInUse}); without it, all that could expire.
 */
export function offsetsToExpire(
  { group }: Extract<Swept, { readonly kind: "in use" | "empty" }>,
  partitions: readonly GroupPartition[],
  { now, config }: Pick<GroupContext, "now" | "config">,
  isWanted: (partition: GroupPartition) => boolean = () => false,
): readonly GroupPartition[] {
  return expiredOffsets(group, isWanted, partitions, now, config.offsetsRetentionMs);
}

/** To which topics, by name, a group's members subscribe; undefined where nobody can tell, or its last member is leaving just now: its time begins then. */
export function subscriptionInUse({ group, members }: GroupView): Decision<((topic: string) => boolean) | undefined> {
  if (group === undefined || group.isDead || group.emptySince !== undefined)
    return { kind: "answer", writes: [], answer: undefined };
  if (members === undefined) return read({ kind: "members" });
  const isSubscribed = members.length === 0 ? undefined : groupSubscription(group, members);
  return { kind: "answer", writes: [], answer: isSubscribed };
}

/**
 * What is left to do with an empty group whose offsets were swept: nothing until the next of `left` can expire, or, with none left, to
 * delete it, as Kafka does.
 */
export function afterSweep(
  group: Group,
  left: readonly GroupPartition[],
  { config }: Pick<GroupContext, "config">,
): { readonly kind: "delete" } | { readonly kind: "wait"; readonly writes: readonly GroupWrite[] } {
  const sweepAt = nextExpiry(group, left, config.offsetsRetentionMs);
  if (sweepAt === undefined) return { kind: "delete" };
  const { groupId, incarnation, version } = group;
  // If somebody joined in between, the listing is that one's.
  return {
    kind: "wait",
    writes: [
      { kind: "check-group", group: { groupId, incarnation, version } },
      { kind: "put-listing", listing: { groupId, sweepAt } },
    ],
  };
}

function answer(swept: Swept, writes: readonly GroupWrite[] = []): Decision<Swept> {
  return { kind: "answer", writes, answer: swept };
}
