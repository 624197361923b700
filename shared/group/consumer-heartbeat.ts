import type { PartitionsByTopic } from "./partitions-by-topic.ts";

/** memberEpoch of a member that joins, and of one that leaves. */
export const JOIN_EPOCH = 0;
export const LEAVE_EPOCH = -1;

/** KIP-848's ConsumerGroupHeartbeat. What is absent has not changed since the member's last one. */
export interface ConsumerGroupHeartbeat {
  readonly groupId: string;
  /** Never empty: a face makes one up for a client that brings none (newMemberId), once for a request. */
  readonly memberId: string;
  /** 0: join; -1: leave; -2: a static member leaves, to be back within its session timeout; else the last one that it was told. */
  readonly memberEpoch: number;
  /**
   * Rises with every request under this memberId (a clock will do). Not Kafka's, whose connections keep requests in order: HTTP's do not,
   * and one that was given up must not be taken, when it arrives after all, for what the member says now. Absent: whoever calls keeps them
   * in order, or sees to it that a request is dead before it sends the next.
   */
  readonly sequence?: number;
  readonly instanceId?: string;
  readonly rackId?: string;
  /** Has to be there when joining. */
  readonly rebalanceTimeoutMs?: number;
  /** Has to be there when joining, unless subscribedTopicRegex is. */
  readonly subscribedTopicNames?: readonly string[];
  /** "": none any more. */
  readonly subscribedTopicRegex?: string;
  readonly serverAssignor?: string;
  /** What the member owns now. Empty, or absent, when joining. */
  readonly topicPartitions?: PartitionsByTopic;
  readonly clientId: string;
  readonly clientHost: string;
}

export interface ConsumerGroupHeartbeatAnswer {
  readonly memberId: string;
  /** To be sent with the next heartbeat, and with every commit from now on. */
  readonly memberEpoch: number;
  /** When to call again. */
  readonly heartbeatIntervalMs: number;
  /** All that the member may consume; absent: as before. What it has and is not in here it must revoke, and say so by topicPartitions. */
  readonly assignment?: readonly AssignedPartitions[];
}

export interface AssignedPartitions {
  readonly topicId: string;
  readonly topic: string;
  readonly partitions: readonly number[];
}
