import type { ClassicGeneration, Group, GroupListing, TargetAssignment } from "./group.ts";
import type { Member, Session } from "./member.ts";
import type { TopicIdPartition } from "./partitions-by-topic.ts";

/**
 * One change of one item, with its condition. A list of them is applied as a whole or not at all (GroupStore.write).
 *
 * Groups and members are replaced from exactly the version before (version 1: nothing may be there), of the same incarnation.
 */
export type GroupWrite =
  | { readonly kind: "put-group"; readonly group: Group }
  | { readonly kind: "delete-group"; readonly group: Pick<Group, "groupId" | "incarnation" | "version"> }
  /** The group is at this version still. */
  | { readonly kind: "check-group"; readonly group: Pick<Group, "groupId" | "incarnation" | "version"> }
  /** There is no group. */
  | { readonly kind: "check-no-group" }
  | { readonly kind: "put-listing"; readonly listing: GroupListing }
  | { readonly kind: "delete-listing"; readonly groupId: string }
  /** Unconditional: it goes with the group whose version it belongs to. */
  | { readonly kind: "put-target"; readonly target: TargetAssignment }
  /** Likewise. */
  | { readonly kind: "put-generation"; readonly generation: ClassicGeneration }
  | { readonly kind: "put-member"; readonly member: Member }
  | { readonly kind: "delete-member"; readonly member: Pick<Member, "memberId" | "incarnation" | "version"> }
  /** Of a member that joins: no condition. */
  | { readonly kind: "begin-session"; readonly session: Session }
  /** The member's session, extended: it has to be there still, of the same incarnation. */
  | { readonly kind: "extend-session"; readonly session: Session }
  /** `session`: it must not have been extended in between. */
  | { readonly kind: "delete-session"; readonly memberId: string; readonly session?: Session }
  /** Who a static member is. `before`: whom it must have been (undefined: nobody). */
  | { readonly kind: "put-instance"; readonly instanceId: string; readonly memberId: string; readonly before?: string }
  | { readonly kind: "delete-instance"; readonly instanceId: string; readonly memberId: string }
  /** A partition that nobody owns becomes the member's. */
  | {
      readonly kind: "acquire";
      readonly partition: TopicIdPartition;
      readonly topic: string;
      readonly owner: PartitionOwner;
    }
  /** The member is its owner, and no more. Its committed offset stays. */
  | { readonly kind: "release"; readonly partition: TopicIdPartition; readonly memberId: string }
  /** Whoever owns the partition, unless its offset's committedAt is newer: goes with a `check-group` (classic groups). */
  | {
      readonly kind: "put-offset";
      readonly partition: TopicIdPartition;
      readonly topic: string;
      readonly offset: CommittedOffset;
    };

/** Who may commit a partition's offset, and from which memberEpoch on: KIP-1251's assignment epoch. */
export interface PartitionOwner {
  readonly memberId: string;
  readonly epoch: number;
}

export interface CommittedOffset {
  /** The next offset to read. */
  readonly offset: number;
  /** leaderEpoch of the last record read; -1: not told. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  /** When the commit arrived, in milliseconds since the epoch: a commit never takes the place of one that arrived later. */
  readonly committedAt: number;
}

/** How many items one write may change: what a transaction of DynamoDB takes. */
export const MAX_WRITES = 100;
/** How many partitions change hands in one write, beside the members, sessions and the group. */
export const MAX_PARTITION_WRITES = 90;
