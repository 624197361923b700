import { describeCluster } from "../../broker/describe-cluster.ts";
import { initProducerId } from "../../broker/init-producer-id.ts";
import { listTopics } from "../../broker/list-topics.ts";
import { HttpError } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { replicaResource } from "./v3-partitions.ts";
import { checkCluster, list, related, resource } from "./v3-resource.ts";

const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;

export const clusterRoutes: readonly Route[] = [
  route({
    ...reads,
    path: "/v3/clusters",
    operationId: "listClusters",
    summary: "The clusters behind this endpoint: one.",
    response: { status: 200, schema: schema.clusterList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => json(200, list(context, "KafkaClusterList", "", [await clusterResource(context)])),
  }),
  route({
    ...reads,
    path: "/v3/clusters/{cluster_id}",
    operationId: "getCluster",
    summary: "A cluster.",
    response: { status: 200, schema: schema.cluster, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      await checkCluster(context);
      return json(200, await clusterResource(context));
    },
  }),
  route({
    ...reads,
    path: "/v3/clusters/{cluster_id}/brokers",
    operationId: "listBrokers",
    summary: "The brokers: a broker is a region.",
    response: { status: 200, schema: schema.brokerList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { brokers } = await describeCluster(context.broker);
      const data = brokers.map(({ brokerId, region }) => brokerResource(context, clusterId, brokerId, region));
      return json(200, list(context, "KafkaBrokerList", `/${clusterId}/brokers`, data));
    },
  }),
  route({
    ...reads,
    path: "/v3/clusters/{cluster_id}/brokers/{broker_id}",
    operationId: "getBroker",
    summary: "A broker.",
    response: { status: 200, schema: schema.brokerResource, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { brokerId, region } = await brokerOf(context);
      return json(200, brokerResource(context, clusterId, brokerId, region));
    },
  }),
  route({
    ...reads,
    path: "/v3/clusters/{cluster_id}/brokers/{broker_id}/partition-replicas",
    operationId: "listBrokerReplicas",
    summary: "The replicas that a broker holds.",
    response: { status: 200, schema: schema.replicaList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { brokerId } = await brokerOf(context);
      const topics = await listTopics(context.broker);
      const data = topics.flatMap(({ name, partitions }) =>
        partitions
          .filter(({ replicas }) => replicas.includes(brokerId))
          .map((registration) => replicaResource(context, clusterId, name, registration, brokerId)),
      );
      return json(200, list(context, "KafkaReplicaList", `/${clusterId}/brokers/${brokerId}/partition-replicas`, data));
    },
  }),
  route({
    method: "POST",
    lambda: "produce",
    query: noQuery,
    accepts: [JSON_TYPE],
    path: "/v3/clusters/{cluster_id}/producers",
    operationId: "initProducerId",
    summary: "A producer id of one's own, for idempotent produce.",
    response: { status: 201, schema: schema.producer, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { producerId, producerEpoch } = await initProducerId(context.broker);
      return json(201, {
        ...resource(context, "KafkaProducer", `/${clusterId}/producers/${producerId}`, [
          ["kafka", clusterId],
          ["producer", String(producerId)],
        ]),
        cluster_id: clusterId,
        producer_id: producerId,
        producer_epoch: producerEpoch,
      });
    },
  }),
];

async function clusterResource(context: RouteContext) {
  const { clusterId, controllerId } = await describeCluster(context.broker);
  return {
    ...resource(context, "KafkaCluster", `/${clusterId}`, [["kafka", clusterId]]),
    cluster_id: clusterId,
    controller: related(context, `/${clusterId}/brokers/${controllerId}`),
    brokers: related(context, `/${clusterId}/brokers`),
    topics: related(context, `/${clusterId}/topics`),
  };
}

function brokerResource(context: RouteContext, clusterId: string, brokerId: number, region: string) {
  const path = `/${clusterId}/brokers/${brokerId}`;
  const { hostname, port, protocol } = new URL(context.baseUrl);
  return {
    ...resource(context, "KafkaBroker", path, [
      ["kafka", clusterId],
      ["broker", String(brokerId)],
    ]),
    cluster_id: clusterId,
    broker_id: brokerId,
    host: hostname,
    port: Number(port) || (protocol === "https:" ? 443 : 80),
    rack: region,
    partition_replicas: related(context, `${path}/partition-replicas`),
  };
}

async function brokerOf({ broker, params }: RouteContext) {
  const { brokers } = await describeCluster(broker);
  const found = brokers.find(({ brokerId }) => String(brokerId) === params["broker_id"]);
  if (found !== undefined) return found;
  throw new HttpError(404, 404, `Broker ${params["broker_id"]} cannot be found.`);
}
