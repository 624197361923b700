import { type Checkpoint, isNewer } from "../../log/checkpoint.ts";
import type { ItemVersion, LogItem, LogKey } from "../../log/log-item.ts";
import type {
  DeletedStretch,
  LogPage,
  LogStore,
  PutItemResult,
  ReadLimits,
  ReplaceItemResult,
} from "../../log/log-store.ts";

interface MemoryLog {
  readonly items: Map<number, LogItem>;
  /** Keys of `items`, ascending. */
  offsets: number[];
  checkpoint: Checkpoint | undefined;
}

/** A log table in memory, for the simulation and tests. Linearizable, without timers; bytes are copied in and out. */
export class MemoryLogStore implements LogStore {
  readonly #logs = new Map<LogKey, MemoryLog>();

  async putItem(log: LogKey, item: LogItem): Promise<PutItemResult> {
    const occupant = this.#log(log).items.get(item.baseOffset);
    if (occupant !== undefined && occupant.stamp >= item.stamp) return { kind: "occupied", item: copy(occupant) };
    return this.#put(log, item);
  }

  async replaceItem(log: LogKey, item: LogItem, expected: ItemVersion | undefined): Promise<ReplaceItemResult> {
    const occupant = this.#log(log).items.get(item.baseOffset);
    if (isVersion(occupant, expected)) return this.#put(log, item);
    return { kind: "occupied", item: occupant && copy(occupant) };
  }

  async readItems(log: LogKey, fromOffset: number, { maxItems, maxBytes }: ReadLimits): Promise<LogPage> {
    const { items, offsets } = this.#log(log);
    const page: LogItem[] = [];
    let bytes = 0;
    let index = firstAtOrAbove(offsets, fromOffset);
    for (; index < offsets.length && page.length < maxItems && (bytes < maxBytes || page.length === 0); index++) {
      const item = copy(items.get(offsets[index]!)!);
      bytes += item.payload.kind === "inline" ? item.payload.batches.length : 0;
      page.push(item);
    }
    return { items: page, isEnd: index === offsets.length };
  }

  async readItemAtOrBelow(log: LogKey, offset: number): Promise<LogItem | undefined> {
    const { items, offsets } = this.#log(log);
    const index = firstAtOrAbove(offsets, offset + 1) - 1;
    return index < 0 ? undefined : copy(items.get(offsets[index]!)!);
  }

  async readCheckpoint(log: LogKey): Promise<Checkpoint | undefined> {
    return structuredClone(this.#log(log).checkpoint);
  }

  async putCheckpoint(log: LogKey, checkpoint: Checkpoint): Promise<void> {
    const stored = this.#log(log);
    if (stored.checkpoint !== undefined && !isNewer(checkpoint, stored.checkpoint)) return;
    stored.checkpoint = structuredClone(checkpoint);
  }

  async deleteItems(log: LogKey, beforeOffset: number, maxItems: number): Promise<number> {
    const stored = this.#log(log);
    const count = Math.min(maxItems, firstAtOrAbove(stored.offsets, beforeOffset));
    for (const offset of stored.offsets.slice(0, count)) stored.items.delete(offset);
    stored.offsets = stored.offsets.slice(count);
    if (stored.offsets.length === 0 && beforeOffset === Number.MAX_SAFE_INTEGER) this.#logs.delete(log);
    return count;
  }

  async deleteItemsWithoutExpiry(
    log: LogKey,
    {
      fromOffset,
      beforeOffset,
      throughEpoch = Number.POSITIVE_INFINITY,
    }: Parameters<LogStore["deleteItemsWithoutExpiry"]>[1],
    maxItems: number,
  ): Promise<DeletedStretch> {
    const stored = this.#log(log);
    const within = stored.offsets.filter((offset) => offset >= fromOffset && offset < beforeOffset);
    const kept = within.filter((offset) => {
      const { expiresAt, stamp } = stored.items.get(offset)!;
      return expiresAt === undefined && stamp <= throughEpoch;
    });
    const deleted = kept.slice(0, maxItems);
    for (const offset of deleted) stored.items.delete(offset);
    stored.offsets = stored.offsets.filter((offset) => stored.items.has(offset));
    const next = kept[maxItems];
    return { itemsDeleted: deleted.length, ...(next === undefined ? {} : { nextOffset: next }) };
  }

  async deleteExpiredItems(nowSeconds: number, maxItems: number): Promise<number> {
    let deleted = 0;
    for (const stored of this.#logs.values()) {
      for (const [offset, item] of stored.items) {
        if (deleted === maxItems) return deleted;
        if (item.expiresAt === undefined || item.expiresAt >= nowSeconds) continue;
        stored.items.delete(offset);
        stored.offsets.splice(firstAtOrAbove(stored.offsets, offset), 1);
        deleted++;
      }
    }
    return deleted;
  }

  #put(log: LogKey, item: LogItem): { readonly kind: "written" } {
    const { items, offsets } = this.#log(log);
    if (!items.has(item.baseOffset)) offsets.splice(firstAtOrAbove(offsets, item.baseOffset), 0, item.baseOffset);
    items.set(item.baseOffset, copy(item));
    return { kind: "written" };
  }

  #log(log: LogKey): MemoryLog {
    let stored = this.#logs.get(log);
    if (stored === undefined) {
      stored = { items: new Map(), offsets: [], checkpoint: undefined };
      this.#logs.set(log, stored);
    }
    return stored;
  }
}

function isVersion(item: LogItem | undefined, expected: ItemVersion | undefined): boolean {
  if (item === undefined || expected === undefined) return item === expected;
  const { leaderEpoch, appendId, stamp } = expected;
  return item.leaderEpoch === leaderEpoch && item.appendId === appendId && item.stamp === stamp;
}

function copy(item: LogItem): LogItem {
  if (item.payload.kind !== "inline") return structuredClone(item);
  return { ...item, payload: { kind: "inline", batches: Uint8Array.from(item.payload.batches) } };
}

/** Index of the first offset that is not below `offset`, by bisection. */
function firstAtOrAbove(offsets: readonly number[], offset: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
