import { LOCAL_MARGIN_MS } from "./retention-expiry.ts";
import type { RetentionTerms } from "./retention-terms.ts";
import type { CoveredStretch } from "./segment/covering-segments.ts";

/** What bounds a log's starts, whatever retention says. */
export interface LogBounds {
  readonly logStartOffset: number;
  readonly localLogStartOffset: number;
  /** Where the last committed item begins: it stays, hot, so that the log's end is not forgotten (REPLICATION.md, 9). */
  readonly lastItemOffset: number;
}

/**
 * Where the log begins once retention.ms and retention.bytes have been heard: whole segments go, the oldest first, as in Kafka.
 * First the registration is changed to it, by compare-and-set; only then may anything below be deleted. `hotBytes`: about
 * what lies behind the last segment. With cleanup.policy=compact alone nothing goes.
 */
export function retainedFrom(
  cover: readonly CoveredStretch[],
  hotBytes: number,
  bounds: LogBounds,
  terms: RetentionTerms,
  now: number,
): number {
  let start = bounds.logStartOffset;
  if (!terms.isDeleted) return start;
  let tooMany =
    cover.reduce((bytes, { segment }) => bytes + segment.content.sizeInBytes, hotBytes) - terms.retentionBytes;
  for (const { segment, fromOffset, toOffset } of cover) {
    const { maxTimestamp, sizeInBytes } = segment.content;
    const isTooOld = maxTimestamp <= now - terms.retentionMs;
    if (fromOffset > start || !(isTooOld || tooMany >= sizeInBytes)) break;
    tooMany -= sizeInBytes;
    start = toOffset + 1;
  }
  return Math.max(bounds.logStartOffset, Math.min(start, bounds.lastItemOffset));
}

/**
 * Where the hot items begin to be read, rather than a segment: behind all segments that local.retention.ms or local.retention.bytes
 * has done with, and behind those whose items DynamoDB may soon delete. First a checkpoint that goes as far is put into every table
 * of the log, since a cold writer folds the log from its checkpoint on; then this is written into the tiering state; what lies below is
 * deleted by its TTL, and what has none may be deleted by whoever comes next.
 */
export function locallyRetainedFrom(
  cover: readonly CoveredStretch[],
  hotBytes: number,
  bounds: LogBounds,
  terms: RetentionTerms,
  now: number,
): number {
  const first = Math.max(bounds.localLogStartOffset, bounds.logStartOffset);
  const hot = cover.filter(({ toOffset }) => toOffset >= first);
  // Not in order: a segment whose items stay may stand before one whose items go.
  const ending = hot.findLastIndex(
    ({ segment: { content } }) => (content.hotUntil ?? Infinity) - LOCAL_MARGIN_MS <= now,
  );
  let tooMany =
    hot.reduce((bytes, { segment }) => bytes + segment.content.sizeInBytes, hotBytes) - terms.localRetentionBytes;
  let start = first;
  for (const [index, { segment, toOffset }] of hot.entries()) {
    const { maxTimestamp, sizeInBytes } = segment.content;
    const isTooOld = maxTimestamp <= now - terms.localRetentionMs;
    if (!(index <= ending || isTooOld || tooMany >= sizeInBytes)) break;
    tooMany -= sizeInBytes;
    start = toOffset + 1;
  }
  return Math.max(first, Math.min(start, bounds.lastItemOffset));
}
