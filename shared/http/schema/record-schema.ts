import * as z from "zod/mini";
import { atFirstUse } from "./at-first-use.ts";

const optionalText = atFirstUse(() => z.nullish(z.string()));
const optionalInt = atFirstUse(() => z.nullish(z.int()));

/** A key or a value to produce. Types that need a schema registry are known, so that they are refused by name. */
const recordData = atFirstUse(() =>
  z.strictObject({
    type: optionalText(),
    data: z.optional(z.unknown()),
    /** What follows needs a schema registry. */
    subject: optionalText(),
    subject_name_strategy: optionalText(),
    schema: optionalText(),
    schema_id: optionalInt(),
    schema_version: z.nullish(z.union([z.int(), z.string()])),
  }),
);

const optionalData = atFirstUse(() => z.nullish(recordData()));

const wellFormed = (text: string) => text.isWellFormed();

/** The value in base64. */
const recordHeader = atFirstUse(() =>
  z.strictObject({
    name: z.string().check(z.refine(wellFormed, "must be Unicode: it has half of a surrogate pair")),
    value: optionalText(),
  }),
);

/** The last millisecond that ISO 8601 can tell of an answer, as a Date has it. */
const MAX_TIMESTAMP = 8.64e15;

export const produceRecord = atFirstUse(() =>
  z.strictObject({
    partition_id: optionalInt(),
    headers: z.nullish(z.array(recordHeader())),
    key: optionalData(),
    value: optionalData(),
    /** ISO 8601, or milliseconds since the epoch. */
    timestamp: z.nullish(
      z.union([z.iso.datetime({ offset: true }), z.int().check(z.minimum(0), z.maximum(MAX_TIMESTAMP))]),
    ),
  }),
);
export type ProduceRecord = z.output<ReturnType<typeof produceRecord>>;

export const produceBatchEntry = atFirstUse(() => z.extend(produceRecord(), { id: z.string() }));
/** Entries are checked one by one, so that each fails by itself. */
export const produceBatchBody = atFirstUse(() => z.strictObject({ entries: z.array(z.unknown()) }));
/** The same for the OpenAPI document. */
export const produceBatchEntries = atFirstUse(() => z.strictObject({ entries: z.array(produceBatchEntry()) }));

const dataAnswer = atFirstUse(() => z.object({ type: z.string(), size: z.int() }));

export const producedRecord = atFirstUse(() =>
  z.object({
    error_code: z.int(),
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    offset: z.int(),
    timestamp: z.string(),
    key: z.optional(dataAnswer()),
    value: z.optional(dataAnswer()),
  }),
);

export const producedBatch = atFirstUse(() =>
  z.object({
    successes: z.array(z.extend(z.omit(producedRecord(), { error_code: true }), { id: z.string() })),
    failures: z.array(z.object({ id: z.string(), error_code: z.int(), message: z.string() })),
  }),
);

const producedRecordBatches = atFirstUse(() =>
  z.object({
    error_code: z.int(),
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    base_offset: z.int(),
    last_offset: z.int(),
    log_append_time: z.int(),
    log_start_offset: z.int(),
    is_duplicate: z.boolean(),
  }),
);

export const producedRecordOrBatches = atFirstUse(() => z.union([producedRecord(), producedRecordBatches()]));

const fetchedData = atFirstUse(() =>
  z.nullable(z.object({ type: z.enum(["BINARY", "STRING", "JSON"]), data: z.unknown() })),
);

export const fetchedRecords = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaRecordList"),
    metadata: z.object({
      self: z.string(),
      high_watermark: z.int(),
      log_start_offset: z.int(),
      local_log_start_offset: z.int(),
      next_offset: z.int(),
    }),
    data: z.array(
      z.object({
        offset: z.int(),
        timestamp: z.int(),
        key: fetchedData(),
        value: fetchedData(),
        headers: z.array(z.object({ name: z.string(), value: z.nullable(z.string()) })),
      }),
    ),
  }),
);
