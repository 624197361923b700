import { describeTopic } from "../../broker/describe-topic.ts";
import { listAllTopics } from "../../broker/list-topics.ts";
import { describe } from "../../broker/topic-description.ts";
import { unwrap } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import { topicQuery, topicsQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { topicPage } from "./topic-page.ts";
import { topicResource } from "./topic-resource.ts";
import { checkCluster, pageResponse } from "./v3-resource.ts";

const TOPICS = "/v3/clusters/{cluster_id}/topics";
const reads = { method: "GET", lambda: "fetch", accepts: [] } as const;

export const topicRoutes: readonly Route[] = [
  route({
    ...reads,
    path: TOPICS,
    operationId: "listTopics",
    summary: "All topics, page by page.",
    query: topicsQuery,
    response: { status: 200, schema: schema.topicList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { page_token, include_authorized_operations, includeAuthorizedOperations } = context.query;
      const withOperations = include_authorized_operations ?? includeAuthorizedOperations;
      const page = await topicPage(await listAllTopics(context.broker), page_token, (topics) =>
        topics.map((topic) => [
          topicResource(context, clusterId, describe(topic, []), withOperations, topic.partitionCount),
        ]),
      );
      return pageResponse(context, "KafkaTopicList", `/${clusterId}/topics`, page);
    },
  }),
  route({
    ...reads,
    path: `${TOPICS}/{topic_name}`,
    operationId: "getTopic",
    summary: "A topic.",
    query: topicQuery,
    response: { status: 200, schema: schema.topic, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const topic = unwrap(await describeTopic(context.broker, context.params["topic_name"]!));
      return json(200, topicResource(context, clusterId, topic, context.query.include_authorized_operations));
    },
  }),
];
