import { describeCluster } from "../../broker/describe-cluster.ts";
import { describeTopic } from "../../broker/describe-topic.ts";
import { fencedBrokers } from "../../broker/fenced-brokers.ts";
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from "../../broker/list-offsets.ts";
import { listAllTopics } from "../../broker/list-topics.ts";
import type { PartitionRegistration } from "../../broker/metadata-store.ts";
import type { TopicDescription } from "../../broker/topic-description.ts";
import { JSON_TYPE, V2_JSON_TYPE } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v2-schema.ts";
import { partitionNotFound, v2Json, v2Unwrap } from "./v2-answer.ts";

const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;
const answers = [V2_JSON_TYPE, JSON_TYPE];

export const v2TopicRoutes: readonly Route[] = [
  route({
    ...reads,
    path: "/",
    operationId: "v2Root",
    summary: "Nothing: a client can see that somebody answers.",
    response: { status: 200, schema: schema.nothing, mediaTypes: answers },
    handle: async (context) => v2Json(context, {}),
  }),
  route({
    ...reads,
    path: "/topics",
    operationId: "v2ListTopics",
    summary: "The names of all topics.",
    response: { status: 200, schema: schema.topicNames, mediaTypes: answers },
    handle: async (context) => {
      const topics = await listAllTopics(context.broker);
      return v2Json(
        context,
        topics.map(({ name }) => name),
      );
    },
  }),
  route({
    ...reads,
    path: "/topics/{topic_name}",
    operationId: "v2GetTopic",
    summary: "A topic with its configs and partitions.",
    response: { status: 200, schema: schema.topic, mediaTypes: answers },
    handle: async (context) => {
      const { name, configs, partitions } = await topicOf(context);
      return v2Json(context, {
        name,
        configs: Object.fromEntries(configs.map((config) => [config.name, config.value])),
        partitions: partitions.map(partitionBody),
      });
    },
  }),
  route({
    ...reads,
    path: "/topics/{topic_name}/partitions",
    operationId: "v2ListPartitions",
    summary: "The partitions of a topic.",
    response: { status: 200, schema: schema.partitions, mediaTypes: answers },
    handle: async (context) => v2Json(context, (await topicOf(context)).partitions.map(partitionBody)),
  }),
  route({
    ...reads,
    path: "/topics/{topic_name}/partitions/{partition_id}",
    operationId: "v2GetPartition",
    summary: "A partition.",
    response: { status: 200, schema: schema.onePartition, mediaTypes: answers },
    handle: async (context) => v2Json(context, partitionBody(await v2Partition(context))),
  }),
  route({
    ...reads,
    path: "/topics/{topic_name}/partitions/{partition_id}/offsets",
    operationId: "v2GetOffsets",
    summary: "The first and the next offset of a partition.",
    response: { status: 200, schema: schema.offsets, mediaTypes: answers },
    handle: async (context) => {
      const { partition } = await v2Partition(context);
      const offsetAt = async (timestamp: number) => {
        const topic = context.params["topic_name"]!;
        return v2Unwrap(await listOffsets(context.broker, { topic, partition, timestamp })).offset;
      };
      const beginning_offset = await offsetAt(EARLIEST_TIMESTAMP);
      return v2Json(context, { beginning_offset, end_offset: await offsetAt(LATEST_TIMESTAMP) });
    },
  }),
  route({
    ...reads,
    path: "/brokers",
    operationId: "v2ListBrokers",
    summary: "The ids of the brokers that are alive.",
    response: { status: 200, schema: schema.brokers, mediaTypes: answers },
    handle: async (context) => {
      const { brokers } = await describeCluster(context.broker);
      const fenced = await fencedBrokers(context.broker);
      return v2Json(context, { brokers: brokers.map(({ brokerId }) => brokerId).filter((id) => !fenced.has(id)) });
    },
  }),
];

async function topicOf({ broker, params }: RouteContext): Promise<TopicDescription> {
  return v2Unwrap(await describeTopic(broker, params["topic_name"]!));
}

/** The partition of the path. Errors: 404 with 40401 for the topic, 40402 for the partition. */
async function v2Partition(context: RouteContext): Promise<PartitionRegistration> {
  const { partitions } = await topicOf(context);
  const found = partitions.find(({ partition }) => String(partition) === context.params["partition_id"]);
  if (found !== undefined) return found;
  throw partitionNotFound(`the topic's partitions are 0 to ${partitions.length - 1}`);
}

function partitionBody({ partition, leader, replicas, inSyncReplicas }: PartitionRegistration) {
  return {
    partition,
    leader,
    replicas: replicas.map((id) => ({ broker: id, leader: id === leader, in_sync: inSyncReplicas.includes(id) })),
  };
}
