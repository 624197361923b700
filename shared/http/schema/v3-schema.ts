import { z } from "zod";

const related = z.object({ related: z.string() });
const metadata = z.object({ self: z.string(), resource_name: z.string() });
const listMetadata = z.object({ self: z.string(), next: z.null() });

function listOf<S extends z.ZodType>(kind: string, data: S) {
  return z.object({ kind: z.literal(kind), metadata: listMetadata, data: z.array(data) });
}

export const cluster = z.object({
  kind: z.literal("KafkaCluster"),
  metadata,
  cluster_id: z.string(),
  controller: related,
  brokers: related,
  topics: related,
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
  partition_replicas: related,
});
export const brokerList = listOf("KafkaBrokerList", brokerResource);

export const topic = z.object({
  kind: z.literal("KafkaTopic"),
  metadata,
  cluster_id: z.string(),
  topic_name: z.string(),
  is_internal: z.boolean(),
  replication_factor: z.int(),
  partitions_count: z.int(),
  partitions: related,
  configs: related,
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
});
export const partitionList = listOf("KafkaPartitionList", partition);

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

export const createTopicBody = z.strictObject({
  topic_name: z.string(),
  partitions_count: z.int().optional(),
  replication_factor: z.int().optional(),
  replicas_assignments: z.array(z.unknown()).max(0, "cannot be given: leaders are spread over the regions").optional(),
  configs: z
    .array(z.strictObject({ name: z.string(), value: z.string().nullable().optional() }))
    .max(200)
    .optional(),
  validate_only: z.boolean().optional(),
});

export const patchTopicBody = z.strictObject({ partitions_count: z.int() });

export const alterConfigsBody = z.strictObject({
  data: z
    .array(
      z.strictObject({
        name: z.string(),
        value: z.string().nullable().optional(),
        operation: z.enum(["SET", "DELETE"]).nullable().optional(),
      }),
    )
    .min(1)
    .max(200),
  validate_only: z.boolean().optional(),
});

export const updateConfigBody = z.strictObject({ value: z.string().nullable() });

export const producer = z.object({
  kind: z.literal("KafkaProducer"),
  metadata,
  cluster_id: z.string(),
  producer_id: z.int(),
  producer_epoch: z.int(),
});
