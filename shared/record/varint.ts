import { KafkaError } from "../kafka/kafka-error.ts";

/** Bytes that the zigzag varint of `value` (an integer of 53 bits, sign included) takes. */
export function varintSize(value: number): number {
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1;
  let size = 1;
  while (zigzag >= 0x80) {
    zigzag = Math.floor(zigzag / 128);
    size++;
  }
  return size;
}

/** Writes the zigzag varint of `value` (an integer of 53 bits, sign included) at `at`; answers where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1;
  let end = at;
  // Above 32 bits the bit operators would cut it off.
  while (zigzag >= 0x80000000) {
    bytes[end++] = (zigzag % 128) | 0x80;
    zigzag = Math.floor(zigzag / 128);
  }
  while (zigzag >= 0x80) {
    bytes[end++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  bytes[end++] = zigzag;
  return end;
}

/** Bytes of the longest varint of 32 and of 64 bits. Kafka's readers refuse a longer one, so this one does too. */
const MAX_INT32_BYTES = 5;
const MAX_INT64_BYTES = 10;

/** Reads zigzag varints one after the other. */
export class VarintReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Errors: CORRUPT_MESSAGE past the end, for more than five bytes and for a value of more than 32 bits. */
  nextInt32(): number {
    const { bytes, end, at } = this;
    if (at < end) {
      const only = bytes[at]!;
      if (only < 0x80) {
        this.at = at + 1;
        return (only >>> 1) ^ -(only & 1);
      }
      if (at + 1 < end) {
        const second = bytes[at + 1]!;
        if (second < 0x80) {
          this.at = at + 2;
          const zigzag = (only & 0x7f) | (second << 7);
          return (zigzag >>> 1) ^ -(zigzag & 1);
        }
      }
    }
    const value = this.#long(MAX_INT32_BYTES);
    if ((value | 0) !== value) throw new KafkaError("CORRUPT_MESSAGE", "a varint has more than 32 bits");
    return value;
  }

  /** Errors: CORRUPT_MESSAGE past the end, for more than ten bytes and for a value of more than 53 bits. */
  next(): number {
    const { bytes, end, at } = this;
    if (at < end && bytes[at]! < 0x80) {
      const only = bytes[at]!;
      this.at = at + 1;
      return (only >>> 1) ^ -(only & 1);
    }
    return this.#long(MAX_INT64_BYTES);
  }

  #long(maxBytes: number): number {
    const { bytes, end } = this;
    let at = this.at;
    let zigzag = 0;
    let scale = 1;
    for (let count = 0; count < maxBytes; count++) {
      if (at >= end) throw new KafkaError("CORRUPT_MESSAGE", "a varint is cut off");
      const byte = bytes[at++]!;
      zigzag += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.at = at;
        if (zigzag > Number.MAX_SAFE_INTEGER) break;
        return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      }
      scale *= 128;
    }
    throw new KafkaError("CORRUPT_MESSAGE", "a varint is too large");
  }
}
