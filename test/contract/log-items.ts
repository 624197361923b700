import { randomInt } from "node:crypto";
import type { Checkpoint } from "../../shared/log/checkpoint.ts";
import { type LogItem, type LogKey, logKey, NO_EPOCH } from "../../shared/log/log-item.ts";
import type { LogStore } from "../../shared/log/log-store.ts";
import { BATCHES_KEPT, PRODUCERS_KEPT } from "../../shared/log/producer-state.ts";

let logs = 0;
/** A log that no other test uses. */
export const newLog = (): LogKey => logKey(`${crypto.randomUUID()}`, logs++);

export const ALL = { maxItems: 1000, maxBytes: 64 * 1024 * 1024 };
export const END = Number.MAX_SAFE_INTEGER;

export function item(baseOffset: number, change: Partial<LogItem> = {}): LogItem {
  return {
    baseOffset,
    lastOffset: baseOffset,
    recordCount: 1,
    maxTimestamp: 1_700_000_000_000,
    maxTimestampSoFar: 1_700_000_000_000,
    leaderEpoch: 0,
    stamp: 0,
    prevEpoch: NO_EPOCH,
    appendId: Buffer.alloc(16, baseOffset % 251).toString("base64url"),
    payload: { kind: "inline", batches: Buffer.from(`batch at ${baseOffset}`) },
    ...change,
  };
}

export function largeItem(baseOffset: number): LogItem {
  return item(baseOffset, { payload: { kind: "inline", batches: Buffer.alloc(380 * 1024) } });
}

/** As many producers as are remembered, with numbers that do not compress: more than an item of DynamoDB holds. */
export function hugeCheckpoint(logEndOffset: number): Checkpoint {
  const batch = () => {
    const [baseSequence, baseOffset] = [randomInt(2 ** 31), randomInt(2 ** 47)];
    const timestamp = 1_700_000_000_000 + randomInt(2 ** 32);
    return { baseSequence, lastSequence: randomInt(2 ** 31), baseOffset, lastOffset: baseOffset + 9, timestamp };
  };
  const producers = Array.from({ length: PRODUCERS_KEPT }, (_, index) => ({
    producerId: index * 2 ** 20 + randomInt(2 ** 20),
    producerEpoch: randomInt(2 ** 15),
    batches: Array.from({ length: BATCHES_KEPT }, batch),
  }));
  return { logEndOffset, lastEpoch: 3, maxTimestampSoFar: 1_700_000_000_000, producers };
}

/** Looks for expired items until a bounded number of looks must have been everywhere; answers how many were deleted. */
export async function sweep(store: LogStore, nowSeconds: number, maxItems: number): Promise<number> {
  let deleted = 0;
  for (let look = 0; look < 12; look++) deleted += await store.deleteExpiredItems(nowSeconds, maxItems);
  return deleted;
}

/** Comparable whatever kind of byte array an adapter gives back. */
export function plain(found: LogItem | undefined): unknown {
  if (found?.payload.kind !== "inline") return found;
  return { ...found, payload: { kind: "inline", batches: Buffer.from(found.payload.batches).toString("hex") } };
}

export const plainItems = (items: readonly LogItem[]) => items.map(plain);
