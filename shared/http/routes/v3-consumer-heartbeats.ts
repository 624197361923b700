import { consumerGroupHeartbeat } from "../../broker/groups/consumer-group-heartbeat.ts";
import { newMemberId } from "../../group/member-id.ts";
import { partitionsByTopic } from "../../group/partitions-by-topic.ts";
import { unwrap } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import * as schema from "../schema/consumer-schema.ts";
import { noQuery } from "../schema/parameters.ts";
import { given } from "./given.ts";
import { groupClient } from "./group-client.ts";
import { checkCluster } from "./v3-resource.ts";

export const consumerHeartbeatRoutes: readonly Route[] = [
  route({
    method: "POST",
    lambda: "coordinator",
    path: "/v3/clusters/{cluster_id}/consumer-groups/{consumer_group_id}/heartbeat",
    operationId: "consumerGroupHeartbeat",
    summary: "Joins a group (member_epoch 0), stays in it, or leaves it (-1, -2): KIP-848's ConsumerGroupHeartbeat.",
    query: noQuery,
    body: schema.heartbeatBody,
    accepts: [JSON_TYPE],
    response: { status: 200, schema: schema.heartbeat, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { broker, body, request } = context;
      const groupId = context.params["consumer_group_id"]!;
      const owned = body.topic_partitions?.flatMap(({ topic_id, partitions }) =>
        partitions.map((partition) => ({ topicId: topic_id, partition })),
      );
      const told = unwrap(
        await consumerGroupHeartbeat(broker, {
          groupId,
          memberId: body.member_id ?? newMemberId(broker.random.bytes(16)),
          memberEpoch: body.member_epoch,
          ...given({
            // The client's own word counts for more: it knows the order in which it asked, however its requests arrived.
            sequence: body.sequence ?? request.receivedAt,
            instanceId: body.instance_id,
            rackId: body.rack_id,
            rebalanceTimeoutMs: body.rebalance_timeout_ms,
            subscribedTopicNames: body.subscribed_topic_names,
            subscribedTopicRegex: body.subscribed_topic_regex,
            serverAssignor: body.server_assignor,
            topicPartitions: owned && partitionsByTopic(owned),
          }),
          ...groupClient(context, body.client_id),
        }),
      );
      const assignment = told.assignment?.map(({ topicId, topic, partitions }) => ({
        topic_id: topicId,
        topic_name: topic,
        partitions,
      }));
      return json(200, {
        kind: "KafkaConsumerGroupHeartbeat",
        cluster_id: clusterId,
        consumer_group_id: groupId,
        member_id: told.memberId,
        member_epoch: told.memberEpoch,
        heartbeat_interval_ms: told.heartbeatIntervalMs,
        assignment: assignment ?? null,
      });
    },
  }),
];
