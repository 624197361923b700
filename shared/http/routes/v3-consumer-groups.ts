import { deleteGroup } from "../../broker/groups/delete-group.ts";
import { describeGroup } from "../../broker/groups/describe-group.ts";
import { listGroups } from "../../broker/groups/list-groups.ts";
import { MAX_RESPONSE_BYTES } from "../../kafka/limits.ts";
import { unwrap } from "../http-error.ts";
import { JSON_TYPE, json, NO_CONTENT } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import * as schema from "../schema/group-schema.ts";
import { noQuery } from "../schema/parameters.ts";
import { groupResource } from "./group-resource.ts";
import { checkCluster, pageResponse } from "./v3-resource.ts";

const GROUPS = "/v3/clusters/{cluster_id}/consumer-groups";
const GROUPS_A_PAGE = 200;
const MAX_PAGE_BYTES = MAX_RESPONSE_BYTES - 16 * 1024;

export const consumerGroupRoutes: readonly Route[] = [
  route({
    method: "GET",
    lambda: "coordinator",
    path: GROUPS,
    operationId: "listConsumerGroups",
    summary: "The consumer groups, page by page.",
    query: schema.groupsQuery,
    accepts: [],
    response: { status: 200, schema: schema.consumerGroupList, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const after = context.query.page_token;
      const listed = await listGroups(context.broker, {
        limit: GROUPS_A_PAGE,
        ...(after === undefined ? {} : { after }),
      });
      const texts: string[] = [];
      let { next } = listed;
      let left = MAX_PAGE_BYTES;
      for (const [index, group] of listed.groups.entries()) {
        const text = JSON.stringify(groupResource(context, clusterId, group));
        left -= Buffer.byteLength(text) + 1;
        if (left < 0 && index > 0) {
          next = listed.groups[index - 1]!.groupId;
          break;
        }
        texts.push(text);
      }
      const response = pageResponse(context, "KafkaConsumerGroupList", `/${clusterId}/consumer-groups`, {
        texts,
        next,
      });
      if (listed.unreachable.length === 0) return response;
      return {
        ...response,
        headers: { ...response.headers, "millrace-unreachable-brokers": listed.unreachable.join(", ") },
      };
    },
  }),
  route({
    method: "GET",
    lambda: "coordinator",
    path: `${GROUPS}/{consumer_group_id}`,
    operationId: "getConsumerGroup",
    summary: "A consumer group and its state.",
    query: noQuery,
    accepts: [],
    response: { status: 200, schema: schema.consumerGroup, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const group = unwrap(await describeGroup(context.broker, context.params["consumer_group_id"]!));
      return json(200, groupResource(context, clusterId, group));
    },
  }),
  route({
    method: "DELETE",
    lambda: "coordinator",
    path: `${GROUPS}/{consumer_group_id}`,
    operationId: "deleteConsumerGroup",
    summary: "Deletes a group without members, with all of its offsets.",
    query: noQuery,
    accepts: [],
    response: { status: 204, mediaTypes: [] },
    handle: async (context) => {
      await checkCluster(context);
      unwrap(await deleteGroup(context.broker, context.params["consumer_group_id"]!));
      return NO_CONTENT;
    },
  }),
];
