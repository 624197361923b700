import { alterTopicConfigs, type ConfigChange } from "../../broker/alter-topic-configs.ts";
import { unwrap } from "../http-error.ts";
import { JSON_TYPE, NO_CONTENT } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { checkCluster } from "./v3-resource.ts";

const CONFIGS = "/v3/clusters/{cluster_id}/topics/{topic_name}/configs";
const writes = { lambda: "produce", query: noQuery, accepts: [JSON_TYPE] } as const;
const noContent = { status: 204, mediaTypes: [] } as const;

export const topicConfigChangeRoutes: readonly Route[] = [
  route({
    ...writes,
    method: "PUT",
    path: `${CONFIGS}/{name}`,
    operationId: "updateTopicConfig",
    summary: "Sets one config of a topic.",
    body: schema.updateConfigBody,
    response: noContent,
    handle: (context) => alter(context, [change(context.params["name"]!, context.body.value)]),
  }),
  route({
    ...writes,
    method: "DELETE",
    accepts: [],
    path: `${CONFIGS}/{name}`,
    operationId: "resetTopicConfig",
    summary: "Gives one config of a topic its default again.",
    response: noContent,
    handle: (context) => alter(context, [{ name: context.params["name"]!, operation: "DELETE" }]),
  }),
  route({
    ...writes,
    method: "POST",
    path: `${CONFIGS}:alter`,
    operationId: "alterTopicConfigs",
    summary: "Sets and resets configs of a topic, all or none.",
    body: schema.alterConfigsBody,
    response: noContent,
    handle: (context) => {
      const changes = context.body.data.map(
        ({ name, value, operation }): ConfigChange =>
          operation === "DELETE" ? { name, operation } : change(name, value ?? null),
      );
      return alter(context, changes, context.body.validate_only ?? false);
    },
  }),
];

function change(name: string, value: string | null): ConfigChange {
  return value === null ? { name, operation: "DELETE" } : { name, operation: "SET", value };
}

async function alter(context: RouteContext, changes: readonly ConfigChange[], validateOnly = false) {
  await checkCluster(context);
  unwrap(await alterTopicConfigs(context.broker, { topic: context.params["topic_name"]!, changes, validateOnly }));
  return NO_CONTENT;
}
