/** Names of the server-side assignors, in the order in which Kafka's `group.consumer.assignors` has them: the first is the default. */
export const ASSIGNORS = ["uniform", "range"] as const;
export type AssignorName = (typeof ASSIGNORS)[number];

/** Kafka's settings of a coordinator, and of a group where Kafka has them for one. Times in milliseconds. */
export interface GroupConfig {
  /** group.consumer.session.timeout.ms: how long a member of the consumer protocol is kept without a heartbeat. */
  readonly consumerSessionTimeoutMs: number;
  /** group.consumer.heartbeat.interval.ms: how often such a member is told to call. */
  readonly consumerHeartbeatIntervalMs: number;
  /** How often somebody looks after members that are gone, and topics that changed, while the group is in use. */
  readonly reviewIntervalMs: number;
  /** group.max.size, group.consumer.max.size. */
  readonly maxSize: number;
  /** group.min.session.timeout.ms and group.max.session.timeout.ms, of the classic protocol. */
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** group.initial.rebalance.delay.ms: how long an empty group of the classic protocol waits for more to join. */
  readonly initialRebalanceDelayMs: number;
  /** offsets.retention.minutes, in milliseconds. */
  readonly offsetsRetentionMs: number;
}

/**
 * Kafka's defaults, but for two: its groups have no greatest size, ours do, so that items stay far below DynamoDB's limit (ADR 8);
 * and a review is of Millrace alone. https://kafka.apache.org/documentation/#brokerconfigs
 */
export const DEFAULT_GROUP_CONFIG: GroupConfig = {
  consumerSessionTimeoutMs: 45_000,
  consumerHeartbeatIntervalMs: 5_000,
  reviewIntervalMs: 30_000,
  maxSize: 1_000,
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 3_000,
  offsetsRetentionMs: 7 * 24 * 60 * 60 * 1000,
};

/** Bounds of what a client may send. Kafka bounds a request as a whole; here each ends in an item of 400 KB. */
export const MAX_SUBSCRIBED_TOPICS = 1_000;
export const MAX_SUBSCRIPTION_BYTES = 64 * 1024;
/** Of all members of a group of the consumer protocol together. */
export const MAX_GROUP_TOPICS = 2_000;
export const MAX_GROUP_PARTITIONS = 50_000;
export const MAX_ID_LENGTH = 255;
/** A day: a rebalance that waits longer for one member is a group that stands still. */
export const MAX_REBALANCE_TIMEOUT_MS = 24 * 60 * 60 * 1000;
/** offset.metadata.max.bytes; Kafka counts characters. */
export const MAX_OFFSET_METADATA_LENGTH = 4096;
