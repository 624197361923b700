import { describeTopic } from "../../broker/describe-topic.ts";
import {
  EARLIEST_LOCAL_TIMESTAMP,
  EARLIEST_TIMESTAMP,
  LATEST_TIERED_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsets,
} from "../../broker/list-offsets.ts";
import { listPartitions } from "../../broker/list-partitions.ts";
import { listAllTopics } from "../../broker/list-topics.ts";
import { HttpError, unwrap } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery, offsetTypeQuery, partitionsQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { partitionResource, replicaResource } from "./partition-resource.ts";
import { topicPage } from "./topic-page.ts";
import { checkCluster, list, pageResponse, resource } from "./v3-resource.ts";

const PARTITIONS = "/v3/clusters/{cluster_id}/topics/{topic_name}/partitions";
const ALL_PARTITIONS = "/v3/clusters/{cluster_id}/topics/-/partitions";
const READS_AT_ONCE = 16;
const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;

export const partitionRoutes: readonly Route[] = [
  route({
    ...reads,
    path: ALL_PARTITIONS,
    operationId: "listAllPartitions",
    summary: "The partitions of all topics, or those of them that are in a state, page by page.",
    query: partitionsQuery,
    response: { status: 200, schema: schema.partitionList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { page_token, filter } = context.query;
      const all = await listAllTopics(context.broker);
      const page = await topicPage(
        all,
        page_token,
        async (topics) =>
          (await listPartitions(context.broker, topics, filter)).map(({ topic, partitions }) =>
            partitions.map((registration) => partitionResource(context, clusterId, topic, registration)),
          ),
        READS_AT_ONCE,
      );
      const query = filter === undefined ? "" : `?filter=${filter}`;
      return pageResponse(context, "KafkaPartitionList", `/${clusterId}/topics/-/partitions${query}`, page);
    },
  }),
  route({
    ...reads,
    path: PARTITIONS,
    operationId: "listPartitions",
    summary: "The partitions of a topic.",
    response: { status: 200, schema: schema.partitionList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { name, partitions } = unwrap(await describeTopic(context.broker, context.params["topic_name"]!));
      const data = partitions.map((registration) => partitionResource(context, clusterId, name, registration));
      return json(200, list(context, "KafkaPartitionList", `/${clusterId}/topics/${name}/partitions`, data));
    },
  }),
  route({
    ...reads,
    path: `${PARTITIONS}/{partition_id}`,
    operationId: "getPartition",
    summary: "A partition.",
    response: { status: 200, schema: schema.partition, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { name, registration } = await registrationOf(context);
      return json(200, partitionResource(context, clusterId, name, registration));
    },
  }),
  route({
    ...reads,
    query: offsetTypeQuery,
    path: `${PARTITIONS}/{partition_id}/offset`,
    operationId: "getPartitionOffsets",
    summary: "The first and the next offset of a partition; where its items begin, and what lies last in a segment.",
    response: { status: 200, schema: schema.partitionWithOffsets, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { name: topic, registration } = await registrationOf(context);
      const { partition } = registration;
      const offsetAt = async (timestamp: number) =>
        unwrap(await listOffsets(context.broker, { topic, partition, timestamp })).offset;
      return json(200, {
        ...resource(
          context,
          "KafkaPartitionWithOffsets",
          `/${clusterId}/topics/${topic}/partitions/${partition}/offset`,
          [
            ["kafka", clusterId],
            ["topic", topic],
            ["partition", String(partition)],
            ["offset_type", "earliest_and_latest"],
          ],
        ),
        cluster_id: clusterId,
        topic_name: topic,
        partition_id: partition,
        earliest_offset: await offsetAt(EARLIEST_TIMESTAMP),
        latest_offset: await offsetAt(LATEST_TIMESTAMP),
        earliest_local_offset: await offsetAt(EARLIEST_LOCAL_TIMESTAMP),
        latest_tiered_offset: await offsetAt(LATEST_TIERED_TIMESTAMP),
      });
    },
  }),
  route({
    ...reads,
    path: `${PARTITIONS}/{partition_id}/replicas`,
    operationId: "listReplicas",
    summary: "The replicas of a partition.",
    response: { status: 200, schema: schema.replicaList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { name, registration } = await registrationOf(context);
      const data = registration.replicas.map((id) => replicaResource(context, clusterId, name, registration, id));
      const path = `/${clusterId}/topics/${name}/partitions/${registration.partition}/replicas`;
      return json(200, list(context, "KafkaReplicaList", path, data));
    },
  }),
  route({
    ...reads,
    path: `${PARTITIONS}/{partition_id}/replicas/{broker_id}`,
    operationId: "getReplica",
    summary: "A replica of a partition.",
    response: { status: 200, schema: schema.replica, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { name, registration } = await registrationOf(context);
      const brokerId = registration.replicas.find((id) => String(id) === context.params["broker_id"]);
      if (brokerId === undefined)
        throw new HttpError(404, 404, `Replica ${context.params["broker_id"]} cannot be found.`);
      return json(200, replicaResource(context, clusterId, name, registration, brokerId));
    },
  }),
];

/** The partition that the path names. Errors: 404. */
async function registrationOf({ broker, params }: RouteContext) {
  const { name, partitions } = unwrap(await describeTopic(broker, params["topic_name"]!));
  const registration = partitions.find(({ partition }) => String(partition) === params["partition_id"]);
  if (registration !== undefined) return { name, registration };
  throw new HttpError(404, 40403, `Partition ${params["partition_id"]} of ${name} cannot be found.`, undefined, {
    kafka_error: "UNKNOWN_TOPIC_OR_PARTITION",
  });
}
