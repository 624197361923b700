import type { Checkpoint } from "./checkpoint.ts";
import type { ItemVersion, LogItem, LogKey } from "./log-item.ts";

/** What became of a conditional put. `occupied` carries the item that holds the slot. */
export type PutItemResult = { readonly kind: "written" } | { readonly kind: "occupied"; readonly item: LogItem };

/** What became of a put in place of something exact. `occupied`: what the slot holds instead; undefined: nothing. */
export type ReplaceItemResult =
  | { readonly kind: "written" }
  | { readonly kind: "occupied"; readonly item: LogItem | undefined };

/** Items in order of baseOffset. `isEnd`: there was nothing behind the last of them when they were read. */
export interface LogPage {
  readonly items: readonly LogItem[];
  readonly isEnd: boolean;
}

/** How far a deletion got. `nextOffset`: the rest begins there; undefined: there is none. */
export interface DeletedStretch {
  readonly itemsDeleted: number;
  readonly nextOffset?: number;
}

export interface ReadLimits {
  /** At most this many items (1 to 1000). */
  readonly maxItems: number;
  /** Stop after the item that reaches this many payload bytes. A page holds at least one item if there is one. */
  readonly maxBytes: number;
}

/**
 * The port to one region's `log` table: linearizable items, changed by single-item conditional puts. It stores and
 * never decides. All reads are strongly consistent. Every operation is bounded in time.
 *
 * Errors: `KafkaError` KAFKA_STORAGE_ERROR or THROTTLING_QUOTA_EXCEEDED; on writes `outcome` says whether the write
 * may have been applied.
 */
export interface LogStore {
  /** Puts `item` at its baseOffset if the slot is free or holds an item whose stamp is lower than `item.stamp`. */
  putItem(log: LogKey, item: LogItem): Promise<PutItemResult>;
  /** Puts `item` at its baseOffset if the slot holds just `expected`; undefined: if it is free. */
  replaceItem(log: LogKey, item: LogItem, expected: ItemVersion | undefined): Promise<ReplaceItemResult>;
  /** The items with baseOffset >= `fromOffset`, ascending. */
  readItems(log: LogKey, fromOffset: number, limits: ReadLimits): Promise<LogPage>;
  /** The item with the greatest baseOffset <= `offset` (Number.MAX_SAFE_INTEGER: the last item). */
  readItemAtOrBelow(log: LogKey, offset: number): Promise<LogItem | undefined>;
  /** The newest checkpoint of the log. */
  readCheckpoint(log: LogKey): Promise<Checkpoint | undefined>;
  /** Keeps `checkpoint` unless one as new is there (isNewer in checkpoint.ts). */
  putCheckpoint(log: LogKey, checkpoint: Checkpoint): Promise<void>;
  /**
   * Deletes up to `maxItems` items of the log whose baseOffset lies below `beforeOffset`, and, when none is left below
   * Number.MAX_SAFE_INTEGER, its checkpoint. Answers how many items it deleted: fewer than maxItems means none is left.
   */
  deleteItems(log: LogKey, beforeOffset: number, maxItems: number): Promise<number>;
  /**
   * Deletes items of the stretch from `fromOffset` up to `beforeOffset` (exclusive) that have no expiresAt, up to `maxItems` (at most 1000) of
   * them: those that no TTL takes. With `throughEpoch` none that has a newer stamp: another lineage's, if the caller is of an old one. It reads
   * the whole stretch, some pages of it at a time. Answers where to go on, if it is not through.
   */
  deleteItemsWithoutExpiry(
    log: LogKey,
    stretch: { readonly fromOffset: number; readonly beforeOffset: number; readonly throughEpoch?: number },
    maxItems: number,
  ): Promise<DeletedStretch>;
  /** Deletes up to `maxItems` items whose expiresAt lies before `nowSeconds`: what DynamoDB's TTL does by itself. */
  deleteExpiredItems(nowSeconds: number, maxItems: number): Promise<number>;
}
