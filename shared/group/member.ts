import type { PartitionsByTopic } from "./partitions-by-topic.ts";

interface AnyMember {
  readonly memberId: string;
  /** Random, new with each joining: a member that was removed and joins again under its id is another. */
  readonly incarnation: string;
  /** Raised by one with each change: what a conditional write of it is judged by. */
  readonly version: number;
  /** group.instance.id: a static member. */
  readonly instanceId?: string;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  /** It is being removed, and some of what it held is released already: nothing it asks for is done any more. */
  readonly isFenced?: true;
}

/** KIP-848's states of a member. */
export type MemberState =
  /** Has all of its target assignment, in that epoch. */
  | "STABLE"
  /** Has been told to revoke partitions, and has not said yet that it did. */
  | "UNREVOKED_PARTITIONS"
  /** Waits for partitions that other members still hold. */
  | "UNRELEASED_PARTITIONS";

/** memberEpoch of a static member that said it would be back within its session timeout. */
export const STATIC_MEMBER_LEFT = -2;

/** A member of the consumer protocol. Changes when it joins, subscribes or is reconciled; a heartbeat alone changes its session. */
export interface ConsumerMember extends AnyMember {
  readonly type: "consumer";
  /** Of the last request that changed this member: earlier ones are not heard any more. */
  readonly sequence?: number;
  /** client.rack. */
  readonly rackId?: string;
  readonly serverAssignor?: string;
  /** Ascending, each once. */
  readonly subscribedTopicNames: readonly string[];
  readonly subscribedTopicRegex?: string;
  /** Random, new with each change of the subscription. */
  readonly subscriptionId: string;
  /** Whether a target assignment that this member was reconciled to has taken its subscription into account. */
  readonly isCovered: boolean;
  readonly state: MemberState;
  /** 0 until it is reconciled for the first time. */
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  /** What it has been told to consume. */
  readonly assigned: PartitionsByTopic;
  /** What it has been told to give up; it is still its owner. */
  readonly pendingRevocation: PartitionsByTopic;
  /** UNREVOKED_PARTITIONS: when it is removed unless it has revoked by then, in milliseconds since the epoch. */
  readonly revokeBy?: number;
}

/** A protocol that a classic member can speak, in its order of preference. The metadata is the client's own affair. */
export interface ClassicProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

/** A member of the classic protocol. */
export interface ClassicMember extends AnyMember {
  readonly type: "classic";
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly ClassicProtocol[];
  /** The generation that it has joined, or waits to be in; PENDING: it was given its id and has not joined yet. */
  readonly joinedGeneration: number;
  /** Milliseconds since the epoch. */
  readonly joinedAt: number;
}

/** joinedGeneration of a member that was given an id (MEMBER_ID_REQUIRED) and did not join yet. */
export const PENDING = -1;

export type Member = ConsumerMember | ClassicMember;

/** A member's sign of life: one tiny item, so that a heartbeat writes no more than that. */
export interface Session {
  readonly memberId: string;
  /** The member's. */
  readonly incarnation: string;
  /** Milliseconds since the epoch. */
  readonly sessionExpiresAt: number;
}

export interface MemberWithSession {
  readonly member: Member;
  /** Absent only where a removal was cut short. */
  readonly session?: Session;
}
