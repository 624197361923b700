import { ok, type Result, refused } from "../kafka/result.ts";

/** Where a group is to go on in a partition: what `kafka-consumer-groups --reset-offsets` takes. */
export type OffsetReset =
  | { readonly to: "earliest" | "latest" | "current" }
  | { readonly to: "offset"; readonly offset: number }
  | { readonly to: "shift-by"; readonly count: number }
  /** Milliseconds since the epoch. */
  | { readonly to: "timestamp"; readonly timestamp: number };

/** auto.offset.reset: where a consumer begins that finds no offset, or one that is not in the log. */
export type AutoOffsetReset = "earliest" | "latest" | "none";

/** What there is of a partition's log. */
export interface LogRange {
  readonly logStartOffset: number;
  /** The highWatermark, or for read_committed the lastStableOffset: what a consumer can reach. */
  readonly endOffset: number;
}

/**
 * The offset that a reset leads to. Like Kafka's tool it stays within the log. `committed`: what the group has; `atTimestamp`: the first
 * offset at or after the timestamp, undefined if there is none. Refusals: INVALID_REQUEST.
 */
export function resetOffset(
  reset: OffsetReset,
  { logStartOffset, endOffset }: LogRange,
  committed: number | undefined,
  atTimestamp?: number,
): Result<number> {
  const within = (offset: number) => ok(Math.min(Math.max(offset, logStartOffset), endOffset));
  switch (reset.to) {
    case "earliest":
      return ok(logStartOffset);
    case "latest":
      return ok(endOffset);
    case "timestamp":
      return within(atTimestamp ?? endOffset);
    case "offset":
      if (!Number.isSafeInteger(reset.offset) || reset.offset < 0) return notAnOffset(reset.offset);
      return within(reset.offset);
    case "shift-by":
      if (!Number.isSafeInteger(reset.count)) return notAnOffset(reset.count);
      if (committed === undefined) return nothingCommitted();
      return within(committed + reset.count);
    case "current":
      return committed === undefined ? nothingCommitted() : within(committed);
  }
}

/**
 * Where a consumer begins: at what is committed if that lies in the log (its end included), else where auto.offset.reset says. Refusals:
 * OFFSET_OUT_OF_RANGE with "none".
 */
export function startOffset(
  committed: number | undefined,
  reset: AutoOffsetReset,
  { logStartOffset, endOffset }: LogRange,
): Result<number> {
  if (committed !== undefined && committed >= logStartOffset && committed <= endOffset) return ok(committed);
  if (reset === "earliest") return ok(logStartOffset);
  if (reset === "latest") return ok(endOffset);
  const what = committed === undefined ? "no offset is committed" : `offset ${committed} is not in the log`;
  return refused("OFFSET_OUT_OF_RANGE", `${what}, and auto.offset.reset is none`, "commit an offset, or seek to one");
}

function nothingCommitted(): Result<never> {
  return refused(
    "INVALID_REQUEST",
    "the group has no offset for this partition",
    "reset to earliest, latest, or an offset",
  );
}

function notAnOffset(value: number): Result<never> {
  return refused("INVALID_REQUEST", `${value} is no offset`);
}
