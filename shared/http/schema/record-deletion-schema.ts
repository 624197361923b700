import * as z from "zod/mini";
import { atFirstUse } from "./at-first-use.ts";
import { integer } from "./parameters.ts";

/** Kafka's -1 stands for the highWatermark. */
export const deleteRecordsQuery = atFirstUse(() => z.strictObject({ before_offset: z.optional(integer(-1)) }));

export const deletedRecords = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaDeletedRecords"),
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    /** Kafka's name for where the log begins then. */
    low_watermark: z.int(),
  }),
);
