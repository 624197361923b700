import { describeTopic } from "../../broker/describe-topic.ts";
import { unwrap } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { checkCluster, list } from "./v3-resource.ts";

const TOPICS = "/v3/clusters/{cluster_id}/topics";
const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;
const KIND = "KafkaReassignmentList";
const answers = { status: 200, schema: schema.emptyListOf(KIND), mediaTypes: [JSON_TYPE] };

/**
 * Replicas are placed when a partition is created and stay there: there is no reassignment that could be under way.
 * A partition's own is therefore 404, as with Confluent.
 */
export const reassignmentRoutes: readonly Route[] = [
  route({
    ...reads,
    path: `${TOPICS}/-/partitions/-/reassignment`,
    operationId: "listReassignments",
    summary: "The reassignments of replicas that are under way: none.",
    response: answers,
    handle: async (context) => noReassignments(context, await checkCluster(context), "-"),
  }),
  route({
    ...reads,
    path: `${TOPICS}/{topic_name}/partitions/-/reassignment`,
    operationId: "listTopicReassignments",
    summary: "The reassignments of a topic's replicas that are under way: none.",
    response: answers,
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { name } = unwrap(await describeTopic(context.broker, context.params["topic_name"]!));
      return noReassignments(context, clusterId, name);
    },
  }),
];

function noReassignments(context: RouteContext, clusterId: string, topic: string) {
  return json(200, list(context, KIND, `/${clusterId}/topics/${topic}/partitions/-/reassignment`, []));
}
