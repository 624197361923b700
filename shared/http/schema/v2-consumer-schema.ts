import * as z from "zod/mini";
import { atFirstUse } from "./at-first-use.ts";
import { integer } from "./parameters.ts";

/** Clients send numbers and booleans as texts, too; what they may be is judged by v2-consumer-config.ts, with Confluent's codes. */
const scalar = atFirstUse(() =>
  z.nullish(z.union([z.string(), z.number(), z.boolean()], "must be a text or a number")),
);
const text = atFirstUse(() => z.nullish(z.string()));

/** Names as Confluent's, its older ones, and two of Strimzi's Kafka Bridge. */
export const createInstanceBody = atFirstUse(() =>
  z.strictObject({
    id: text(),
    name: text(),
    format: text(),
    "auto.offset.reset": text(),
    "auto.commit.enable": scalar(),
    "enable.auto.commit": scalar(),
    "fetch.min.bytes": scalar(),
    responseMinBytes: scalar(),
    "consumer.request.timeout.ms": scalar(),
    requestWaitMs: scalar(),
    "isolation.level": text(),
  }),
);

export const createdInstance = atFirstUse(() => z.object({ instance_id: z.string(), base_uri: z.string() }));

export const subscriptionBody = atFirstUse(() =>
  z.strictObject({ topics: z.nullish(z.array(z.string())), topic_pattern: z.nullish(z.string()) }),
);
export const subscription = atFirstUse(() => z.object({ topics: z.array(z.string()) }));

const partition = atFirstUse(() => ({ topic: z.string(), partition: z.int() }));

export const partitionsBody = atFirstUse(() => z.strictObject({ partitions: z.array(z.strictObject(partition())) }));
export const assignments = atFirstUse(() => z.object({ partitions: z.array(z.object(partition())) }));

const offset = atFirstUse(() => z.strictObject({ ...partition(), offset: z.int(), metadata: z.nullish(z.string()) }));

/** Without offsets, or without a body: all that was handed out. */
export const commitBody = atFirstUse(() => z.strictObject({ offsets: z.nullish(z.array(offset())) }));
export const commitQuery = atFirstUse(() => z.strictObject({ async: z.optional(z.string()) }));
export const committed = atFirstUse(() => z.array(z.unknown()));

/** For clients that send no body with a GET. */
export const offsetsQuery = atFirstUse(() => z.strictObject({ partitions: z.optional(z.string()) }));
export const committedOffsets = atFirstUse(() =>
  z.object({ offsets: z.array(z.object({ ...partition(), offset: z.int(), metadata: z.string() })) }),
);

export const positionsBody = atFirstUse(() =>
  z.strictObject({
    offsets: z.nullish(z.array(offset())),
    timestamps: z.nullish(
      z.array(z.strictObject({ ...partition(), timestamp: z.string(), metadata: z.nullish(z.string()) })),
    ),
  }),
);

/** Whatever a long of Java's may be: what is too much is cut down, and what is none is the default. */
const long = atFirstUse(() => z.optional(integer(Number.MIN_SAFE_INTEGER)));
export const recordsQuery = atFirstUse(() => z.strictObject({ timeout: long(), max_bytes: long() }));
export const records = atFirstUse(() =>
  z.array(
    z.object({
      topic: z.string(),
      key: z.unknown(),
      value: z.unknown(),
      partition: z.int(),
      offset: z.int(),
    }),
  ),
);
