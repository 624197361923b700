import type { ClassicProtocol } from "./member.ts";
import type { NamedMember } from "./static-members.ts";

/** JoinGroup. */
export interface JoinGroup extends NamedMember {
  /** "" of a member that has none yet. */
  readonly memberId: string;
  /** The id that it gets then: made by the face, once for a request (Kafka's are clientId-UUID). */
  readonly newMemberId: string;
  /** Since version 4 a member joins under an id that it was given before: MEMBER_ID_REQUIRED tells it. Static members need none. */
  readonly requiresKnownMemberId: boolean;
  readonly protocolType: string;
  /** In order of preference. */
  readonly protocols: readonly ClassicProtocol[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly clientId: string;
  readonly clientHost: string;
}

/**
 * What became of a join. No decision waits for other members: `waiting` says to ask again, by {@link AwaitJoin}, in a moment. Any process
 * can ask, and whoever asks when the rebalance is due to complete completes it.
 */
export type JoinGroupAnswer =
  | { readonly kind: "member-id-required"; readonly memberId: string }
  | { readonly kind: "waiting"; readonly memberId: string; readonly awaitedGeneration: number }
  | {
      readonly kind: "joined";
      readonly memberId: string;
      readonly generationId: number;
      readonly protocolType: string;
      readonly protocolName: string;
      readonly leaderId: string;
      /** Everybody, for the leader alone; nobody for the others. */
      readonly members: readonly JoinedMember[];
      /** A static leader that came back: the assignment of before is still in force. */
      readonly skipAssignment: boolean;
    };

export interface JoinedMember {
  readonly memberId: string;
  readonly instanceId?: string;
  readonly metadata: Uint8Array;
}

/** Asks what became of a join that was `waiting`. */
export interface AwaitJoin extends NamedMember {
  readonly awaitedGeneration: number;
}

/** SyncGroup: asked again with the same as long as the answer is `waiting`. */
export interface SyncGroup extends NamedMember {
  readonly generationId: number;
  readonly protocolType?: string;
  readonly protocolName?: string;
  /** The leader's; nobody else's are looked at. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export type SyncGroupAnswer =
  | { readonly kind: "waiting" }
  | {
      readonly kind: "synced";
      readonly protocolType: string;
      readonly protocolName: string;
      readonly assignment: Uint8Array;
    };

/** Heartbeat. */
export interface ClassicHeartbeat extends NamedMember {
  readonly generationId: number;
}

/** `isRebalancing`: the member is alive, and is told REBALANCE_IN_PROGRESS: it has to join again. */
export interface ClassicHeartbeatAnswer {
  readonly isRebalancing: boolean;
}

/** LeaveGroup of one member; memberId "": whoever has the instanceId. */
export type LeaveGroup = NamedMember;
