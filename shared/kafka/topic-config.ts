import { MAX_INLINE_BYTES, MAX_MESSAGE_BYTES } from "./limits.ts";

export type ConfigType = "BOOLEAN" | "INT" | "LONG" | "DOUBLE" | "STRING" | "LIST";

/** One topic config: its name, type, default and what values it takes. */
export interface ConfigDefinition {
  readonly name: string;
  readonly type: ConfigType;
  readonly defaultValue: string;
  readonly min?: number;
  readonly max?: number;
  /** The values that a STRING, or each element of a LIST, may have. */
  readonly oneOf?: readonly string[];
  readonly documentation: string;
}

const INT_MAX = 2 ** 31 - 1;
/** Long.MAX_VALUE: what Kafka calls "no limit". Compared as a number it is only nearly that, which is enough. */
const LONG_MAX = "9223372036854775807";
const NO_EFFECT = "Accepted as in Kafka; has no effect here: there is no file to flush, allocate or index.";

const long = (name: string, defaultValue: string, min: number, documentation: string): ConfigDefinition => ({
  name,
  type: "LONG",
  defaultValue,
  min,
  documentation,
});
const int = (
  name: string,
  defaultValue: string,
  min: number,
  max: number,
  documentation: string,
): ConfigDefinition => ({
  name,
  type: "INT",
  defaultValue,
  min,
  max,
  documentation,
});
const boolean = (name: string, defaultValue: string, documentation: string): ConfigDefinition => ({
  name,
  type: "BOOLEAN",
  defaultValue,
  documentation,
});

/** Kafka's topic configs by name, defaults as in Kafka 4. Source: https://kafka.apache.org/documentation/#topicconfigs */
export const TOPIC_CONFIGS: ReadonlyMap<string, ConfigDefinition> = new Map(
  [
    {
      name: "cleanup.policy",
      type: "LIST" as const,
      defaultValue: "delete",
      oneOf: ["delete", "compact"],
      documentation: "What becomes of old records: delete them, keep the last one of each key (compact), or both.",
    },
    {
      name: "compression.type",
      type: "STRING" as const,
      defaultValue: "producer",
      oneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
      documentation: "The compression batches are stored in; producer keeps what the producer sent.",
    },
    long("delete.retention.ms", "86400000", 0, "How long a compacted topic keeps tombstones, in milliseconds."),
    long("file.delete.delay.ms", "60000", 0, NO_EFFECT),
    long("flush.messages", LONG_MAX, 1, NO_EFFECT),
    long("flush.ms", LONG_MAX, 0, NO_EFFECT),
    int("index.interval.bytes", "4096", 0, INT_MAX, "Bytes of a segment between two entries of its indexes."),
    long(
      "local.retention.bytes",
      "-2",
      -2,
      "Bytes read from DynamoDB before only S3 keeps them, by whole segments; -2: retention.bytes.",
    ),
    long(
      "local.retention.ms",
      "-2",
      -2,
      "Milliseconds read from DynamoDB before only S3 keeps it, by whole segments; -2: retention.ms.",
    ),
    long("max.compaction.lag.ms", LONG_MAX, 1, "The longest a record stays uncompacted, in milliseconds."),
    int("max.message.bytes", "1048588", 0, MAX_MESSAGE_BYTES, "The largest RecordBatch the topic takes, in bytes."),
    long("message.timestamp.after.max.ms", "3600000", 0, "How far a record's timestamp may lie in the future."),
    long("message.timestamp.before.max.ms", LONG_MAX, 0, "How far a record's timestamp may lie in the past."),
    {
      name: "message.timestamp.type",
      type: "STRING" as const,
      defaultValue: "CreateTime",
      oneOf: ["CreateTime", "LogAppendTime"],
      documentation: "Whether a record's timestamp is the producer's or that of the append.",
    },
    {
      name: "min.cleanable.dirty.ratio",
      type: "DOUBLE" as const,
      defaultValue: "0.5",
      min: 0,
      max: 1,
      documentation: "The share of uncompacted bytes at which a log is compacted.",
    },
    long("min.compaction.lag.ms", "0", 0, "The least time a record stays uncompacted, in milliseconds."),
    int("min.insync.replicas", "1", 1, INT_MAX, "In-sync replicas below which acks=all is refused."),
    boolean("preallocate", "false", NO_EFFECT),
    boolean(
      "remote.storage.enable",
      "true",
      "Segments go to S3. Always true here: DynamoDB keeps only the newest part.",
    ),
    long("retention.bytes", "-1", -1, "Bytes a partition keeps, by whole segments; -1: no limit."),
    long("retention.ms", "604800000", -1, "Milliseconds a record is kept; the last one stays. -1: for good."),
    int("segment.bytes", "1073741824", 1024 * 1024, INT_MAX, "The size at which a segment is closed."),
    int("segment.index.bytes", "10485760", 4, INT_MAX, "The size of an index at which its segment is closed."),
    long("segment.jitter.ms", "0", 0, NO_EFFECT),
    long(
      "segment.ms",
      "604800000",
      1,
      "The age at which a segment is closed, in milliseconds; after three days at the latest.",
    ),
    boolean(
      "unclean.leader.election.enable",
      "false",
      "Whether a replica that is not in sync may lead, losing records.",
    ),
    int(
      "millrace.inline.max.bytes",
      "32768",
      0,
      MAX_INLINE_BYTES,
      "Bytes of RecordBatches that one append keeps in its DynamoDB item; more goes to S3 and the item points to it.",
    ),
  ].map((definition): [string, ConfigDefinition] => [definition.name, definition]),
);
