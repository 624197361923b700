import { KafkaError } from "../kafka/kafka-error.ts";
import { tooLarge } from "./decompression-limit.ts";

/** No element yields more per byte: a copy of 64 bytes takes three. A larger claim is a lie, and its memory is not taken. */
const MAX_YIELD_PER_BYTE = 22;

/**
 * Decompresses one bare snappy block. Refuses one that yields more or fewer bytes than it claims, as snappy-java does:
 * snappyjs fills them up with zeros. Errors: CORRUPT_MESSAGE; MESSAGE_TOO_LARGE beyond `maxBytes`, found before the memory is taken.
 * Format: https://github.com/google/snappy/blob/main/format_description.txt
 */
export function decompressSnappyBlock(input: Uint8Array, maxBytes: number): Uint8Array {
  const { claimed, blockAt } = readClaim(input);
  if (claimed > maxBytes) throw tooLarge(maxBytes);
  if (claimed > input.length * MAX_YIELD_PER_BYTE) throw corrupt();
  const output = new Uint8Array(claimed);
  let at = blockAt;
  let to = 0;
  while (at < input.length) {
    const tag = input[at++]!;
    const kind = tag & 3;
    let length = (tag >>> 2) + 1;
    if (kind === 0) {
      if (length > 60) {
        const lengthBytes = length - 60;
        length = readLittleEndian(input, at, lengthBytes) + 1;
        at += lengthBytes;
      }
      if (at + length > input.length || to + length > claimed) throw corrupt();
      if (length > 16) output.set(input.subarray(at, at + length), to);
      else for (let index = 0; index < length; index++) output[to + index] = input[at + index]!;
      at += length;
    } else {
      const distanceBytes = kind === 3 ? 4 : kind;
      let distance = readLittleEndian(input, at, distanceBytes);
      at += distanceBytes;
      if (kind === 1) {
        length = ((tag >>> 2) & 7) + 4;
        distance |= (tag >>> 5) << 8;
      }
      if (distance === 0 || distance > to || to + length > claimed) throw corrupt();
      for (let index = 0; index < length; index++) output[to + index] = output[to + index - distance]!;
    }
    to += length;
  }
  if (to !== claimed) throw corrupt();
  return output;
}

/** The length that the block claims to yield: a varint, not zigzag, of 32 bits. */
function readClaim(input: Uint8Array): { claimed: number; blockAt: number } {
  let claimed = 0;
  for (let index = 0; index < 5 && index < input.length; index++) {
    const byte = input[index]!;
    claimed += (byte & 0x7f) * 128 ** index;
    if (byte < 0x80) return { claimed, blockAt: index + 1 };
  }
  throw corrupt();
}

function readLittleEndian(input: Uint8Array, at: number, byteCount: number): number {
  if (at + byteCount > input.length) throw corrupt();
  let value = 0;
  for (let index = byteCount - 1; index >= 0; index--) value = value * 256 + input[at + index]!;
  return value;
}

function corrupt(): KafkaError {
  return new KafkaError("CORRUPT_MESSAGE", "a snappy block is not valid");
}
