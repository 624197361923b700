import { describeCluster } from "../../broker/describe-cluster.ts";
import { describeTopic } from "../../broker/describe-topic.ts";
import { listAllTopics } from "../../broker/list-topics.ts";
import { HttpError } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery, pageQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { pageOf } from "./topic-page.ts";
import { replicaResource } from "./v3-partitions.ts";
import { checkCluster, list, related, resource } from "./v3-resource.ts";

const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;

/** Replicas after which a page ends: with the last topic's, of some 650 bytes each, an answer stays below 4 MB. */
const REPLICAS_PER_PAGE = 4_000;
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
    summary: "The replicas that a broker holds.",
    response: { status: 200, schema: schema.replicaList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { brokerId } = await brokerOf(context);
      const { data, next } = await replicasOf(context, clusterId, brokerId);
      const path = `/${clusterId}/brokers/${brokerId}/partition-replicas`;
      return json(200, list(context, "KafkaReplicaList", path, data, next));
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

/** The replicas on a broker, topic by topic in order of name, from a page's token on. */
async function replicasOf(context: RouteContext<PageQuery>, clusterId: string, brokerId: number) {
  const data: unknown[] = [];
  const all = await listAllTopics(context.broker);
  let page = pageOf(all, context.query.page_token, READS_AT_ONCE);
  for (;;) {
    const described = await Promise.all(page.topics.map(({ name }) => describeTopic(context.broker, name)));
    for (const [index, topic] of described.entries()) {
      // A topic that was deleted since holds none.
      for (const registration of topic.ok ? topic.value.partitions : []) {
        if (!registration.replicas.includes(brokerId)) continue;
        data.push(replicaResource(context, clusterId, page.topics[index]!.name, registration, brokerId));
      }
      const { name } = page.topics[index]!;
      if (data.length >= REPLICAS_PER_PAGE) return { data, next: name === all.at(-1)?.name ? undefined : name };
    }
    if (page.next === undefined) return { data, next: undefined };
    page = pageOf(all, page.next, READS_AT_ONCE);
  }
}

async function brokerOf({ broker, params }: RouteContext) {
  const { brokers } = await describeCluster(broker);
  const found = brokers.find(({ brokerId }) => String(brokerId) === params["broker_id"]);
  if (found !== undefined) return found;
  throw new HttpError(404, 404, `Broker ${params["broker_id"]} cannot be found.`);
}
