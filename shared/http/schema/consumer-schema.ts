import * as z from "zod/mini";
import { MAX_FETCH_BYTES, MAX_WAIT_MS } from "../../kafka/limits.ts";
import { atFirstUse } from "./at-first-use.ts";
import { group } from "./group-schema.ts";
import { integer } from "./parameters.ts";
import { listOf } from "./v3-schema.ts";

/** Of a request's lists; a group has fewer. */
const MAX_PARTITIONS = 10_000;
const MAX_PARTITION = 2 ** 31 - 1;

const partition = atFirstUse(() => z.int().check(z.minimum(0), z.maximum(MAX_PARTITION)));
const offset = atFirstUse(() => z.int().check(z.minimum(0)));
const epoch = atFirstUse(() => z.int().check(z.minimum(-2), z.maximum(MAX_PARTITION)));
/** Ids are refused by the coordinator, with what is wrong; here they are only texts. */
const optionalText = atFirstUse(() => z.nullish(z.string()));
const timeoutMs = atFirstUse(() => z.nullish(z.int()));

const member = atFirstUse(() => ({
  member_id: optionalText(),
  member_epoch: z.nullish(epoch()),
  instance_id: optionalText(),
}));

const joining = atFirstUse(() => ({
  ...member(),
  /** Millrace's own: rises with every request of a member, so that one that was given up and arrives late is told apart. */
  sequence: z.nullish(offset()),
  rack_id: optionalText(),
  server_assignor: optionalText(),
  rebalance_timeout_ms: timeoutMs(),
  client_id: optionalText(),
}));

export const heartbeatBody = atFirstUse(() =>
  z.strictObject({
    ...joining(),
    member_epoch: epoch(),
    subscribed_topic_names: z.nullish(z.array(z.string())),
    subscribed_topic_regex: optionalText(),
    topic_partitions: z.nullish(
      z
        .array(z.strictObject({ topic_id: z.string(), partitions: z.array(partition()) }))
        .check(z.maxLength(MAX_PARTITIONS)),
    ),
  }),
);

export const heartbeat = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaConsumerGroupHeartbeat"),
    ...group(),
    member_id: z.string(),
    member_epoch: z.int(),
    heartbeat_interval_ms: z.int(),
    /** null: as before. */
    assignment: z.nullable(
      z.array(z.object({ topic_id: z.string(), topic_name: z.string(), partitions: z.array(z.int()) })),
    ),
  }),
);

const place = atFirstUse(() => ({ topic_name: z.string(), partition_id: partition() }));
const refused = atFirstUse(() => ({ error_code: z.int(), message: z.optional(z.string()) }));

export const commitOffsetsBody = atFirstUse(() =>
  z.strictObject({
    ...member(),
    offsets: z
      .array(
        z.strictObject({
          ...place(),
          offset: offset(),
          leader_epoch: z.nullish(z.int()),
          metadata: optionalText(),
        }),
      )
      .check(z.minLength(1), z.maxLength(MAX_PARTITIONS)),
  }),
);

export const committedOffsets = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaOffsetCommitList"),
    ...group(),
    data: z.array(z.object({ ...place(), ...refused() })),
  }),
);

export const offsetsQuery = atFirstUse(() =>
  z.strictObject({
    topic_name: z.optional(z.string()),
    partition_id: z.optional(integer(0, MAX_PARTITION)),
    member_id: z.optional(z.string()),
    member_epoch: z.optional(integer(0, MAX_PARTITION)),
    page_token: z.optional(integer(1, 10_000_000)),
  }),
);

export const groupOffsets = atFirstUse(() =>
  listOf(
    "KafkaConsumerGroupOffsetList",
    z.object({
      ...place(),
      topic_id: z.string(),
      /** null: the group has none. */
      offset: z.nullable(z.int()),
      leader_epoch: z.int(),
      metadata: z.string(),
      committed_at: z.nullable(z.int()),
    }),
  ),
);

export const deleteOffsetsQuery = atFirstUse(() =>
  z.strictObject({ topic_name: z.optional(z.string()), partition_id: z.optional(integer(0, MAX_PARTITION)) }),
);

export const deletedOffsets = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaOffsetDeletionList"),
    ...group(),
    data: z.array(z.object({ ...place(), ...refused() })),
  }),
);

export const resetOffsetsBody = atFirstUse(() =>
  z.strictObject({
    to: z.enum(["earliest", "latest", "current", "offset", "shift-by", "timestamp"]),
    offset: z.optional(offset()),
    shift_by: z.optional(z.int()),
    /** ISO 8601, or milliseconds since the epoch. */
    timestamp: z.optional(z.union([z.iso.datetime({ offset: true }), z.int().check(z.minimum(0))])),
    topics: z.optional(z.array(z.string()).check(z.minLength(1), z.maxLength(MAX_PARTITIONS))),
    partitions: z.optional(z.array(z.strictObject(place())).check(z.minLength(1), z.maxLength(MAX_PARTITIONS))),
    dry_run: z.optional(z.boolean()),
  }),
);

export const resetOffsets = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaOffsetResetList"),
    ...group(),
    dry_run: z.boolean(),
    data: z.array(
      z.object({
        ...place(),
        committed_offset: z.nullable(z.int()),
        new_offset: z.nullable(z.int()),
        ...refused(),
      }),
    ),
  }),
);

const format = atFirstUse(() => z.nullish(z.enum(["BINARY", "STRING", "JSON"])));

export const pollBody = atFirstUse(() =>
  z.strictObject({
    ...joining(),
    topics: z.nullish(z.array(z.string())),
    topic_pattern: optionalText(),
    auto_offset_reset: z.nullish(z.enum(["earliest", "latest", "none"])),
    commit: z.nullish(z.boolean()),
    max_bytes: z.nullish(z.int().check(z.minimum(1), z.maximum(MAX_FETCH_BYTES))),
    timeout_ms: z.nullish(z.int().check(z.minimum(0), z.maximum(MAX_WAIT_MS))),
    key_format: format(),
    value_format: format(),
    positions: z.nullish(
      z
        .array(
          z.strictObject({
            ...place(),
            topic_id: z.string(),
            offset: z.nullish(offset()),
            committed_offset: z.nullish(offset()),
          }),
        )
        .check(z.maxLength(MAX_PARTITIONS)),
    ),
  }),
);

const polledData = atFirstUse(() =>
  z.nullable(z.object({ type: z.enum(["BINARY", "STRING", "JSON"]), data: z.unknown() })),
);

export const polled = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaConsumerPoll"),
    ...group(),
    member_id: z.string(),
    member_epoch: z.int(),
    heartbeat_interval_ms: z.int(),
    data: z.array(
      z.object({
        ...place(),
        offset: z.int(),
        timestamp: z.int(),
        key: polledData(),
        value: polledData(),
        headers: z.array(z.object({ name: z.string(), value: z.nullable(z.string()) })),
      }),
    ),
    /** The next poll's body. */
    next: pollBody(),
  }),
);
