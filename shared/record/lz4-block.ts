import { KafkaError } from "../kafka/kafka-error.ts";
import { readUint32Le } from "./xxh32.ts";

const MIN_MATCH = 4;
/** The last five bytes are literals, and no match begins in the last twelve (the block format's end conditions). */
const LAST_LITERALS = 5;
const MATCH_LIMIT = 12;
const MAX_DISTANCE = 65_535;
const HASH_BITS = 14;

/**
 * Decompresses one LZ4 block into `output` from `start` on; answers where it ends. Matches may reach back to before
 * `start` (blocks that depend on the ones before them). Errors: CORRUPT_MESSAGE; never writes past `output`.
 * Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
export function decompressLz4Block(input: Uint8Array, output: Uint8Array, start: number): number {
  let at = 0;
  let to = start;
  while (at < input.length) {
    const token = input[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= input.length) throw corrupt();
        more = input[at++]!;
        literals += more;
      }
    }
    if (at + literals > input.length || to + literals > output.length) throw corrupt();
    output.set(input.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at === input.length) return to;
    if (at + 2 > input.length) throw corrupt();
    const distance = input[at]! | (input[at + 1]! << 8);
    at += 2;
    let length = (token & 15) + MIN_MATCH;
    if ((token & 15) === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= input.length) throw corrupt();
        more = input[at++]!;
        length += more;
      }
    }
    if (distance === 0 || distance > to || to + length > output.length) throw corrupt();
    if (distance >= length) output.copyWithin(to, to - distance, to - distance + length);
    else for (let index = 0; index < length; index++) output[to + index] = output[to + index - distance]!;
    to += length;
  }
  return to;
}

/** Compresses one block on its own; undefined if it would not get smaller. */
export function compressLz4Block(input: Uint8Array): Uint8Array | undefined {
  const output = new Uint8Array(input.length);
  const positions = new Int32Array(1 << HASH_BITS).fill(-1);
  let to = 0;
  let literalsFrom = 0;
  let at = 0;
  const emit = (literalsTo: number, distance: number, matchLength: number): boolean => {
    const literals = literalsTo - literalsFrom;
    if (to + 1 + literals + Math.floor(literals / 255) + 3 + Math.floor(matchLength / 255) + 1 > output.length)
      return false;
    const tokenAt = to++;
    output[tokenAt] = Math.min(literals, 15) << 4;
    to = writeLength(output, to, literals);
    output.set(input.subarray(literalsFrom, literalsTo), to);
    to += literals;
    if (matchLength === 0) return true;
    output[to++] = distance & 0xff;
    output[to++] = distance >>> 8;
    output[tokenAt]! |= Math.min(matchLength - MIN_MATCH, 15);
    to = writeLength(output, to, matchLength - MIN_MATCH);
    return true;
  };
  while (at < input.length - MATCH_LIMIT) {
    const word = readUint32Le(input, at);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const candidate = positions[slot]!;
    positions[slot] = at;
    if (candidate < 0 || at - candidate > MAX_DISTANCE || readUint32Le(input, candidate) !== word) {
      at++;
      continue;
    }
    let length = MIN_MATCH;
    while (at + length < input.length - LAST_LITERALS && input[candidate + length] === input[at + length]) length++;
    if (!emit(at, at - candidate, length)) return undefined;
    at += length;
    literalsFrom = at;
  }
  return emit(input.length, 0, 0) ? output.subarray(0, to) : undefined;
}

function writeLength(output: Uint8Array, at: number, length: number): number {
  if (length < 15) return at;
  let to = at;
  let rest = length - 15;
  for (; rest >= 255; rest -= 255) output[to++] = 255;
  output[to++] = rest;
  return to;
}

function corrupt(): KafkaError {
  return new KafkaError("CORRUPT_MESSAGE", "an lz4 block is not valid");
}
