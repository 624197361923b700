import { createPartitions } from "../../broker/create-partitions.ts";
import { createTopic } from "../../broker/create-topic.ts";
import { deleteTopic } from "../../broker/delete-topic.ts";
import { describeTopic } from "../../broker/describe-topic.ts";
import { listAllTopics } from "../../broker/list-topics.ts";
import { describe, type TopicDescription } from "../../broker/topic-description.ts";
import { badRequest, HttpError, unwrap } from "../http-error.ts";
import { type HttpResponse, JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery, topicQuery, topicsQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { topicPage } from "./topic-page.ts";
import { checkCluster, pageResponse, related, resource } from "./v3-resource.ts";

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
    ...writes,
    method: "POST",
    path: TOPICS,
    operationId: "createTopic",
    summary: "Creates a topic.",
    body: schema.createTopicBody,
    response: topicAnswer(201),
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { topic_name, partitions_count, replication_factor, replicas_assignments } = context.body;
      const configs = context.body.configs ?? [];
      const isValidation = context.body.validate_only ?? false;
      const names = new Set(configs.map(({ name }) => name));
      if (names.size < configs.length) throw badRequest("a config is named twice");
      if (Object.keys(replicas_assignments ?? {}).length > 0) throw noAssignments();
      const created = await createTopic(context.broker, {
        name: topic_name,
        configs: Object.fromEntries(configs.map(({ name, value }) => [name, value ?? null])),
        validateOnly: isValidation,
        ...(typeof partitions_count === "number" ? { partitionCount: partitions_count } : {}),
        ...(typeof replication_factor === "number" ? { replicationFactor: replication_factor } : {}),
      });
      const topic = topicResource(context, clusterId, unwrap(created));
      return json(isValidation ? 200 : 201, topic, { location: topic.metadata.self });
    },
  }),
  route({
    ...reads,
    path: `${TOPICS}/{topic_name}`,
    operationId: "getTopic",
    summary: "A topic.",
    query: topicQuery,
    response: topicAnswer(200),
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const topic = unwrap(await describeTopic(context.broker, context.params["topic_name"]!));
      return json(200, topicResource(context, clusterId, topic, context.query.include_authorized_operations));
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

/** Kafka's answer where no authorizer is configured: whatever can be done to a topic. */
const TOPIC_OPERATIONS = [
  "READ",
  "WRITE",
  "CREATE",
  "DESCRIBE",
  "DELETE",
  "ALTER",
  "DESCRIBE_CONFIGS",
  "ALTER_CONFIGS",
];

function topicResource(
  context: RouteContext,
  clusterId: string,
  topic: TopicDescription,
  withOperations = false,
  partitionCount = topic.partitions.length,
) {
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
    partitions_count: partitionCount,
    partitions: related(context, `${path}/partitions`),
    configs: related(context, `${path}/configs`),
    partition_reassignments: related(context, `${path}/partitions/-/reassignment`),
    authorized_operations: withOperations ? TOPIC_OPERATIONS : [],
  };
}

function noAssignments(): HttpError {
  const message = "replicas cannot be assigned: leaders are spread over the regions";
  return new HttpError(400, 40002, message, "give partitions_count and replication_factor", {
    kafka_error: "INVALID_REPLICA_ASSIGNMENT",
  });
}
