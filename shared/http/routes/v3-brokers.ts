import { type ClusterDescription, describeCluster } from "../../broker/describe-cluster.ts";
import { fencedBrokers } from "../../broker/fenced-brokers.ts";
import { listPartitions } from "../../broker/list-partitions.ts";
import { listAllTopics } from "../../broker/list-topics.ts";
import type { TopicItem } from "../../broker/metadata-store.ts";
import { HttpError } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery, pageQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { replicaResource } from "./partition-resource.ts";
import { type TopicPage, topicPage } from "./topic-page.ts";
import { checkCluster, list, pageResponse, related, resource } from "./v3-resource.ts";

const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;

const READS_AT_ONCE = 16;

export const brokerRoutes: readonly Route[] = [
  route({
    ...reads,
    path: "/v3/clusters/{cluster_id}/brokers",
    operationId: "listBrokers",
    summary: "The brokers: a broker is a region.",
    response: { status: 200, schema: schema.brokerList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { brokers } = await describeCluster(context.broker);
      const fenced = await fencedBrokers(context.broker);
      const data = brokers.map((found) => brokerResource(context, clusterId, found, fenced));
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
      const found = await brokerOf(context);
      return json(200, brokerResource(context, clusterId, found, await fencedBrokers(context.broker)));
    },
  }),
  route({
    ...reads,
    query: pageQuery,
    path: "/v3/clusters/{cluster_id}/brokers/{broker_id}/partition-replicas",
    operationId: "listBrokerReplicas",
    summary: "The replicas that a broker holds, page by page.",
    response: { status: 200, schema: schema.replicaList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { brokerId } = await brokerOf(context);
      const path = `/${clusterId}/brokers/${brokerId}/partition-replicas`;
      return pageResponse(context, "KafkaReplicaList", path, await replicasOf(context, clusterId, brokerId));
    },
  }),
  route({
    ...reads,
    path: "/v3/clusters/{cluster_id}/brokers/{broker_id}/configs",
    operationId: "listBrokerConfigs",
    summary: "The configs of a broker: none, since nothing about a region can be set.",
    response: { status: 200, schema: schema.emptyListOf("KafkaBrokerConfigList"), mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { brokerId } = await brokerOf(context);
      return json(200, list(context, "KafkaBrokerConfigList", `/${clusterId}/brokers/${brokerId}/configs`, []));
    },
  }),
  route({
    ...reads,
    path: "/v3/clusters/{cluster_id}/brokers/-/configs",
    operationId: "listAllBrokerConfigs",
    summary: "The configs of all brokers: none.",
    response: { status: 200, schema: schema.emptyListOf("KafkaBrokerConfigList"), mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      return json(200, list(context, "KafkaBrokerConfigList", `/${clusterId}/brokers/-/configs`, []));
    },
  }),
  route({
    ...reads,
    path: "/v3/clusters/{cluster_id}/broker-configs",
    operationId: "listClusterConfigs",
    summary: "The configs that all brokers share: none.",
    response: { status: 200, schema: schema.emptyListOf("KafkaClusterConfigList"), mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      return json(200, list(context, "KafkaClusterConfigList", `/${clusterId}/broker-configs`, []));
    },
  }),
];

interface PageQuery {
  readonly page_token?: string | undefined;
}

function brokerResource(
  context: RouteContext,
  clusterId: string,
  { brokerId, region }: ClusterDescription["brokers"][number],
  fenced: ReadonlySet<number>,
) {
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
    configs: related(context, `${path}/configs`),
    partition_replicas: related(context, `${path}/partition-replicas`),
    is_fenced: fenced.has(brokerId),
  };
}

/** The replicas on a broker, topic by topic. */
async function replicasOf(context: RouteContext<PageQuery>, clusterId: string, brokerId: number): Promise<TopicPage> {
  const all = await listAllTopics(context.broker);
  const replicasOfAll = async (topics: readonly TopicItem[]) =>
    (await listPartitions(context.broker, topics, undefined)).map(({ topic, partitions }) =>
      partitions
        .filter(({ replicas }) => replicas.includes(brokerId))
        .map((registration) => replicaResource(context, clusterId, topic, registration, brokerId)),
    );
  return topicPage(all, context.query.page_token, replicasOfAll, READS_AT_ONCE);
}

async function brokerOf({ broker, params }: RouteContext) {
  const { brokers } = await describeCluster(broker);
  const found = brokers.find(({ brokerId }) => String(brokerId) === params["broker_id"]);
  if (found !== undefined) return found;
  throw new HttpError(404, 404, `Broker ${params["broker_id"]} cannot be found.`);
}
