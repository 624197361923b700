import { KafkaError } from "../../kafka/kafka-error.ts";
import { batchHeaders } from "../../record/read-batch-header.ts";
import { rebaseBatches } from "../item-batches.ts";
import type { LogItem, ObjectPointer } from "../log-item.ts";
import type { SegmentBuilder } from "./segment-builder.ts";

/** Objects read ahead while a segment is written: their latency would be most of the time otherwise. */
const OBJECTS_AHEAD = 16;
const BYTES_AHEAD = 16 * 1024 * 1024;

/** Reads the object of an item. Errors: what the segment store fails with; undefined: it is not there. */
export type ReadItemObject = (object: ObjectPointer) => Promise<Uint8Array | undefined>;

/** What was written of a stretch of the hot log. */
export interface CopiedItems {
  /** Keys of the objects whose bytes are in the segment now. */
  readonly itemObjects: readonly string[];
  /** Its items that have no TTL. */
  readonly itemsWithoutExpiry: number;
  /** When the first of its items may be deleted, in milliseconds since the epoch; undefined: none of them expires. */
  readonly hotUntil: number | undefined;
}

/**
 * Makes a segment's `.log` of items, an item at a time: their RecordBatches at their offsets, byte for byte as a fetch has them.
 * Ends where the segment is full, the items do, or the log itself. Holds the items that are read ahead, 16 MiB at
 * most and at least one, and nothing of what it handed out. The items continue the chain and are committed.
 */
export class SegmentLog {
  readonly #builder: SegmentBuilder;
  readonly #read: ReadItemObject;
  readonly #itemObjects: string[] = [];
  #itemsWithoutExpiry = 0;
  #hotUntil: number | undefined;

  constructor(builder: SegmentBuilder, readObject: ReadItemObject) {
    this.#builder = builder;
    this.#read = readObject;
  }

  get copied(): CopiedItems {
    const [itemObjects, itemsWithoutExpiry, hotUntil] = [this.#itemObjects, this.#itemsWithoutExpiry, this.#hotUntil];
    return { itemObjects, itemsWithoutExpiry, hotUntil };
  }

  /**
   * The bytes of the `.log`, front to back. Errors: CORRUPT_MESSAGE where an item's batches are not those that it tells of;
   * KAFKA_STORAGE_ERROR if an object is missing.
   */
  async *write(items: AsyncIterable<LogItem> | Iterable<LogItem>): AsyncGenerator<Uint8Array> {
    for await (const { item, bytes } of this.#readAhead(items)) {
      checkBatches(item, bytes);
      this.#builder.add(bytes);
      if (item.payload.kind === "object") this.#itemObjects.push(item.payload.object.key);
      if (item.expiresAt === undefined) this.#itemsWithoutExpiry++;
      else {
        this.#hotUntil = Math.min(this.#hotUntil ?? Number.POSITIVE_INFINITY, item.expiresAt * 1000);
      }
      yield bytes;
    }
  }

  async *#readAhead(
    items: AsyncIterable<LogItem> | Iterable<LogItem>,
  ): AsyncGenerator<{ readonly item: LogItem; readonly bytes: Uint8Array }> {
    const ahead: { readonly item: LogItem; readonly size: number; readonly bytes: Promise<Uint8Array> }[] = [];
    let bytesAhead = 0;
    let nextOffset = this.#builder.nextOffset;
    const first = async () => {
      const { item, bytes, size: itemSize } = ahead.shift()!;
      bytesAhead -= itemSize;
      return { item, bytes: await bytes };
    };
    for await (const item of items) {
      if (item.payload.kind === "end-of-log") break;
      if (item.baseOffset !== nextOffset) throw corrupt(item, `offset ${nextOffset} comes next`);
      const itemSize = sizeOf(item);
      while (ahead.length >= OBJECTS_AHEAD || (ahead.length > 0 && bytesAhead + itemSize > BYTES_AHEAD))
        yield await first();
      // What is read ahead is not in the builder yet.
      if (!this.#builder.takes(itemSize, item.lastOffset, bytesAhead)) break;
      const bytes = this.#bytesOf(item);
      // It is awaited in its turn: until then a failure is nobody's.
      bytes.catch(() => undefined);
      ahead.push({ item, size: itemSize, bytes });
      bytesAhead += itemSize;
      nextOffset = item.lastOffset + 1;
    }
    while (ahead.length > 0) yield await first();
  }

  async #bytesOf(item: LogItem): Promise<Uint8Array> {
    if (item.payload.kind === "inline") return item.payload.batches;
    if (item.payload.kind === "end-of-log") return new Uint8Array();
    const { key } = item.payload.object;
    const bytes = await this.#read(item.payload.object);
    if (bytes === undefined) throw new KafkaError("KAFKA_STORAGE_ERROR", `object ${key} of the log is missing`);
    rebaseBatches(bytes, item.baseOffset, item.leaderEpoch);
    return bytes;
  }
}

function sizeOf({ payload }: LogItem): number {
  if (payload.kind === "inline") return payload.batches.length;
  return payload.kind === "object" ? payload.object.sizeInBytes : 0;
}

/** A segment must hold just what the item stands for: it is all that is left of it one day. */
function checkBatches(item: LogItem, bytes: Uint8Array): void {
  let next = item.baseOffset;
  for (const { header } of batchHeaders(bytes)) {
    if (header.baseOffset !== next) throw corrupt(item, `a batch begins at ${header.baseOffset}, not at ${next}`);
    if (header.partitionLeaderEpoch !== item.leaderEpoch) throw corrupt(item, "a batch is of another epoch");
    next = header.lastOffset + 1;
  }
  if (next !== item.lastOffset + 1) throw corrupt(item, `its batches end before ${next}, not at ${item.lastOffset}`);
}

function corrupt(item: LogItem, what: string): KafkaError {
  return new KafkaError("CORRUPT_MESSAGE", `the item at offset ${item.baseOffset} is corrupt: ${what}`);
}
