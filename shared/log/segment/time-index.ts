import { readInt32, readInt64, writeInt32, writeInt64 } from "../../record/int64.ts";
import { EntryBuffer } from "./entry-buffer.ts";
import { corruptIndex, lastEntry } from "./offset-index.ts";

/** A timestamp, int64, and a relative offset, int32. Source: org.apache.kafka.storage.internals.log.TimeIndex */
export const TIME_INDEX_ENTRY_BYTES = 12;

const NO_TIMESTAMP = -1;

/** Writes a segment's `.timeindex`: the largest timestamp so far, and the last offset of the batch that has it. */
export class TimeIndexWriter {
  readonly #baseOffset: number;
  readonly #entries = new EntryBuffer();
  #lastTimestamp = NO_TIMESTAMP;

  constructor(baseOffset: number) {
    this.#baseOffset = baseOffset;
  }

  get sizeInBytes(): number {
    return this.#entries.length;
  }

  /** Adds an entry if the timestamp rose since the last one. */
  addIfRisen(timestamp: number, lastOffset: number): void {
    if (timestamp <= this.#lastTimestamp) return;
    const { bytes, at } = this.#entries.extend(TIME_INDEX_ENTRY_BYTES);
    writeInt64(bytes, at, timestamp);
    writeInt32(bytes, at + 8, lastOffset - this.#baseOffset);
    this.#lastTimestamp = timestamp;
  }

  written(): Uint8Array {
    return this.#entries.written();
  }
}

/** A segment's `.timeindex`, read. */
export class TimeIndex {
  readonly #baseOffset: number;
  readonly #bytes: Uint8Array;
  readonly entryCount: number;

  /** Errors: KAFKA_STORAGE_ERROR for bytes that are no index. */
  constructor(baseOffset: number, bytes: Uint8Array) {
    if (bytes.length % TIME_INDEX_ENTRY_BYTES !== 0) throw corruptIndex("time", `it has ${bytes.length} bytes`);
    this.#baseOffset = baseOffset;
    this.#bytes = bytes;
    this.entryCount = bytes.length / TIME_INDEX_ENTRY_BYTES;
    for (let entry = 1; entry < this.entryCount; entry++) {
      if (this.timestamp(entry) > this.timestamp(entry - 1) && this.offset(entry) > this.offset(entry - 1)) continue;
      throw corruptIndex("time", `entry ${entry} does not rise`);
    }
  }

  /** Milliseconds since the epoch. */
  timestamp(entry: number): number {
    return readInt64(this.#bytes, entry * TIME_INDEX_ENTRY_BYTES);
  }

  /** The last offset of the batch in which that timestamp was first reached. */
  offset(entry: number): number {
    return this.#baseOffset + readInt32(this.#bytes, entry * TIME_INDEX_ENTRY_BYTES + 8);
  }

  /** The first entry with a timestamp >= `timestamp`; entryCount: none. */
  entryAtOrAfter(timestamp: number): number {
    return lastEntry(this.entryCount, (entry) => this.timestamp(entry) < timestamp) + 1;
  }
}
