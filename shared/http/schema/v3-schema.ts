import { z } from "zod";

const related = z.object({ related: z.string() });
const metadata = z.object({ self: z.string(), resource_name: z.string() });
const listMetadata = z.object({ self: z.string(), next: z.string().nullable() });

function listOf<S extends z.ZodType>(kind: string, data: S) {
  return z.object({ kind: z.literal(kind), metadata: listMetadata, data: z.array(data) });
}

export const cluster = z.object({
  kind: z.literal("KafkaCluster"),
  metadata,
  cluster_id: z.string(),
  controller: related,
  acls: related,
  brokers: related,
  broker_configs: related,
  consumer_groups: related,
  topics: related,
  partition_reassignments: related,
});
export const clusterList = listOf("KafkaClusterList", cluster);

export const brokerResource = z.object({
  kind: z.literal("KafkaBroker"),
  metadata,
  cluster_id: z.string(),
  broker_id: z.int(),
  host: z.string(),
  port: z.int(),
  rack: z.string(),
  configs: related,
  partition_replicas: related,
});
export const brokerList = listOf("KafkaBrokerList", brokerResource);

export const topic = z.object({
  kind: z.literal("KafkaTopic"),
  metadata,
  cluster_id: z.string(),
  topic_name: z.string(),
  topic_id: z.string(),
  is_internal: z.boolean(),
  replication_factor: z.int(),
  partitions_count: z.int(),
  partitions: related,
  configs: related,
  partition_reassignments: related,
  authorized_operations: z.array(z.string()),
});
export const topicList = listOf("KafkaTopicList", topic);

export const topicConfig = z.object({
  kind: z.literal("KafkaTopicConfig"),
  metadata,
  cluster_id: z.string(),
  topic_name: z.string(),
  name: z.string(),
  value: z.string().nullable(),
  is_default: z.boolean(),
  is_read_only: z.boolean(),
  is_sensitive: z.boolean(),
  source: z.string(),
  synonyms: z.array(z.object({ name: z.string(), value: z.string().nullable(), source: z.string() })),
});
export const topicConfigList = listOf("KafkaTopicConfigList", topicConfig);

export const partition = z.object({
  kind: z.literal("KafkaPartition"),
  metadata,
  cluster_id: z.string(),
  topic_name: z.string(),
  partition_id: z.int(),
  leader: related,
  replicas: related,
  reassignment: related,
});
export const partitionList = listOf("KafkaPartitionList", partition);

export const partitionWithOffsets = z.object({
  kind: z.literal("KafkaPartitionWithOffsets"),
  metadata,
  cluster_id: z.string(),
  topic_name: z.string(),
  partition_id: z.int(),
  earliest_offset: z.int(),
  latest_offset: z.int(),
});

export const replica = z.object({
  kind: z.literal("KafkaReplica"),
  metadata,
  cluster_id: z.string(),
  topic_name: z.string(),
  partition_id: z.int(),
  broker_id: z.int(),
  is_leader: z.boolean(),
  is_in_sync: z.boolean(),
  broker: related,
});
export const replicaList = listOf("KafkaReplicaList", replica);

/** Lists whose members there are none of yet. */
export const emptyListOf = (kind: string) => listOf(kind, z.never());

export const createTopicBody = z.strictObject({
  topic_name: z.string(),
  partitions_count: z.int().nullish(),
  replication_factor: z.int().nullish(),
  /** Broker ids by partition: known, so that it is refused by name. */
  replicas_assignments: z.record(z.string(), z.array(z.int())).nullish(),
  configs: z
    .array(z.strictObject({ name: z.string(), value: z.string().nullish() }))
    .max(200)
    .nullish(),
  validate_only: z.boolean().nullish(),
});

export const patchTopicBody = z.strictObject({ partitions_count: z.int() });

export const alterConfigsBody = z.strictObject({
  data: z
    .array(
      z.strictObject({
        name: z.string(),
        value: z.string().nullish(),
        operation: z.enum(["SET", "DELETE"]).nullish(),
      }),
    )
    .min(1)
    .max(200),
  validate_only: z.boolean().nullish(),
});

export const updateConfigBody = z.strictObject({ value: z.string().nullable() });

export const producer = z.object({
  kind: z.literal("KafkaProducer"),
  metadata,
  cluster_id: z.string(),
  producer_id: z.int(),
  producer_epoch: z.int(),
});
