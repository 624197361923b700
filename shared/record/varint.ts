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

/**
 * Reads zigzag varints one after the other. Errors: CORRUPT_MESSAGE past the end, for more than ten bytes, and for a
 * value of more than 53 bits.
 */
export class VarintReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  next(): number {
    const { bytes, end } = this;
    let at = this.at;
    if (at < end && bytes[at]! < 0x80) {
      const only = bytes[at]!;
      this.at = at + 1;
      return (only >>> 1) ^ -(only & 1);
    }
    let zigzag = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
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
