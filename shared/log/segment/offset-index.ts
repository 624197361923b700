import { KafkaError } from "../../kafka/kafka-error.ts";
import { readInt32, writeInt32 } from "../../record/int64.ts";
import { EntryBuffer } from "./entry-buffer.ts";

/** A relative offset and a position, int32 each. Source: org.apache.kafka.storage.internals.log.OffsetIndex */
export const OFFSET_INDEX_ENTRY_BYTES = 8;

/** Writes a segment's `.index`: for some of its batches, their last offset and where they begin. */
export class OffsetIndexWriter {
  readonly #baseOffset: number;
  readonly #entries = new EntryBuffer();

  constructor(baseOffset: number) {
    this.#baseOffset = baseOffset;
  }

  get sizeInBytes(): number {
    return this.#entries.length;
  }

  /** Both rise from entry to entry. */
  add(lastOffset: number, position: number): void {
    const { bytes, at } = this.#entries.extend(OFFSET_INDEX_ENTRY_BYTES);
    writeInt32(bytes, at, lastOffset - this.#baseOffset);
    writeInt32(bytes, at + 4, position);
  }

  written(): Uint8Array {
    return this.#entries.written();
  }
}

/** A segment's `.index`, read. The bytes are kept as they are: two MiB of them for a GiB of small batches. */
export class OffsetIndex {
  readonly #baseOffset: number;
  readonly #bytes: Uint8Array;
  readonly entryCount: number;

  /** Errors: KAFKA_STORAGE_ERROR for bytes that are no index. */
  constructor(baseOffset: number, bytes: Uint8Array) {
    if (bytes.length % OFFSET_INDEX_ENTRY_BYTES !== 0) throw corruptIndex("offset", `it has ${bytes.length} bytes`);
    this.#baseOffset = baseOffset;
    this.#bytes = bytes;
    this.entryCount = bytes.length / OFFSET_INDEX_ENTRY_BYTES;
    for (let entry = 1; entry < this.entryCount; entry++) {
      if (this.offset(entry) > this.offset(entry - 1) && this.position(entry) > this.position(entry - 1)) continue;
      throw corruptIndex("offset", `entry ${entry} does not rise`);
    }
  }

  /** The last offset of the batch that the entry points to. */
  offset(entry: number): number {
    return this.#baseOffset + readInt32(this.#bytes, entry * OFFSET_INDEX_ENTRY_BYTES);
  }

  /** Where that batch begins. */
  position(entry: number): number {
    return readInt32(this.#bytes, entry * OFFSET_INDEX_ENTRY_BYTES + 4);
  }

  /** The last entry with an offset <= `offset`; -1: none. */
  entryAtOrBelow(offset: number): number {
    return lastEntry(this.entryCount, (entry) => this.offset(entry) <= offset);
  }

  /** The last entry with a position <= `position`; -1: none. */
  entryAtOrBefore(position: number): number {
    return lastEntry(this.entryCount, (entry) => this.position(entry) <= position);
  }
}

/** The last of `count` entries that `holds` for, where it holds for the first ones and for no later ones; -1: none. */
export function lastEntry(count: number, holds: (entry: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function corruptIndex(kind: string, what: string): KafkaError {
  return new KafkaError("KAFKA_STORAGE_ERROR", `a segment's ${kind} index is corrupt: ${what}`, {
    hint: "restore the segment's objects from a backup of the bucket",
  });
}
