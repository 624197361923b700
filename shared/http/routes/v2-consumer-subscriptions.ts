import { assign, assignmentOf } from "../../broker/consumers/assign-instance.ts";
import { mutuallyExclusive } from "../../broker/consumers/instance-refusal.ts";
import {
  type Subscription,
  subscribe,
  subscriptionOf,
  unsubscribe,
} from "../../broker/consumers/subscribe-instance.ts";
import { NO_CONTENT } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v2-consumer-schema.ts";
import { v2Json } from "./v2-answer.ts";
import { CONSUMER_TYPES, callOf, INSTANCE_PATH, instanceUnwrap, unprocessable } from "./v2-consumer-answer.ts";

const ofInstance = { lambda: "coordinator", query: noQuery } as const;
const changes = {
  ...ofInstance,
  method: "POST",
  accepts: CONSUMER_TYPES,
  response: { status: 204, mediaTypes: CONSUMER_TYPES },
} as const;
const reads = { ...ofInstance, method: "GET", accepts: [] } as const;

export const v2ConsumerSubscriptionRoutes: readonly Route[] = [
  route({
    ...changes,
    path: `${INSTANCE_PATH}/subscription`,
    operationId: "v2Subscribe",
    summary:
      "Subscribes to topics by name, or to those that a pattern matches: the group assigns partitions with the next read.",
    body: schema.subscriptionBody,
    handle: async (context) => {
      instanceUnwrap(await subscribe(context.broker, callOf(context), subscriptionIn(context.body)));
      return NO_CONTENT;
    },
  }),
  route({
    ...reads,
    path: `${INSTANCE_PATH}/subscription`,
    operationId: "v2GetSubscription",
    summary: "The topics that the instance is subscribed to.",
    response: { status: 200, schema: schema.subscription, mediaTypes: CONSUMER_TYPES },
    handle: async (context) =>
      v2Json(context, { topics: instanceUnwrap(await subscriptionOf(context.broker, callOf(context))) }),
  }),
  route({
    ...ofInstance,
    method: "DELETE",
    accepts: [],
    path: `${INSTANCE_PATH}/subscription`,
    operationId: "v2Unsubscribe",
    summary: "Ends the subscription, or the assignment by hand: the instance leaves its group.",
    response: { status: 204, mediaTypes: CONSUMER_TYPES },
    handle: async (context) => {
      instanceUnwrap(await unsubscribe(context.broker, callOf(context)));
      return NO_CONTENT;
    },
  }),
  route({
    ...changes,
    path: `${INSTANCE_PATH}/assignments`,
    operationId: "v2Assign",
    summary: "Assigns partitions by hand, in place of those assigned before.",
    body: schema.partitionsBody,
    handle: async (context) => {
      instanceUnwrap(await assign(context.broker, callOf(context), context.body.partitions));
      return NO_CONTENT;
    },
  }),
  route({
    ...reads,
    path: `${INSTANCE_PATH}/assignments`,
    operationId: "v2GetAssignments",
    summary: "The partitions that the instance has now, by its group or by hand.",
    response: { status: 200, schema: schema.assignments, mediaTypes: CONSUMER_TYPES },
    handle: async (context) =>
      v2Json(context, { partitions: instanceUnwrap(await assignmentOf(context.broker, callOf(context))) }),
  }),
];

interface SubscriptionBody {
  readonly topics?: readonly string[] | null | undefined;
  readonly topic_pattern?: string | null | undefined;
}

function subscriptionIn({ topics, topic_pattern: pattern }: SubscriptionBody): Subscription {
  const hasPattern = pattern !== null && pattern !== undefined;
  if (topics !== null && topics !== undefined) {
    return hasPattern ? instanceUnwrap(mutuallyExclusive()) : { kind: "topics", topics };
  }
  if (hasPattern && pattern !== "") return { kind: "pattern", pattern };
  throw unprocessable(422, "topics may not be null", "send topics, or a topic_pattern");
}
