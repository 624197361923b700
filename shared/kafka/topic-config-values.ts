import type { TimestampType } from "./timestamp-type.ts";
import { TOPIC_CONFIGS } from "./topic-config.ts";

/** A topic's configs as the append needs them, defaults filled in. Times in milliseconds, sizes in bytes. */
export interface TopicConfigValues {
  readonly maxMessageBytes: number;
  readonly inlineMaxBytes: number;
  readonly minInsyncReplicas: number;
  /** unclean.leader.election.enable: a replica that is not in sync may lead when no other can. */
  readonly isUncleanElectionAllowed: boolean;
  readonly compressionType: "uncompressed" | "zstd" | "lz4" | "snappy" | "gzip" | "producer";
  readonly messageTimestampType: TimestampType;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** local.retention.ms, no longer than retention.ms: how long an item is read from DynamoDB; Infinity: for good. */
  readonly localRetentionMs: number;
  /** segment.bytes: so much of what is not in a segment yet makes one. */
  readonly segmentBytes: number;
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
    isUncleanElectionAllowed: configValue(configs, "unclean.leader.election.enable") === "true",
    compressionType: configValue(configs, "compression.type") as TopicConfigValues["compressionType"],
    messageTimestampType: configValue(configs, "message.timestamp.type") as TimestampType,
    timestampBeforeMaxMs: number("message.timestamp.before.max.ms"),
    timestampAfterMaxMs: number("message.timestamp.after.max.ms"),
    localRetentionMs: localRetention(configs, "ms"),
    segmentBytes: number("segment.bytes"),
    isCompacted: configValue(configs, "cleanup.policy")
      .split(",")
      .map((policy) => policy.trim())
      .includes("compact"),
  };
}

/** What local.retention.ms and local.retention.bytes say for "as long as all". */
const AS_RETENTION = -2;
const NO_LIMIT = -1;

/** retention.ms or retention.bytes; Infinity: no limit. */
export function retentionOf(configs: Readonly<Record<string, string>>, unit: "ms" | "bytes"): number {
  return limit(Number(configValue(configs, `retention.${unit}`)));
}

/** local.retention.ms or local.retention.bytes, which is never more than retention.ms or retention.bytes; Infinity: no limit. */
export function localRetention(configs: Readonly<Record<string, string>>, unit: "ms" | "bytes"): number {
  const all = retentionOf(configs, unit);
  const local = Number(configValue(configs, `local.retention.${unit}`));
  return local === AS_RETENTION ? all : Math.min(all, limit(local));
}

function limit(value: number): number {
  return value === NO_LIMIT ? Number.POSITIVE_INFINITY : value;
}
