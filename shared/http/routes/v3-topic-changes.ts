import { createPartitions } from "../../broker/create-partitions.ts";
import { createTopic } from "../../broker/create-topic.ts";
import { deleteTopic } from "../../broker/delete-topic.ts";
import { badRequest, HttpError, unwrap } from "../http-error.ts";
import { JSON_TYPE, json, NO_CONTENT } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { given } from "./given.ts";
import { topicResource } from "./topic-resource.ts";
import { checkCluster } from "./v3-resource.ts";

const TOPICS = "/v3/clusters/{cluster_id}/topics";
const writes = { lambda: "produce", query: noQuery, accepts: [JSON_TYPE] } as const;
const topicAnswer = (status: number) => ({ status, schema: schema.topic, mediaTypes: [JSON_TYPE] });

export const topicChangeRoutes: readonly Route[] = [
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
        ...given({
          partitionCount: unlessDefault(partitions_count),
          replicationFactor: unlessDefault(replication_factor),
        }),
      });
      const topic = topicResource(context, clusterId, unwrap(created));
      return json(isValidation ? 200 : 201, topic, { location: topic.metadata.self });
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

/** -1 stands for the default, as in Kafka's CreateTopics (KIP-464). */
function unlessDefault(count: number | null | undefined): number | null | undefined {
  return count === -1 ? undefined : count;
}

function noAssignments(): HttpError {
  const message = "replicas cannot be assigned: leaders are spread over the regions";
  return new HttpError(400, 40002, message, "give partitions_count and replication_factor", {
    kafka_error: "INVALID_REPLICA_ASSIGNMENT",
  });
}
