import * as z from "zod/mini";
import { atFirstUse } from "./at-first-use.ts";
import { integer } from "./parameters.ts";
import { listOf, metadata, related } from "./v3-schema.ts";

/** A group's id, which the next page begins behind, has at most 255 characters. */
const MAX_TOKEN_LENGTH = 255;

export const groupsQuery = atFirstUse(() =>
  z.strictObject({ page_token: z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_TOKEN_LENGTH))) }),
);
export const listQuery = atFirstUse(() => z.strictObject({ page_token: z.optional(integer(1, 10_000_000)) }));

export const group = atFirstUse(() => ({ cluster_id: z.string(), consumer_group_id: z.string() }));

export const consumerGroup = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaConsumerGroup"),
    metadata: metadata(),
    ...group(),
    is_simple: z.boolean(),
    partition_assignor: z.string(),
    state: z.string(),
    type: z.enum(["CLASSIC", "CONSUMER"]),
    is_mixed_consumer_group: z.boolean(),
    coordinator: related(),
    consumers: related(),
    lag_summary: related(),
    /** Millrace's own: groupEpoch, or generationId. */
    group_epoch: z.int(),
  }),
);
export const consumerGroupList = atFirstUse(() => listOf("KafkaConsumerGroupList", consumerGroup()));

export const consumer = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaConsumer"),
    metadata: metadata(),
    ...group(),
    consumer_id: z.string(),
    instance_id: z.nullable(z.string()),
    client_id: z.string(),
    assignments: related(),
    /** Millrace's own from here on. */
    client_host: z.string(),
    member_epoch: z.int(),
    subscribed_topic_names: z.array(z.string()),
    subscribed_topic_regex: z.nullable(z.string()),
  }),
);
export const consumerList = atFirstUse(() => listOf("KafkaConsumerList", consumer()));

export const assignment = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaConsumerAssignment"),
    metadata: metadata(),
    ...group(),
    consumer_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    partition: related(),
    lag: related(),
  }),
);
export const assignmentList = atFirstUse(() => listOf("KafkaConsumerAssignmentList", assignment()));

export const lag = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaConsumerLag"),
    metadata: metadata(),
    ...group(),
    topic_name: z.string(),
    partition_id: z.int(),
    consumer_id: z.string(),
    instance_id: z.nullable(z.string()),
    client_id: z.string(),
    current_offset: z.int(),
    log_end_offset: z.int(),
    lag: z.int(),
  }),
);
export const lagList = atFirstUse(() => listOf("KafkaConsumerLagList", lag()));

export const lagSummary = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaConsumerGroupLagSummary"),
    metadata: metadata(),
    ...group(),
    max_lag_consumer_id: z.string(),
    max_lag_instance_id: z.nullable(z.string()),
    max_lag_client_id: z.string(),
    max_lag_topic_name: z.string(),
    max_lag_partition_id: z.int(),
    max_lag: z.int(),
    total_lag: z.int(),
    max_lag_consumer: related(),
    max_lag_partition: related(),
  }),
);
