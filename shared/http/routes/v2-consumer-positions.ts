import { type Seek, seek, seekToEnd } from "../../broker/consumers/seek-instance.ts";
import { NO_CONTENT } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v2-consumer-schema.ts";
import { CONSUMER_TYPES, callOf, INSTANCE_PATH, instanceUnwrap, unprocessable } from "./v2-consumer-answer.ts";

const changes = {
  method: "POST",
  lambda: "coordinator",
  query: noQuery,
  accepts: CONSUMER_TYPES,
  response: { status: 204, mediaTypes: CONSUMER_TYPES },
} as const;

export const v2ConsumerPositionRoutes: readonly Route[] = [
  route({
    ...changes,
    path: `${INSTANCE_PATH}/positions`,
    operationId: "v2Seek",
    summary: "Sets where the next read begins: at offsets, or at the first records of timestamps.",
    body: schema.positionsBody,
    handle: async (context) => {
      const { offsets, timestamps } = context.body;
      const seeks: Seek[] = [
        ...(offsets ?? []).map(({ topic, partition, offset }) => ({ topic, partition, offset })),
        ...(timestamps ?? []).map(({ topic, partition, timestamp }) => ({
          topic,
          partition,
          timestamp: instantOf(timestamp),
        })),
      ];
      instanceUnwrap(await seek(context.broker, callOf(context), seeks));
      return NO_CONTENT;
    },
  }),
  route({
    ...changes,
    path: `${INSTANCE_PATH}/positions/beginning`,
    operationId: "v2SeekToBeginning",
    summary: "The next read begins with the first record of these partitions; of all, if none is named.",
    body: schema.partitionsBody,
    handle: async (context) => {
      instanceUnwrap(await seekToEnd(context.broker, callOf(context), context.body.partitions, "beginning"));
      return NO_CONTENT;
    },
  }),
  route({
    ...changes,
    path: `${INSTANCE_PATH}/positions/end`,
    operationId: "v2SeekToEnd",
    summary: "The next read begins behind the last record of these partitions; of all, if none is named.",
    body: schema.partitionsBody,
    handle: async (context) => {
      instanceUnwrap(await seekToEnd(context.broker, callOf(context), context.body.partitions, "end"));
      return NO_CONTENT;
    },
  }),
];

/** ISO 8601 with a zone, as Java's Instant reads it. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;

function instantOf(text: string): number {
  const milliseconds = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (milliseconds >= 0) return milliseconds;
  throw unprocessable(422, `${text.slice(0, 100)} is no timestamp`, "ISO 8601, such as 2024-01-31T12:00:00Z");
}
