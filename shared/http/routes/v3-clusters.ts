import { describeCluster } from "../../broker/describe-cluster.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
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
];

/** All fields that Confluent's clients require, also the links behind which nothing answers: docs/http.md has them. */
async function clusterResource(context: RouteContext) {
  const { clusterId, controllerId } = await describeCluster(context.broker);
  return {
    ...resource(context, "KafkaCluster", `/${clusterId}`, [["kafka", clusterId]]),
    cluster_id: clusterId,
    controller: related(context, `/${clusterId}/brokers/${controllerId}`),
    acls: related(context, `/${clusterId}/acls`),
    brokers: related(context, `/${clusterId}/brokers`),
    broker_configs: related(context, `/${clusterId}/broker-configs`),
    consumer_groups: related(context, `/${clusterId}/consumer-groups`),
    topics: related(context, `/${clusterId}/topics`),
    partition_reassignments: related(context, `/${clusterId}/topics/-/partitions/-/reassignment`),
  };
}
