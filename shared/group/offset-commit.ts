import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { beginClassicGroup } from "./begin-group.ts";
import { signOfLife } from "./classic-heartbeat.ts";
import { classicMemberRefusal } from "./classic-refusals.ts";
import { type Decision, type GroupContext, type GroupView, read, write } from "./decision.ts";
import type { ClassicGroup } from "./group.ts";
import { MAX_OFFSET_METADATA_LENGTH } from "./group-config.ts";
import type { CommitResult, OffsetCommit } from "./group-store.ts";
import type { CommittedOffset, GroupWrite, PartitionOwner } from "./group-write.ts";
import { unknownGroup, unknownMember } from "./heartbeat-refusals.ts";
import type { ClassicMember } from "./member.ts";
import { groupIdRefusal, idsRefusal } from "./member-id.ts";
import type { TopicIdPartition } from "./partitions-by-topic.ts";
import { removeMembers } from "./remove-members.ts";

/** memberEpoch, or generationId, of a commit by somebody who is no member. */
export const NO_EPOCH = -1;

/** Offsets that one decision takes: what a write of a classic group's has room for. Whoever has more asks again. */
export const MAX_OFFSETS_AT_ONCE = 90;

export interface OffsetToCommit extends TopicIdPartition {
  readonly topic: string;
  /** The next offset to read. */
  readonly offset: number;
  /** leaderEpoch of the last record read; absent: not known. */
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

/** OffsetCommit, of one group. */
export interface OffsetCommitRequest {
  readonly groupId: string;
  /** "": not a member (an administrator, or a consumer that was assigned its partitions by hand). */
  readonly memberId: string;
  /** memberEpoch of the consumer protocol, generationId of the classic one, {@link NO_EPOCH} of neither. */
  readonly memberEpoch: number;
  readonly instanceId?: string;
  /** When it arrived, in milliseconds since the epoch: taken once, so that a request that sleeps stays as old as it is. */
  readonly receivedAt: number;
  /** 1 to {@link MAX_OFFSETS_AT_ONCE}, each of another partition. The topics exist: whoever asks has looked. */
  readonly offsets: readonly OffsetToCommit[];
}

/** What to do with one offset: nothing more (`committed`, `refused`), or a conditional write by itself (GroupStore.commitOffsets). */
export type CommitVerdict =
  | { readonly kind: "commit"; readonly commit: OffsetCommit }
  | { readonly kind: "committed" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * Who may commit what. Members of the consumer protocol commit partitions that they own, in an epoch in which they owned them (KIP-1251:
 * since that epoch or an earlier one), each by a write that is judged by the partition's own item. Members of a classic group are fenced by their
 * generation, in one write with a check of the group. Anybody else commits while a group has no members.
 *
 * Refusals: GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, FENCED_INSTANCE_ID,
 * INVALID_GROUP_ID, INVALID_REQUEST, COORDINATOR_NOT_AVAILABLE; for one offset alone OFFSET_METADATA_TOO_LARGE, INVALID_REQUEST for its metadata.
 */
export function commitOffsets(
  view: GroupView,
  request: OffsetCommitRequest,
  context: GroupContext,
): Decision<readonly CommitVerdict[]> {
  const refusal = requestRefusal(request);
  if (refusal !== undefined) return { kind: "refused", refusal };
  const { group, member } = view;
  const isMember = request.memberId !== "" || request.memberEpoch >= 0;
  if (!isMember) return commitAsNobody(view, request, context);
  if (group === undefined) return { kind: "refused", refusal: unknownGroup(request.groupId, false) };
  if (group.type === "classic") {
    const fenced = classicMemberRefusal(group, member, { ...request, generationId: request.memberEpoch });
    if (fenced !== undefined) return { kind: "refused", refusal: fenced };
    return commitChecked(group, view, request, context);
  }
  if (member?.type !== "consumer" || member.isFenced) return { kind: "refused", refusal: unknownMember(request) };
  if (request.memberEpoch < 0 || request.memberEpoch > member.memberEpoch) {
    return { kind: "refused", refusal: staleEpoch(request.memberEpoch, member.memberEpoch) };
  }
  return commitEach(request, { memberId: request.memberId, epoch: request.memberEpoch });
}

/** What is told of a commit that was not taken: it is not the owner's, or only since a later epoch, or one that came later was faster. */
export function commitRefusal(result: CommitResult): Refusal | undefined {
  if (result.kind === "committed") return undefined;
  if (result.kind === "overtaken") {
    return refuse(
      "COORDINATOR_NOT_AVAILABLE",
      "a commit of this partition that came later was there first",
      "try again",
    );
  }
  const { owner } = result;
  const whose = owner === undefined ? "nobody's" : `${owner.memberId}'s since epoch ${owner.epoch}`;
  return refuse(
    "STALE_MEMBER_EPOCH",
    `the partition is ${whose}`,
    "commit what was assigned, in the epoch of the last heartbeat's answer",
  );
}

function requestRefusal({ groupId, memberId, instanceId, offsets }: OffsetCommitRequest): Refusal | undefined {
  const ids = groupIdRefusal(groupId) ?? idsRefusal({ ...(memberId === "" ? {} : { memberId }), instanceId });
  if (ids !== undefined) return ids;
  if (offsets.length === 0 || offsets.length > MAX_OFFSETS_AT_ONCE) {
    return refuse("INVALID_REQUEST", `1 to ${MAX_OFFSETS_AT_ONCE} offsets at a time, not ${offsets.length}`);
  }
  for (const { offset, leaderEpoch = NO_EPOCH, topic, partition } of offsets) {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      return refuse("INVALID_REQUEST", `${offset} is no offset to commit for ${topic}-${partition}`);
    }
    if (!Number.isInteger(leaderEpoch) || leaderEpoch < NO_EPOCH) {
      return refuse("INVALID_REQUEST", `${leaderEpoch} is no leaderEpoch for ${topic}-${partition}`);
    }
  }
  return undefined;
}

function commitAsNobody(
  view: GroupView,
  request: OffsetCommitRequest,
  context: GroupContext,
): Decision<readonly CommitVerdict[]> {
  const { group } = view;
  if (group === undefined || group.isDead) {
    // A simple group begins with its first commit.
    const begun = beginClassicGroup(group, request.groupId, context);
    if (begun.kind !== "group") return begun;
  }
  if (group!.emptySince === undefined) {
    if (view.members === undefined) return read({ kind: "members" });
    const alive = view.members.filter(({ session }) => (session?.sessionExpiresAt ?? 0) > context.now);
    if (alive.length === 0 && view.members.length > 0 && group!.type === "consumer")
      return write(...removeMembers(group!, view.members));
    if (alive.length > 0) {
      const refusal = refuse(
        "UNKNOWN_MEMBER_ID",
        `group "${request.groupId}" has members, and this commit is by none of them`,
        "stop its consumers first, or commit as one of them",
      );
      return { kind: "refused", refusal };
    }
  }
  return commitEach(request, undefined);
}

function commitEach(
  { offsets, receivedAt }: OffsetCommitRequest,
  by: PartitionOwner | undefined,
): Decision<readonly CommitVerdict[]> {
  const verdicts = offsets.map((each): CommitVerdict => {
    const refusal = metadataRefusal(each);
    if (refusal !== undefined) return { kind: "refused", refusal };
    const { topicId, partition, topic } = each;
    return { kind: "commit", commit: { topicId, partition, topic, offset: committed(each, receivedAt), by } };
  });
  return { kind: "answer", writes: [], answer: verdicts };
}

/** All in one write, which fails if the group is not in this generation any more. It is a sign of life, too. */
function commitChecked(
  group: ClassicGroup,
  { member }: GroupView,
  { offsets, receivedAt }: OffsetCommitRequest,
  { now }: GroupContext,
): Decision<readonly CommitVerdict[]> {
  const verdicts = offsets.map((each): CommitVerdict => {
    const refusal = metadataRefusal(each);
    return refusal === undefined ? { kind: "committed" } : { kind: "refused", refusal };
  });
  const writes = offsets
    .filter((each) => metadataRefusal(each) === undefined)
    .map((each): GroupWrite => {
      const { topicId, partition, topic } = each;
      return { kind: "put-offset", partition: { topicId, partition }, topic, offset: committed(each, receivedAt) };
    });
  if (writes.length === 0) return { kind: "answer", writes, answer: verdicts };
  return {
    kind: "answer",
    writes: [{ kind: "check-group", group }, ...signOfLife(group, member as ClassicMember, now), ...writes],
    answer: verdicts,
  };
}

function committed(
  { offset, leaderEpoch = NO_EPOCH, metadata = "" }: OffsetToCommit,
  committedAt: number,
): CommittedOffset {
  return { offset, leaderEpoch, metadata, committedAt };
}

function metadataRefusal({ metadata = "", topic, partition }: OffsetToCommit): Refusal | undefined {
  if (!metadata.isWellFormed())
    return refuse("INVALID_REQUEST", `the metadata of ${topic}-${partition} is not well-formed Unicode`);
  if (metadata.length <= MAX_OFFSET_METADATA_LENGTH) return undefined;
  return refuse(
    "OFFSET_METADATA_TOO_LARGE",
    `the metadata of ${topic}-${partition} has ${metadata.length} characters`,
    `at most ${MAX_OFFSET_METADATA_LENGTH}`,
  );
}

export function staleEpoch(epoch: number, memberEpoch: number): Refusal {
  return refuse(
    "STALE_MEMBER_EPOCH",
    `the member is in epoch ${memberEpoch}, not ${epoch}`,
    "try again with the memberEpoch of the next heartbeat's answer",
  );
}
