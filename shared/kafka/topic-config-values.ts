import type { TimestampType } from "./timestamp-type.ts";
import { TOPIC_CONFIGS } from "./topic-config.ts";

/** A topic's configs as the append needs them, defaults filled in. Times in milliseconds, sizes in bytes. */
export interface TopicConfigValues {
  readonly maxMessageBytes: number;
  readonly inlineMaxBytes: number;
  readonly minInsyncReplicas: number;
  readonly compressionType: "uncompressed" | "zstd" | "lz4" | "snappy" | "gzip" | "producer";
  readonly messageTimestampType: TimestampType;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** cleanup.policy contains compact: every record needs a key. */
  readonly isCompacted: boolean;
}

/** The value in force: what was set for the topic, or the default. */
export function configValue(configs: Readonly<Record<string, string>>, name: string): string {
  return configs[name] ?? TOPIC_CONFIGS.get(name)!.defaultValue;
}

/** Reads validated configs. */
export function topicConfigValues(configs: Readonly<Record<string, string>>): TopicConfigValues {
  const number = (name: string) => Number(configValue(configs, name));
  return {
    maxMessageBytes: number("max.message.bytes"),
    inlineMaxBytes: number("millrace.inline.max.bytes"),
    minInsyncReplicas: number("min.insync.replicas"),
    compressionType: configValue(configs, "compression.type") as TopicConfigValues["compressionType"],
    messageTimestampType: configValue(configs, "message.timestamp.type") as TimestampType,
    timestampBeforeMaxMs: number("message.timestamp.before.max.ms"),
    timestampAfterMaxMs: number("message.timestamp.after.max.ms"),
    isCompacted: configValue(configs, "cleanup.policy")
      .split(",")
      .map((policy) => policy.trim())
      .includes("compact"),
  };
}
