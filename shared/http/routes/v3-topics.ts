import { createPartitions } from "../../broker/create-partitions.ts";
import { createTopic } from "../../broker/create-topic.ts";
import { deleteTopic } from "../../broker/delete-topic.ts";
import { describeTopic } from "../../broker/describe-topic.ts";
import { listTopics } from "../../broker/list-topics.ts";
import type { TopicDescription } from "../../broker/topic-description.ts";
import { badRequest, unwrap } from "../http-error.ts";
import { type HttpResponse, JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { checkCluster, list, related, resource } from "./v3-resource.ts";

const TOPICS = "/v3/clusters/{cluster_id}/topics";
const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;
const writes = { lambda: "produce", query: noQuery, accepts: [JSON_TYPE] } as const;
const topicAnswer = (status: number) => ({ status, schema: schema.topic, mediaTypes: [JSON_TYPE] });

export const NO_CONTENT: HttpResponse = { status: 204, headers: {}, body: "" };

export const topicRoutes: readonly Route[] = [
  route({
    ...reads,
    path: TOPICS,
    operationId: "listTopics",
    summary: "All topics.",
    response: { status: 200, schema: schema.topicList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const data = (await listTopics(context.broker)).map((topic) => topicResource(context, clusterId, topic));
      return json(200, list(context, "KafkaTopicList", `/${clusterId}/topics`, data));
    },
  }),
  route({
    ...writes,
    method: "POST",
    path: TOPICS,
    operationId: "createTopic",
    summary: "Creates a topic.",
    body: schema.createTopicBody,
    response: topicAnswer(201),
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { topic_name, partitions_count, replication_factor, configs = [], validate_only = false } = context.body;
      const names = new Set(configs.map(({ name }) => name));
      if (names.size < configs.length) throw badRequest("a config is named twice");
      const created = await createTopic(context.broker, {
        name: topic_name,
        configs: Object.fromEntries(configs.map(({ name, value }) => [name, value ?? null])),
        validateOnly: validate_only,
        ...(partitions_count === undefined ? {} : { partitionCount: partitions_count }),
        ...(replication_factor === undefined ? {} : { replicationFactor: replication_factor }),
      });
      const topic = topicResource(context, clusterId, unwrap(created));
      return json(validate_only ? 200 : 201, topic, { location: topic.metadata.self });
    },
  }),
  route({
    ...reads,
    path: `${TOPICS}/{topic_name}`,
    operationId: "getTopic",
    summary: "A topic.",
    response: topicAnswer(200),
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const topic = unwrap(await describeTopic(context.broker, context.params["topic_name"]!));
      return json(200, topicResource(context, clusterId, topic));
    },
  }),
  route({
    ...writes,
    method: "PATCH",
    path: `${TOPICS}/{topic_name}`,
    operationId: "createPartitions",
    summary: "Adds partitions to a topic.",
    body: schema.patchTopicBody,
    response: topicAnswer(200),
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const request = { topic: context.params["topic_name"]!, totalCount: context.body.partitions_count };
      return json(200, topicResource(context, clusterId, unwrap(await createPartitions(context.broker, request))));
    },
  }),
  route({
    ...writes,
    method: "DELETE",
    accepts: [],
    path: `${TOPICS}/{topic_name}`,
    operationId: "deleteTopic",
    summary: "Deletes a topic.",
    response: { status: 204, mediaTypes: [] },
    handle: async (context) => {
      await checkCluster(context);
      unwrap(await deleteTopic(context.broker, context.params["topic_name"]!));
      return NO_CONTENT;
    },
  }),
];

function topicResource(context: RouteContext, clusterId: string, topic: TopicDescription) {
  const path = `/${clusterId}/topics/${topic.name}`;
  return {
    ...resource(context, "KafkaTopic", path, [
      ["kafka", clusterId],
      ["topic", topic.name],
    ]),
    cluster_id: clusterId,
    topic_name: topic.name,
    topic_id: topic.topicId,
    is_internal: topic.isInternal,
    replication_factor: topic.replicationFactor,
    partitions_count: topic.partitions.length,
    partitions: related(context, `${path}/partitions`),
    configs: related(context, `${path}/configs`),
    authorized_operations: [],
  };
}
