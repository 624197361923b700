/**
 * Kafka's error codes by name: wire number and whether a client may retry.
 * Source: https://kafka.apache.org/protocol#protocol_error_codes
 */
export const ERROR_CODES = {
  UNKNOWN_SERVER_ERROR: { number: -1, retriable: false },
  NONE: { number: 0, retriable: false },
  OFFSET_OUT_OF_RANGE: { number: 1, retriable: false },
  CORRUPT_MESSAGE: { number: 2, retriable: true },
  UNKNOWN_TOPIC_OR_PARTITION: { number: 3, retriable: true },
  LEADER_NOT_AVAILABLE: { number: 5, retriable: true },
  NOT_LEADER_OR_FOLLOWER: { number: 6, retriable: true },
  REQUEST_TIMED_OUT: { number: 7, retriable: true },
  MESSAGE_TOO_LARGE: { number: 10, retriable: false },
  INVALID_TOPIC_EXCEPTION: { number: 17, retriable: false },
  RECORD_LIST_TOO_LARGE: { number: 18, retriable: false },
  NOT_ENOUGH_REPLICAS: { number: 19, retriable: true },
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: { number: 20, retriable: true },
  INVALID_REQUIRED_ACKS: { number: 21, retriable: false },
  INVALID_TIMESTAMP: { number: 32, retriable: false },
  UNSUPPORTED_VERSION: { number: 35, retriable: false },
  TOPIC_ALREADY_EXISTS: { number: 36, retriable: false },
  INVALID_PARTITIONS: { number: 37, retriable: false },
  INVALID_REPLICATION_FACTOR: { number: 38, retriable: false },
  INVALID_REPLICA_ASSIGNMENT: { number: 39, retriable: false },
  INVALID_CONFIG: { number: 40, retriable: false },
  INVALID_REQUEST: { number: 42, retriable: false },
  UNSUPPORTED_FOR_MESSAGE_FORMAT: { number: 43, retriable: false },
  POLICY_VIOLATION: { number: 44, retriable: false },
  OUT_OF_ORDER_SEQUENCE_NUMBER: { number: 45, retriable: false },
  DUPLICATE_SEQUENCE_NUMBER: { number: 46, retriable: false },
  INVALID_PRODUCER_EPOCH: { number: 47, retriable: false },
  KAFKA_STORAGE_ERROR: { number: 56, retriable: true },
  UNKNOWN_PRODUCER_ID: { number: 59, retriable: false },
  FENCED_LEADER_EPOCH: { number: 74, retriable: true },
  UNKNOWN_LEADER_EPOCH: { number: 75, retriable: true },
  UNSUPPORTED_COMPRESSION_TYPE: { number: 76, retriable: false },
  PREFERRED_LEADER_NOT_AVAILABLE: { number: 80, retriable: true },
  ELIGIBLE_LEADERS_NOT_AVAILABLE: { number: 83, retriable: true },
  ELECTION_NOT_NEEDED: { number: 84, retriable: true },
  INVALID_RECORD: { number: 87, retriable: false },
  THROTTLING_QUOTA_EXCEEDED: { number: 89, retriable: true },
  UNKNOWN_TOPIC_ID: { number: 100, retriable: true },
  /** Millrace's own: a conditional append (`expected_offset`) met another logEndOffset. Never on Kafka's wire. */
  EXPECTED_OFFSET_MISMATCH: { number: -1, retriable: false },
} as const satisfies Record<string, { number: number; retriable: boolean }>;

/** The name of an error, as Kafka spells it. */
export type ErrorCode = keyof typeof ERROR_CODES;
