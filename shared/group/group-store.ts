import type { ClassicGeneration, Group, GroupListing, TargetAssignment } from "./group.ts";
import type { CommittedOffset, GroupWrite, PartitionOwner } from "./group-write.ts";
import type { Member, MemberWithSession } from "./member.ts";
import type { TopicIdPartition } from "./partitions-by-topic.ts";

/** One partition's item in a group: its owner, and what was committed. Items that hold neither are left out of answers. */
export interface GroupPartition extends TopicIdPartition {
  /** The topic's name when the item was written. */
  readonly topic: string;
  readonly owner?: PartitionOwner;
  readonly committed?: CommittedOffset;
}

/** An offset to commit, fenced by who owns the partition. */
export interface OffsetCommit extends TopicIdPartition {
  readonly topic: string;
  readonly offset: CommittedOffset;
  /**
   * The member that commits, and its memberEpoch: it has to own the partition since that epoch or an earlier one. undefined: whoever
   * commits is no member, and nobody may own it.
   */
  readonly by: PartitionOwner | undefined;
}

/** `refused`: another owns the partition, or nobody, or in a later epoch. `overtaken`: a commit that came later was there first. */
export type CommitResult =
  | { readonly kind: "committed" }
  | { readonly kind: "refused"; readonly owner: PartitionOwner | undefined }
  | { readonly kind: "overtaken" };

/** Where a sweep over all groups stopped. */
export interface SweepPlace {
  /** The next one goes on behind this group, and from the first one on again when it is through. */
  readonly after: string;
  /** The largest lag that was met since the sweeps came by the first group last, and in the round before. */
  readonly lag: number;
  readonly lagBefore: number;
}

/**
 * The port to the `group` table: linearizable items. The table is a regional one: a group has its home in one region. It stores
 * and never decides. All reads are strongly consistent; a read of several items is no snapshot. Every operation is bounded in time.
 *
 * Errors: `KafkaError` KAFKA_STORAGE_ERROR or THROTTLING_QUOTA_EXCEEDED; on writes `outcome` says whether it may have been applied.
 * Whoever does not know reads again and decides anew: a decision that has come true already is met by its own result.
 */
export interface GroupStore {
  /** The group, then the member of that id: one request. */
  readGroup(groupId: string, memberId?: string): Promise<{ readonly group?: Group; readonly member?: Member }>;
  readTarget(groupId: string): Promise<TargetAssignment | undefined>;
  readGeneration(groupId: string): Promise<ClassicGeneration | undefined>;
  /** All members of the group with their sessions, in order of memberId. */
  readMembers(groupId: string): Promise<MemberWithSession[]>;
  /** The items of these partitions (at most 100, each named once), in any order; those that hold nothing are left out. */
  readPartitions(groupId: string, partitions: readonly TopicIdPartition[]): Promise<GroupPartition[]>;
  /** The group's partition items in order of topicId and partition, above `after`; fewer than `limit` (at most 1000) means that none is left. */
  listPartitions(
    groupId: string,
    options: { readonly limit: number; readonly after?: TopicIdPartition },
  ): Promise<GroupPartition[]>;

  /**
   * Applies all of `writes` (1 to {@link MAX_WRITES}, each of another item) if every condition holds, or none: false. One write is an ordinary
   * conditional one, several are a transaction. False is also the answer to a transaction that met another one on its way.
   */
  write(groupId: string, writes: readonly GroupWrite[]): Promise<boolean>;

  /**
   * Commits each offset by itself, a conditional write each, and answers for each, in order. An offset whose committedAt is newer
   * stays: a request that slept does not undo what came after it. Errors: that of the first that failed;
   * the others may have been applied. They may be committed again.
   */
  commitOffsets(groupId: string, commits: readonly OffsetCommit[]): Promise<CommitResult[]>;
  /** Removes committed offsets, each if it still is this one and nobody owns the partition. Answers which are gone. */
  deleteOffsets(
    groupId: string,
    offsets: readonly (TopicIdPartition & { readonly offset: CommittedOffset })[],
  ): Promise<boolean[]>;
  /**
   * Removes up to `maxItems` (at most 1000) partition items of a group that is dead, as long as it is at this version. Fewer than that means that none is
   * left. undefined: the group is at another version, or at its end, or another one; some may have been removed before. Errors: somebody else changes the
   * group just now, too.
   */
  deletePartitions(
    group: Pick<Group, "groupId" | "incarnation" | "version">,
    maxItems: number,
  ): Promise<number | undefined>;

  /** Groups in order of groupId, above `after`, up to `limit` (at most 1000). `sweepBefore`: only those that are to be swept by then. */
  listGroups(options: {
    readonly limit: number;
    readonly after?: string;
    readonly sweepBefore?: number;
  }): Promise<GroupListing[]>;
  /** The groups of these ids (at most 100), in any order; those that do not exist are left out. */
  readGroups(groupIds: readonly string[]): Promise<Group[]>;
  /** Where a sweep stopped that had not time for all; undefined: nowhere. One item for all groups, which whoever comes last has put. */
  readSweepPlace(): Promise<SweepPlace | undefined>;
  putSweepPlace(place: SweepPlace | undefined): Promise<void>;
}
