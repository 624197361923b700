import * as z from "zod/mini";
import { atFirstUse } from "./at-first-use.ts";

const partition = atFirstUse(() =>
  z.object({
    partition: z.int(),
    leader: z.int(),
    replicas: z.array(z.object({ broker: z.int(), leader: z.boolean(), in_sync: z.boolean() })),
  }),
);

export const nothing = atFirstUse(() => z.strictObject({}));
export const topicNames = atFirstUse(() => z.array(z.string()));
export const topic = atFirstUse(() =>
  z.object({
    name: z.string(),
    configs: z.record(z.string(), z.string()),
    partitions: z.array(partition()),
  }),
);
export const partitions = atFirstUse(() => z.array(partition()));
export const onePartition = partition;
export const offsets = atFirstUse(() => z.object({ beginning_offset: z.int(), end_offset: z.int() }));
export const brokers = atFirstUse(() => z.object({ brokers: z.array(z.int()) }));

/** Key and value: base64 in the binary format, any JSON in the json format. */
const records = atFirstUse(() =>
  z.array(
    z.strictObject({
      key: z.optional(z.unknown()),
      value: z.optional(z.unknown()),
      partition: z.nullish(z.int().check(z.minimum(0))),
    }),
  ),
);

export const produceBody = atFirstUse(() =>
  z.strictObject({
    /** Without any it is refused as Confluent does. */
    records: z.nullish(records()),
    /** Clients may send them whatever the format; the formats that are taken have no schema. */
    key_schema: z.nullish(z.string()),
    key_schema_id: z.nullish(z.int()),
    value_schema: z.nullish(z.string()),
    value_schema_id: z.nullish(z.int()),
  }),
);

/** The same for the OpenAPI document. */
export const produceRecords = atFirstUse(() => z.extend(produceBody(), { records: records().check(z.minLength(1)) }));

export const produced = atFirstUse(() =>
  z.object({
    key_schema_id: z.null(),
    value_schema_id: z.null(),
    offsets: z.array(
      z.object({
        partition: z.nullable(z.int()),
        offset: z.nullable(z.int()),
        error_code: z.nullable(z.int()),
        error: z.nullable(z.string()),
      }),
    ),
  }),
);
