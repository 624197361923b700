import { hash } from "node:crypto";

/** A digest of 16 bytes and an offset of 8. */
const SLOT_BYTES = 24;

/** Beyond it probing takes long. */
const LOAD_FACTOR = 0.75;

/** Room for two million keys, twice as many as the largest batch may have. */
export const OFFSET_MAP_BYTES = 64 * 1024 * 1024;

/** Bytes of a map that takes the keys of so many records, whatever they are; at most OFFSET_MAP_BYTES, which may take fewer. */
export function offsetMapBytes(records: number): number {
  return Math.min(OFFSET_MAP_BYTES, (Math.ceil(records / LOAD_FACTOR) + 2) * SLOT_BYTES);
}

/**
 * The last offset of each key in a fixed amount of memory, as Kafka's SkimpyOffsetMap: keys are told apart by 16 bytes of their
 * SHA-256, so that one takes 24 bytes whatever its length. Kafka's MD5 would be as long, but two keys with the same MD5 can
 * be made by anyone, and one of them would be lost; for SHA-256 cut to 128 bits that takes 2^64 attempts.
 */
export class OffsetMap {
  readonly #slots: number;
  readonly #digests: Int32Array;
  /** Offset + 1; 0: the slot is free. */
  readonly #offsets: Float64Array;
  #size = 0;

  constructor(sizeInBytes = OFFSET_MAP_BYTES) {
    this.#slots = Math.floor(sizeInBytes / SLOT_BYTES);
    if (this.#slots < 2) throw new RangeError("an offset map needs room for a key");
    this.#digests = new Int32Array(this.#slots * 4);
    this.#offsets = new Float64Array(this.#slots);
  }

  /** Keys in it. */
  get size(): number {
    return this.#size;
  }

  /** Keys that it takes. */
  get capacity(): number {
    return Math.floor(this.#slots * LOAD_FACTOR);
  }

  /** Keeps the offset for the key, in place of an earlier one. False: the map is full, and the key is not in it. */
  put(key: Uint8Array, offset: number): boolean {
    const digest = digestOf(key);
    const slot = this.#find(digest);
    if (this.#offsets[slot] === 0) {
      if (this.#size >= this.capacity) return false;
      this.#digests.set(digest, slot * 4);
      this.#size++;
    }
    this.#offsets[slot] = offset + 1;
    return true;
  }

  /** The last offset that was put for the key; -1: none. */
  get(key: Uint8Array): number {
    return this.#offsets[this.#find(digestOf(key))]! - 1;
  }

  /** The digest's slot, or the free one where it would go. There always is one: the map is never full to the last slot. */
  #find(digest: Int32Array): number {
    const digests = this.#digests;
    let slot = (digest[0]! >>> 0) % this.#slots;
    for (; this.#offsets[slot] !== 0; slot = slot + 1 === this.#slots ? 0 : slot + 1) {
      const at = slot * 4;
      const isSame =
        digests[at] === digest[0] &&
        digests[at + 1] === digest[1] &&
        digests[at + 2] === digest[2] &&
        digests[at + 3] === digest[3];
      if (isSame) break;
    }
    return slot;
  }
}

function digestOf(key: Uint8Array): Int32Array {
  const bytes = hash("sha256", key, "buffer");
  return Int32Array.of(bytes.readInt32LE(0), bytes.readInt32LE(4), bytes.readInt32LE(8), bytes.readInt32LE(12));
}
