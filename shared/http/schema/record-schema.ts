import { z } from "zod";

/** A key or a value to produce. Types that need a schema registry are known, so that they are refused by name. */
export const recordData = z
  .strictObject({
    type: z.string().nullable().optional(),
    data: z.unknown(),
    format: z.string().nullable().optional(),
    subject: z.string().nullable().optional(),
    subject_name_strategy: z.string().nullable().optional(),
    schema: z.unknown().optional(),
    schema_id: z.unknown().optional(),
    schema_version: z.unknown().optional(),
  })
  .partial();

export const recordHeader = z.strictObject({ name: z.string(), value: z.string().nullable().optional() });

export const produceRecord = z.strictObject({
  partition_id: z.int().nullable().optional(),
  headers: z.array(recordHeader).nullable().optional(),
  key: recordData.nullable().optional(),
  value: recordData.nullable().optional(),
  /** ISO 8601, or milliseconds since the epoch. */
  timestamp: z
    .union([z.iso.datetime({ offset: true }), z.int().min(0)])
    .nullable()
    .optional(),
  original_size: z.int().optional(),
});
export type ProduceRecord = z.output<typeof produceRecord>;

export const produceBatchEntry = produceRecord.extend({ id: z.string() });
export const produceBatchBody = z.strictObject({ entries: z.array(z.unknown()) });

const dataAnswer = z.object({ type: z.string(), size: z.int() });

export const producedRecord = z.object({
  error_code: z.int(),
  cluster_id: z.string(),
  topic_name: z.string(),
  partition_id: z.int(),
  offset: z.int(),
  timestamp: z.string(),
  key: dataAnswer.optional(),
  value: dataAnswer.optional(),
});

export const producedBatch = z.object({
  successes: z.array(producedRecord.omit({ error_code: true }).extend({ id: z.string() })),
  failures: z.array(z.object({ id: z.string(), error_code: z.int(), message: z.string() })),
});

export const producedRecordBatches = z.object({
  error_code: z.int(),
  cluster_id: z.string(),
  topic_name: z.string(),
  partition_id: z.int(),
  base_offset: z.int(),
  last_offset: z.int(),
  log_append_time: z.int(),
  log_start_offset: z.int(),
  is_duplicate: z.boolean(),
});

const fetchedData = z.object({ type: z.enum(["BINARY", "STRING", "JSON"]), data: z.unknown() }).nullable();

export const fetchedRecords = z.object({
  kind: z.literal("KafkaRecordList"),
  metadata: z.object({
    self: z.string(),
    high_watermark: z.int(),
    log_start_offset: z.int(),
    next_offset: z.int(),
  }),
  data: z.array(
    z.object({
      offset: z.int(),
      timestamp: z.int(),
      key: fetchedData,
      value: fetchedData,
      headers: z.array(z.object({ name: z.string(), value: z.string().nullable() })),
    }),
  ),
});
