import { configValue, localRetention, retentionOf } from "../kafka/topic-config-values.ts";
import type { SegmentLimits } from "./segment/segment-builder.ts";

/** What a topic's configs say of how long its records are kept, and where. Milliseconds and bytes; Infinity: no limit. */
export interface RetentionTerms extends SegmentLimits {
  readonly segmentMs: number;
  /** cleanup.policy has delete: retentionMs and retentionBytes count. */
  readonly isDeleted: boolean;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly localRetentionMs: number;
  readonly localRetentionBytes: number;
  /** cleanup.policy has compact. */
  readonly isCompacted: boolean;
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly deleteRetentionMs: number;
}

/** What lies between two entries of a segment's index is read in one request, and is in memory: readers ask for two MiB at least. */
const MAX_INDEX_INTERVAL_BYTES = 1024 * 1024;

/** Reads validated configs. */
export function retentionTerms(configs: Readonly<Record<string, string>>): RetentionTerms {
  const number = (name: string) => Number(configValue(configs, name));
  const policies = configValue(configs, "cleanup.policy")
    .split(",")
    .map((policy) => policy.trim());
  return {
    segmentBytes: number("segment.bytes"),
    indexBytes: number("segment.index.bytes"),
    indexIntervalBytes: Math.min(number("index.interval.bytes"), MAX_INDEX_INTERVAL_BYTES),
    segmentMs: number("segment.ms"),
    isDeleted: policies.includes("delete"),
    retentionMs: retentionOf(configs, "ms"),
    retentionBytes: retentionOf(configs, "bytes"),
    localRetentionMs: localRetention(configs, "ms"),
    localRetentionBytes: localRetention(configs, "bytes"),
    isCompacted: policies.includes("compact"),
    minCleanableDirtyRatio: number("min.cleanable.dirty.ratio"),
    minCompactionLagMs: number("min.compaction.lag.ms"),
    maxCompactionLagMs: number("max.compaction.lag.ms"),
    deleteRetentionMs: number("delete.retention.ms"),
  };
}
