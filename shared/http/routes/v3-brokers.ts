import { describeCluster } from "../../broker/describe-cluster.ts";
import { describeTopic } from "../../broker/describe-topic.ts";
import { listAllTopics } from "../../broker/list-topics.ts";
import type { TopicItem } from "../../broker/metadata-store.ts";
import { HttpError } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery, pageQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { type TopicPage, topicPage } from "./topic-page.ts";
import { replicaResource } from "./v3-partitions.ts";
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
    configs: related(context, `${path}/configs`),
    partition_replicas: related(context, `${path}/partition-replicas`),
  };
}

/** The replicas on a broker, topic by topic. */
async function replicasOf(context: RouteContext<PageQuery>, clusterId: string, brokerId: number): Promise<TopicPage> {
  const replicasOfTopic = async ({ name }: TopicItem) => {
    const described = await describeTopic(context.broker, name);
    // A topic that was deleted since holds none.
    const partitions = described.ok ? described.value.partitions : [];
    return partitions
      .filter(({ replicas }) => replicas.includes(brokerId))
      .map((registration) => replicaResource(context, clusterId, name, registration, brokerId));
  };
  const all = await listAllTopics(context.broker);
  const replicasOfAll = (topics: readonly TopicItem[]) => Promise.all(topics.map(replicasOfTopic));
  return topicPage(all, context.query.page_token, replicasOfAll, READS_AT_ONCE);
}

async function brokerOf({ broker, params }: RouteContext) {
  const { brokers } = await describeCluster(broker);
  const found = brokers.find(({ brokerId }) => String(brokerId) === params["broker_id"]);
  if (found !== undefined) return found;
  throw new HttpError(404, 404, `Broker ${params["broker_id"]} cannot be found.`);
}
