import { KafkaError } from "../kafka/kafka-error.ts";
import type { LogItem, LogKey } from "../log/log-item.ts";
import type { LogState } from "../log/log-state.ts";
import { findTimestamp } from "../log/segment/find-timestamp.ts";
import type { LogRecord } from "../record/record.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { itemAtOrBelow, readCommitted } from "./committed-items.ts";
import { READ_TIMEOUT_MS } from "./log-view.ts";
import { itemBatches } from "./read-log.ts";

const PAGE_BYTES = 1024 * 1024;
const MAX_ITEMS = 1_000;
/** Pages that are looked through where the running maximum tells nothing. */
const MAX_PAGES = 256;

/** The items of a log in one region's table. */
export interface HotLog {
  /** The one with the greatest baseOffset <= an offset. */
  itemAt(offset: number): Promise<LogItem | undefined>;
  /** A page of those from the one on that begins at an offset; none at the end. */
  itemsFrom(offset: number): Promise<readonly LogItem[]>;
  batchesOf(item: LogItem): Promise<Uint8Array>;
}

/** `committed`: of a replicated log, what of it may be seen. */
export function hotLog(parts: BrokerParts, log: LogKey, committed: LogState | undefined): HotLog {
  return {
    itemAt: (offset) => itemAtOrBelow(parts, log, committed, offset),
    itemsFrom: async (offset) => {
      if (committed !== undefined) {
        if (offset >= committed.logEndOffset) return [];
        return (await readCommitted(parts, log, committed, offset, PAGE_BYTES)) ?? [];
      }
      const read = parts.logStore.readItems(log, offset, { maxItems: MAX_ITEMS, maxBytes: PAGE_BYTES });
      return (await withTimeout(parts.clock, READ_TIMEOUT_MS, "reading the log", read)).items;
    },
    batchesOf: (item) => itemBatches(parts, item),
  };
}

/**
 * The first record at or after `timestamp` (milliseconds since the epoch) from `startOffset` on; undefined: none. By bisection over
 * the running maximum; where that was reached below `startOffset` it tells nothing of what stands above, and items are
 * looked through by their own maximum.
 */
export async function findTimestampInItems(
  hot: HotLog,
  startOffset: number,
  timestamp: number,
): Promise<LogRecord | undefined> {
  const last = await hot.itemAt(Number.MAX_SAFE_INTEGER);
  if (last === undefined || last.lastOffset < startOffset || last.maxTimestampSoFar < timestamp) return undefined;
  const first = await firstItemReaching(hot, startOffset, last, timestamp);
  const found = findTimestamp(await hot.batchesOf(first), timestamp, startOffset);
  if (found !== undefined) return found;
  for await (const item of itemsBehind(hot, first.lastOffset + 1)) {
    if (item.maxTimestamp < timestamp) continue;
    const reached = findTimestamp(await hot.batchesOf(item), timestamp, startOffset);
    if (reached !== undefined) return reached;
  }
  return undefined;
}

/** The largest timestamp of an item from `startOffset` on; -1: none. Reads all of them. */
export async function largestTimestampInItems(hot: HotLog, startOffset: number): Promise<number> {
  const first = await hot.itemAt(startOffset);
  let largest = first === undefined || first.lastOffset < startOffset ? -1 : first.maxTimestamp;
  for await (const item of itemsBehind(hot, Math.max(startOffset, (first?.lastOffset ?? -1) + 1))) {
    largest = Math.max(largest, item.maxTimestamp);
  }
  return largest;
}

async function* itemsBehind(hot: HotLog, offset: number): AsyncGenerator<LogItem> {
  let next = offset;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const items = await hot.itemsFrom(next);
    yield* items;
    const last = items.at(-1);
    if (last === undefined) return;
    next = last.lastOffset + 1;
  }
  throw new KafkaError("REQUEST_TIMED_OUT", "more items would have to be looked through than one request may", {
    hint: "a record that is gone was from the future: go by offsets until what came after it is in segments",
  });
}

/** The first item, from the one that holds `startOffset` on, whose maxTimestampSoFar reaches `timestamp`: a read per halving. */
async function firstItemReaching(hot: HotLog, startOffset: number, last: LogItem, timestamp: number): Promise<LogItem> {
  let found = last;
  let low = startOffset;
  while (low < found.baseOffset) {
    const middle = low + Math.floor((found.baseOffset - 1 - low) / 2);
    const item = await hot.itemAt(middle);
    if (item !== undefined && item.lastOffset >= startOffset && item.maxTimestampSoFar >= timestamp) found = item;
    else low = Math.max(middle, item?.lastOffset ?? middle) + 1;
  }
  return found;
}
