import { describeTopic } from "../../broker/describe-topic.ts";
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from "../../broker/list-offsets.ts";
import type { PartitionRegistration } from "../../broker/metadata-store.ts";
import { HttpError, unwrap } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery, offsetTypeQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { checkCluster, list, related, resource } from "./v3-resource.ts";

const PARTITIONS = "/v3/clusters/{cluster_id}/topics/{topic_name}/partitions";
const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;

export const partitionRoutes: readonly Route[] = [
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
    summary: "The first and the next offset of a partition.",
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
export async function registrationOf({ broker, params }: RouteContext) {
  const { name, partitions } = unwrap(await describeTopic(broker, params["topic_name"]!));
  const registration = partitions.find(({ partition }) => String(partition) === params["partition_id"]);
  if (registration !== undefined) return { name, registration };
  throw new HttpError(404, 40403, `Partition ${params["partition_id"]} of ${name} cannot be found.`, undefined, {
    kafka_error: "UNKNOWN_TOPIC_OR_PARTITION",
  });
}

function partitionResource(
  context: RouteContext,
  clusterId: string,
  topic: string,
  registration: PartitionRegistration,
) {
  const { partition, leader } = registration;
  const path = `/${clusterId}/topics/${topic}/partitions/${partition}`;
  return {
    ...resource(context, "KafkaPartition", path, [
      ["kafka", clusterId],
      ["topic", topic],
      ["partition", String(partition)],
    ]),
    cluster_id: clusterId,
    topic_name: topic,
    partition_id: partition,
    leader: related(context, `${path}/replicas/${leader}`),
    replicas: related(context, `${path}/replicas`),
    reassignment: related(context, `${path}/reassignment`),
  };
}

export function replicaResource(
  context: RouteContext,
  clusterId: string,
  topic: string,
  { partition, leader, inSyncReplicas }: PartitionRegistration,
  brokerId: number,
) {
  return {
    ...resource(context, "KafkaReplica", `/${clusterId}/topics/${topic}/partitions/${partition}/replicas/${brokerId}`, [
      ["kafka", clusterId],
      ["topic", topic],
      ["partition", String(partition)],
      ["replica", String(brokerId)],
    ]),
    cluster_id: clusterId,
    topic_name: topic,
    partition_id: partition,
    broker_id: brokerId,
    is_leader: brokerId === leader,
    is_in_sync: inSyncReplicas.includes(brokerId),
    broker: related(context, `/${clusterId}/brokers/${brokerId}`),
  };
}
