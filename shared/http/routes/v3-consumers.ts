import { describeGroup, type GroupMemberDescription } from "../../broker/groups/describe-group.ts";
import { HttpError, unwrap } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import * as schema from "../schema/group-schema.ts";
import { noQuery } from "../schema/parameters.ts";
import { assignmentResource, consumerResource, groupPath } from "./group-resource.ts";
import { itemPage } from "./item-page.ts";
import { checkCluster, pageResponse, partitionOf } from "./v3-resource.ts";

const CONSUMERS = "/v3/clusters/{cluster_id}/consumer-groups/{consumer_group_id}/consumers";
const reads = { method: "GET", lambda: "coordinator", accepts: [] } as const;

export const consumerRoutes: readonly Route[] = [
  route({
    ...reads,
    path: CONSUMERS,
    operationId: "listConsumers",
    summary: "The members of a group, page by page.",
    query: schema.listQuery,
    response: { status: 200, schema: schema.consumerList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { groupId, members } = await groupOf(context);
      const page = itemPage(members, context.query.page_token, (member) =>
        consumerResource(context, clusterId, groupId, member),
      );
      return pageResponse(context, "KafkaConsumerList", `${groupPath(clusterId, groupId)}/consumers`, page);
    },
  }),
  route({
    ...reads,
    path: `${CONSUMERS}/{consumer_id}`,
    operationId: "getConsumer",
    summary: "A member of a group.",
    query: noQuery,
    response: { status: 200, schema: schema.consumer, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { groupId, members } = await groupOf(context);
      return json(200, consumerResource(context, clusterId, groupId, consumerOf(context, members)));
    },
  }),
  route({
    ...reads,
    path: `${CONSUMERS}/{consumer_id}/assignments`,
    operationId: "listConsumerAssignments",
    summary: "The partitions that a member has assigned, page by page.",
    query: schema.listQuery,
    response: { status: 200, schema: schema.assignmentList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { groupId, members } = await groupOf(context);
      const { memberId, assignment } = consumerOf(context, members);
      const page = itemPage(assignment, context.query.page_token, (partition) =>
        assignmentResource(context, clusterId, groupId, memberId, partition),
      );
      const path = `${groupPath(clusterId, groupId)}/consumers/${encodeURIComponent(memberId)}/assignments`;
      return pageResponse(context, "KafkaConsumerAssignmentList", path, page);
    },
  }),
  route({
    ...reads,
    path: `${CONSUMERS}/{consumer_id}/assignments/{topic_name}/partitions/{partition_id}`,
    operationId: "getConsumerAssignment",
    summary: "A partition that a member has assigned.",
    query: noQuery,
    response: { status: 200, schema: schema.assignment, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { groupId, members } = await groupOf(context);
      const { memberId, assignment } = consumerOf(context, members);
      const [topic, number] = [context.params["topic_name"]!, partitionOf(context)];
      const found = assignment.find((each) => each.topic === topic && each.partition === number);
      if (found === undefined) throw new HttpError(404, 404, `${topic}-${number} is not assigned to ${memberId}`);
      return json(200, assignmentResource(context, clusterId, groupId, memberId, found));
    },
  }),
];

async function groupOf({ broker, params }: RouteContext) {
  return unwrap(await describeGroup(broker, params["consumer_group_id"]!));
}

function consumerOf({ params }: RouteContext, members: readonly GroupMemberDescription[]): GroupMemberDescription {
  const found = members.find(({ memberId }) => memberId === params["consumer_id"]);
  if (found !== undefined) return found;
  throw new HttpError(404, 40403, `Consumer ${params["consumer_id"]} cannot be found.`, undefined, {
    kafka_error: "UNKNOWN_MEMBER_ID",
  });
}
