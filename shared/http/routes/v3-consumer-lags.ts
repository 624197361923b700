import { groupLag, type PartitionLag } from "../../broker/groups/group-lag.ts";
import { HttpError, unwrap } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import * as schema from "../schema/group-schema.ts";
import { noQuery } from "../schema/parameters.ts";
import { groupPath, lagResource, lagSummaryResource } from "./group-resource.ts";
import { itemPage } from "./item-page.ts";
import { checkCluster, pageResponse, partitionOf } from "./v3-resource.ts";

const GROUP = "/v3/clusters/{cluster_id}/consumer-groups/{consumer_group_id}";
const reads = { method: "GET", lambda: "coordinator", accepts: [] } as const;

export const consumerLagRoutes: readonly Route[] = [
  route({
    ...reads,
    path: `${GROUP}/lag-summary`,
    operationId: "getConsumerGroupLagSummary",
    summary: "How far a group is behind: the largest lag, and all of it.",
    query: noQuery,
    response: { status: 200, schema: schema.lagSummary, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { groupId, partitions } = await lagsOf(context);
      return json(200, lagSummaryResource(context, clusterId, groupId, partitions));
    },
  }),
  route({
    ...reads,
    path: `${GROUP}/lags`,
    operationId: "listConsumerLags",
    summary:
      "How far a group is behind in each partition that it has an offset for, the largest lag first, page by page.",
    query: schema.listQuery,
    response: { status: 200, schema: schema.lagList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { groupId, partitions } = await lagsOf(context);
      const largestFirst = partitions.toSorted((one, other) => other.lag - one.lag);
      const page = itemPage(largestFirst, context.query.page_token, (lag) =>
        lagResource(context, clusterId, groupId, lag),
      );
      return pageResponse(context, "KafkaConsumerLagList", `${groupPath(clusterId, groupId)}/lags`, page);
    },
  }),
  route({
    ...reads,
    path: `${GROUP}/lags/{topic_name}/partitions/{partition_id}`,
    operationId: "getConsumerLag",
    summary: "How far a group is behind in a partition.",
    query: noQuery,
    response: { status: 200, schema: schema.lag, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const only = { topic: context.params["topic_name"]!, partition: partitionOf(context) };
      const { groupId, partitions } = await lagsOf(context, only);
      return json(200, lagResource(context, clusterId, groupId, partitions[0]!));
    },
  }),
];

/** Errors: 404 for a group without offsets, as with Confluent. */
async function lagsOf(
  { broker, params }: RouteContext,
  only?: { readonly topic: string; readonly partition: number },
): Promise<{ groupId: string; partitions: readonly PartitionLag[] }> {
  const groupId = params["consumer_group_id"]!;
  const { partitions } = unwrap(await groupLag(broker, groupId, only));
  if (partitions.length > 0) return { groupId, partitions };
  const where = only === undefined ? "" : ` for ${only.topic}-${only.partition}`;
  throw new HttpError(404, 404, `group "${groupId}" has no offsets${where}`, "lag is known once it has committed some");
}
