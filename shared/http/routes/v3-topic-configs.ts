import { describeTopic } from "../../broker/describe-topic.ts";
import { listAllTopics } from "../../broker/list-topics.ts";
import { type ConfigEntry, describe } from "../../broker/topic-description.ts";
import { HttpError, unwrap } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery, pageQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { topicPage } from "./topic-page.ts";
import { checkCluster, list, pageResponse, resource } from "./v3-resource.ts";

const CONFIGS = "/v3/clusters/{cluster_id}/topics/{topic_name}/configs";
const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;

export const topicConfigRoutes: readonly Route[] = [
  route({
    ...reads,
    query: pageQuery,
    path: "/v3/clusters/{cluster_id}/topics/-/configs",
    operationId: "listAllTopicConfigs",
    summary: "The configs of all topics, page by page.",
    response: { status: 200, schema: schema.topicConfigList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const page = await topicPage(await listAllTopics(context.broker), context.query.page_token, (topics) =>
        topics.map((topic) =>
          describe(topic, []).configs.map((entry) => configResource(context, clusterId, topic.name, entry)),
        ),
      );
      return pageResponse(context, "KafkaTopicConfigList", `/${clusterId}/topics/-/configs`, page);
    },
  }),
  route({
    ...reads,
    path: CONFIGS,
    operationId: "listTopicConfigs",
    summary: "The configs of a topic, defaults included.",
    response: { status: 200, schema: schema.topicConfigList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { name, configs } = unwrap(await describeTopic(context.broker, context.params["topic_name"]!));
      const data = configs.map((entry) => configResource(context, clusterId, name, entry));
      return json(200, list(context, "KafkaTopicConfigList", `/${clusterId}/topics/${name}/configs`, data));
    },
  }),
  route({
    ...reads,
    path: `${CONFIGS}/{name}`,
    operationId: "getTopicConfig",
    summary: "One config of a topic.",
    response: { status: 200, schema: schema.topicConfig, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { name, configs } = unwrap(await describeTopic(context.broker, context.params["topic_name"]!));
      const entry = configs.find((config) => config.name === context.params["name"]);
      if (entry === undefined) throw new HttpError(404, 404, `Config ${context.params["name"]} cannot be found.`);
      return json(200, configResource(context, clusterId, name, entry));
    },
  }),
];

function configResource(context: RouteContext, clusterId: string, topic: string, entry: ConfigEntry) {
  return {
    ...resource(context, "KafkaTopicConfig", `/${clusterId}/topics/${topic}/configs/${entry.name}`, [
      ["kafka", clusterId],
      ["topic", topic],
      ["config", entry.name],
    ]),
    cluster_id: clusterId,
    topic_name: topic,
    name: entry.name,
    value: entry.value,
    is_default: entry.isDefault,
    is_read_only: entry.isReadOnly,
    is_sensitive: entry.isSensitive,
    source: entry.source,
    synonyms: entry.synonyms,
  };
}
