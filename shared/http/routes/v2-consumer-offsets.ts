import { commitInstanceOffsets, committedOf } from "../../broker/consumers/instance-offsets.ts";
import type { NamedOffset } from "../../broker/groups/commit-offsets.ts";
import type { NamedPartition } from "../../broker/groups/named-partitions.ts";
import { NO_CONTENT } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { check } from "../schema/check.ts";
import * as schema from "../schema/v2-consumer-schema.ts";
import { partitionNotFound, v2Json } from "./v2-answer.ts";
import {
  CONSUMER_TYPES,
  callOf,
  INSTANCE_PATH,
  instanceUnwrap,
  optionalBody,
  unprocessable,
} from "./v2-consumer-answer.ts";
import { partitionNumber } from "./v3-resource.ts";

export const v2ConsumerOffsetRoutes: readonly Route[] = [
  route({
    method: "POST",
    lambda: "coordinator",
    path: `${INSTANCE_PATH}/offsets`,
    operationId: "v2CommitOffsets",
    summary: "Commits offsets, each that of the last record processed; without a body all that was handed out.",
    query: schema.commitQuery,
    reads: schema.commitBody,
    accepts: CONSUMER_TYPES,
    response: { status: 200, schema: schema.committed, mediaTypes: CONSUMER_TYPES },
    handle: async (context) => {
      const isStrimzi = context.broker.consumerDialect === "strimzi";
      const { offsets } = check(schema.commitBody(), optionalBody(context.request) ?? {}, "field");
      const given = offsets?.map(({ topic, partition, offset, metadata }): NamedOffset => {
        if (offset < 0) throw unprocessable(422, `offsets: ${topic}-${partition}: offset must not be negative`);
        // What is committed is the next offset to read.
        const next = isStrimzi ? offset : offset + 1;
        return { topic, partition, offset: next, ...(metadata === null || metadata === undefined ? {} : { metadata }) };
      });
      instanceUnwrap(await commitInstanceOffsets(context.broker, callOf(context), given));
      return isStrimzi ? NO_CONTENT : v2Json(context, []);
    },
  }),
  route({
    method: "GET",
    lambda: "coordinator",
    path: `${INSTANCE_PATH}/offsets`,
    operationId: "v2GetCommittedOffsets",
    summary: "What the group has committed for the partitions named in the body, or in ?partitions=topic:0,topic:1.",
    query: schema.offsetsQuery,
    reads: schema.partitionsBody,
    accepts: CONSUMER_TYPES,
    response: { status: 200, schema: schema.committedOffsets, mediaTypes: CONSUMER_TYPES },
    handle: async (context) => {
      const offsets = instanceUnwrap(await committedOf(context.broker, callOf(context), partitionsOf(context)));
      return v2Json(context, { offsets });
    },
  }),
];

/** Errors: 404 (40402) for none at all, as Confluent's. */
function partitionsOf({
  request,
  query,
}: RouteContext<{ partitions?: string | undefined }>): readonly NamedPartition[] {
  const body = optionalBody(request);
  if (body !== undefined) return check(schema.partitionsBody(), body, "field").partitions;
  if (query.partitions === undefined) {
    throw partitionNotFound(
      'name partitions, in the body {"partitions":[{"topic":"t","partition":0}]} or by ?partitions=t:0,t:1',
    );
  }
  return query.partitions.split(",").map((text) => {
    const at = text.lastIndexOf(":");
    const partition = at < 1 ? undefined : partitionNumber(text.slice(at + 1));
    if (partition !== undefined) return { topic: text.slice(0, at), partition };
    throw partitionNotFound(`partitions are topic:number, divided by commas, not ${text.slice(0, 100)}`);
  });
}
