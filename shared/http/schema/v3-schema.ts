import * as z from "zod/mini";
import { atFirstUse } from "./at-first-use.ts";

export const related = atFirstUse(() => z.object({ related: z.string() }));
export const metadata = atFirstUse(() => z.object({ self: z.string(), resource_name: z.string() }));
const listMetadata = atFirstUse(() => z.object({ self: z.string(), next: z.nullable(z.string()) }));

export function listOf<S extends z.ZodMiniType>(kind: string, data: S) {
  return z.object({ kind: z.literal(kind), metadata: listMetadata(), data: z.array(data) });
}

export const cluster = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaCluster"),
    metadata: metadata(),
    cluster_id: z.string(),
    controller: related(),
    acls: related(),
    brokers: related(),
    broker_configs: related(),
    consumer_groups: related(),
    topics: related(),
    partition_reassignments: related(),
  }),
);
export const clusterList = atFirstUse(() => listOf("KafkaClusterList", cluster()));

export const brokerResource = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaBroker"),
    metadata: metadata(),
    cluster_id: z.string(),
    broker_id: z.int(),
    host: z.string(),
    port: z.int(),
    rack: z.string(),
    configs: related(),
    partition_replicas: related(),
    /** Millrace's own: the region counts as gone. */
    is_fenced: z.boolean(),
  }),
);
export const brokerList = atFirstUse(() => listOf("KafkaBrokerList", brokerResource()));

export const topic = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaTopic"),
    metadata: metadata(),
    cluster_id: z.string(),
    topic_name: z.string(),
    topic_id: z.string(),
    is_internal: z.boolean(),
    replication_factor: z.int(),
    partitions_count: z.int(),
    partitions: related(),
    configs: related(),
    partition_reassignments: related(),
    authorized_operations: z.array(z.string()),
  }),
);
export const topicList = atFirstUse(() => listOf("KafkaTopicList", topic()));

export const topicConfig = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaTopicConfig"),
    metadata: metadata(),
    cluster_id: z.string(),
    topic_name: z.string(),
    name: z.string(),
    value: z.nullable(z.string()),
    is_default: z.boolean(),
    is_read_only: z.boolean(),
    is_sensitive: z.boolean(),
    source: z.string(),
    synonyms: z.array(z.object({ name: z.string(), value: z.nullable(z.string()), source: z.string() })),
  }),
);
export const topicConfigList = atFirstUse(() => listOf("KafkaTopicConfigList", topicConfig()));

export const partition = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaPartition"),
    metadata: metadata(),
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    leader: related(),
    replicas: related(),
    reassignment: related(),
    /** Millrace's own from here on. */
    leader_id: z.int(),
    leader_epoch: z.int(),
    partition_epoch: z.int(),
    assigned_replicas: z.array(z.int()),
    in_sync_replicas: z.array(z.int()),
  }),
);
export const partitionList = atFirstUse(() => listOf("KafkaPartitionList", partition()));

export const partitionWithOffsets = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaPartitionWithOffsets"),
    metadata: metadata(),
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    earliest_offset: z.int(),
    latest_offset: z.int(),
    earliest_local_offset: z.int(),
    latest_tiered_offset: z.int(),
  }),
);

export const replica = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaReplica"),
    metadata: metadata(),
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    broker_id: z.int(),
    is_leader: z.boolean(),
    is_in_sync: z.boolean(),
    broker: related(),
  }),
);
export const replicaList = atFirstUse(() => listOf("KafkaReplicaList", replica()));

/** Lists that are always empty. */
export const emptyListOf = (kind: string) => atFirstUse(() => listOf(kind, z.never()));

/** A config's value: a string, and what other JSON is as one, as Confluent takes it. */
const configValue = atFirstUse(() =>
  z.pipe(
    z.union([z.string(), z.number(), z.boolean()], "must be a string, true, false or a number of at most 15 digits"),
    z.transform(String),
  ),
);

export const createTopicBody = atFirstUse(() =>
  z.strictObject({
    topic_name: z.string(),
    partitions_count: z.nullish(z.int()),
    replication_factor: z.nullish(z.int()),
    /** Broker ids by partition: known, so that it is refused by name. */
    replicas_assignments: z.nullish(z.record(z.string(), z.array(z.int()))),
    configs: z.nullish(
      z.array(z.strictObject({ name: z.string(), value: z.nullish(configValue()) })).check(z.maxLength(200)),
    ),
    validate_only: z.nullish(z.boolean()),
  }),
);

export const patchTopicBody = atFirstUse(() => z.strictObject({ partitions_count: z.int() }));

export const alterConfigsBody = atFirstUse(() =>
  z.strictObject({
    data: z
      .array(
        z.strictObject({
          name: z.string(),
          value: z.nullish(configValue()),
          operation: z.nullish(z.enum(["SET", "DELETE"])),
        }),
      )
      .check(z.minLength(1), z.maxLength(200)),
    validate_only: z.nullish(z.boolean()),
  }),
);

export const updateConfigBody = atFirstUse(() => z.strictObject({ value: z.nullable(configValue()) }));

export const producer = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaProducer"),
    metadata: metadata(),
    cluster_id: z.string(),
    producer_id: z.int(),
    producer_epoch: z.int(),
  }),
);
