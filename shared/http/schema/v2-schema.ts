import { z } from "zod";

const partition = z.object({
  partition: z.int(),
  leader: z.int(),
  replicas: z.array(z.object({ broker: z.int(), leader: z.boolean(), in_sync: z.boolean() })),
});

export const topicNames = z.array(z.string());
export const topic = z.object({
  name: z.string(),
  configs: z.record(z.string(), z.string()),
  partitions: z.array(partition),
});
export const partitions = z.array(partition);
export const onePartition = partition;
export const offsets = z.object({ beginning_offset: z.int(), end_offset: z.int() });
export const brokers = z.object({ brokers: z.array(z.int()) });

/** Key and value: base64 in the binary format, any JSON in the json format. */
export const produceBody = z.strictObject({
  records: z
    .array(
      z.strictObject({
        key: z.unknown().optional(),
        value: z.unknown().optional(),
        partition: z.int().min(0).nullish(),
      }),
    )
    .min(1, "must hold a record"),
  /** Clients may send them whatever the format; the formats that are taken have no schema. */
  key_schema: z.string().nullish(),
  key_schema_id: z.int().nullish(),
  value_schema: z.string().nullish(),
  value_schema_id: z.int().nullish(),
});

export const produced = z.object({
  key_schema_id: z.null(),
  value_schema_id: z.null(),
  offsets: z.array(
    z.object({
      partition: z.int().nullable(),
      offset: z.int().nullable(),
      error_code: z.int().nullable(),
      error: z.string().nullable(),
    }),
  ),
});
