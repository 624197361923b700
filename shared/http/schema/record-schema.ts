import { z } from "zod";

/** A key or a value to produce. Types that need a schema registry are known, so that they are refused by name. */
export const recordData = z.strictObject({
  type: z.string().nullish(),
  data: z.unknown().optional(),
  /** What follows needs a schema registry. */
  subject: z.string().nullish(),
  subject_name_strategy: z.string().nullish(),
  schema: z.string().nullish(),
  schema_id: z.int().nullish(),
  schema_version: z.union([z.int(), z.string()]).nullish(),
});

const wellFormed = (text: string) => text.isWellFormed();

/** The value in base64. */
export const recordHeader = z.strictObject({
  name: z.string().refine(wellFormed, "must be Unicode: it has half of a surrogate pair"),
  value: z.string().nullish(),
});

/** The last millisecond that ISO 8601 can tell of an answer, as a Date has it. */
const MAX_TIMESTAMP = 8.64e15;

export const produceRecord = z.strictObject({
  partition_id: z.int().nullish(),
  headers: z.array(recordHeader).nullish(),
  key: recordData.nullish(),
  value: recordData.nullish(),
  /** ISO 8601, or milliseconds since the epoch. */
  timestamp: z.union([z.iso.datetime({ offset: true }), z.int().min(0).max(MAX_TIMESTAMP)]).nullish(),
});
export type ProduceRecord = z.output<typeof produceRecord>;

export const produceBatchEntry = produceRecord.extend({ id: z.string() });
/** Entries are checked one by one, so that each fails by itself. */
export const produceBatchBody = z.strictObject({ entries: z.array(z.unknown()) });
/** The same for the OpenAPI document. */
export const produceBatchEntries = z.strictObject({ entries: z.array(produceBatchEntry) });

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

export const producedRecordOrBatches = z.union([producedRecord, producedRecordBatches]);

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
