import type { AssignorName } from "./group-config.ts";
import type { PartitionsByTopic } from "./partitions-by-topic.ts";

interface AnyGroup {
  readonly groupId: string;
  /** Random, new with each creation: a group that was deleted and made again is another. */
  readonly incarnation: string;
  /** Raised by one with each change: what a conditional write of it is judged by. */
  readonly version: number;
  /** When somebody should look after members that are gone, in milliseconds since the epoch: at the next touch after it. */
  readonly reviewAt: number;
  /** How many members there were at the last review, and with every one that was removed since. */
  readonly memberCount: number;
  /** Since when it has no members, in milliseconds since the epoch; absent while it has some. */
  readonly emptySince?: number;
  /** It is being deleted: nothing joins it and nothing is committed to it any more. */
  readonly isDead?: true;
}

/** A group of the consumer protocol (KIP-848). */
export interface ConsumerGroup extends AnyGroup {
  readonly type: "consumer";
  /** Raised when members, subscriptions or topics change: a new target assignment is due. */
  readonly groupEpoch: number;
  /** The epoch that the target assignment was computed for. */
  readonly assignmentEpoch: number;
  /** Which topics, with how many partitions, the target assignment was computed from. */
  readonly topicsDigest: string;
}

/** Kafka's states of a classic group. */
export type ClassicGroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable";

/** A group of the classic protocol, or a simple one that only has offsets. */
export interface ClassicGroup extends AnyGroup {
  readonly type: "classic";
  readonly state: ClassicGroupState;
  /** Raised when a rebalance completes. */
  readonly generationId: number;
  /** "consumer" or "connect" for instance; absent in a group that nobody joined yet. */
  readonly protocolType?: string;
  /** What the members of this generation voted for. */
  readonly protocolName?: string;
  readonly leaderId?: string;
  /** PreparingRebalance: when members that have not joined are left behind; CompletingRebalance: when the leader has to have synced. */
  readonly rebalanceBy?: number;
  /** PreparingRebalance of a group that was empty: it waits for further members until then, even if all have joined. */
  readonly initialUntil?: number;
}

export type Group = ConsumerGroup | ClassicGroup;

/** A generation of a classic group as one item: replaced as a whole, together with the group. */
export interface ClassicGeneration {
  readonly generationId: number;
  /** memberIds, in the order of joining. */
  readonly members: readonly string[];
  /** What the leader assigned to each; absent until it has. Its meaning is the clients' own affair. */
  readonly assignments?: Readonly<Record<string, Uint8Array>>;
}

/** What a list of groups holds: one small item a group, there as long as the group is. */
export interface GroupListing {
  readonly groupId: string;
  /** Before this (milliseconds since the epoch) a sweep has nothing to do here; 0: look every time. */
  readonly sweepAt: number;
}

/** A group's target assignment as one item: replaced as a whole, together with the group. */
export interface TargetAssignment {
  /** The group epoch that it was computed for. */
  readonly epoch: number;
  readonly assignor: AssignorName;
  /** All topics that any member subscribed to and that were there. */
  readonly topics: readonly AssignedTopic[];
  readonly members: Readonly<Record<string, TargetMember>>;
}

export interface AssignedTopic {
  readonly topicId: string;
  readonly name: string;
  readonly partitionCount: number;
}

export interface TargetMember {
  /** The subscription that was taken into account: ConsumerMember.subscriptionId. */
  readonly subscriptionId: string;
  readonly partitions: PartitionsByTopic;
}
