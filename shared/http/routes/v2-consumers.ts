import { createInstance } from "../../broker/consumers/create-instance.ts";
import { deleteInstance } from "../../broker/consumers/delete-instance.ts";
import { NO_CONTENT } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import { check } from "../schema/check.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v2-consumer-schema.ts";
import { given } from "./given.ts";
import { groupClient } from "./group-client.ts";
import { v2Json } from "./v2-answer.ts";
import { CONSUMER_TYPES, callOf, INSTANCE_PATH, instanceUnwrap, optionalBody } from "./v2-consumer-answer.ts";
import { instanceConfig } from "./v2-consumer-config.ts";

export const v2ConsumerRoutes: readonly Route[] = [
  route({
    method: "POST",
    lambda: "coordinator",
    path: "/consumers/{group_name}",
    operationId: "v2CreateConsumer",
    summary:
      "Creates a consumer instance in a group. Its calls may go to any endpoint; one that is not used for 5 minutes is gone.",
    query: noQuery,
    reads: schema.createInstanceBody,
    accepts: CONSUMER_TYPES,
    response: { status: 200, schema: schema.createdInstance, mediaTypes: CONSUMER_TYPES },
    handle: async (context) => {
      const body = check(schema.createInstanceBody(), optionalBody(context.request) ?? {}, "field");
      const groupId = context.params["group_name"]!;
      // An id, as clients sent it before there were names, has the say.
      const instanceId = body.id ?? body.name;
      const instance = instanceUnwrap(
        await createInstance(context.broker, {
          groupId,
          ...(instanceId === null || instanceId === undefined ? {} : { instanceId }),
          ...instanceConfig(body),
          clientHost: groupClient(context, null).clientHost,
          ...given({ receivedAt: context.request.receivedAt }),
        }),
      );
      const path = `/consumers/${encodeURIComponent(groupId)}/instances/${encodeURIComponent(instance.instanceId)}`;
      return v2Json(context, { instance_id: instance.instanceId, base_uri: `${context.baseUrl}${path}` });
    },
  }),
  route({
    method: "DELETE",
    lambda: "coordinator",
    path: INSTANCE_PATH,
    operationId: "v2DeleteConsumer",
    summary: "Deletes a consumer instance: it leaves its group.",
    query: noQuery,
    accepts: [],
    response: { status: 204, mediaTypes: CONSUMER_TYPES },
    handle: async (context) => {
      instanceUnwrap(await deleteInstance(context.broker, callOf(context)));
      return NO_CONTENT;
    },
  }),
];
