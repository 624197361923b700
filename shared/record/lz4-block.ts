import { KafkaError } from "../kafka/kafka-error.ts";
import { readUint32Le } from "./xxh32.ts";

const MIN_MATCH = 4;
/** The last five bytes are literals, and no match begins in the last twelve (the block format's end conditions). */
const LAST_LITERALS = 5;
const MATCH_LIMIT = 12;
const MAX_DISTANCE = 65_535;
const HASH_BITS = 14;
/** Up to here a loop copies faster than a call does. */
const SHORT_BYTES = 48;

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
    if (literals > SHORT_BYTES) output.set(input.subarray(at, at + literals), to);
    else for (let index = 0; index < literals; index++) output[to + index] = input[at + index]!;
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
    if (length > SHORT_BYTES && distance >= length) output.copyWithin(to, to - distance, to - distance + length);
    else for (let index = 0; index < length; index++) output[to + index] = output[to + index - distance]!;
    to += length;
  }
  return to;
}

/** Where a word was seen last, by its hash; only ever used within one call. */
const positions = new Int32Array(1 << HASH_BITS);

/** Compresses one block on its own; undefined if it would not get smaller. */
export function compressLz4Block(input: Uint8Array): Uint8Array | undefined {
  const output = new Uint8Array(input.length);
  const matchesEnd = input.length - LAST_LITERALS;
  let to = 0;
  let literalsFrom = 0;
  let at = 0;
  positions.fill(-1);
  while (at < input.length - MATCH_LIMIT) {
    const word = readUint32Le(input, at);
    const slot = hash(word);
    let candidate = positions[slot]!;
    positions[slot] = at;
    if (candidate < 0 || at - candidate > MAX_DISTANCE || readUint32Le(input, candidate) !== word) {
      // The longer nothing is found, the longer the steps: noise is passed over quickly.
      at += 1 + ((at - literalsFrom) >>> 6);
      continue;
    }
    let end = at + MIN_MATCH;
    while (end < matchesEnd && input[candidate + end - at] === input[end]) end++;
    while (at > literalsFrom && candidate > 0 && input[at - 1] === input[candidate - 1]) {
      at--;
      candidate--;
    }
    to = writeSequence(output, to, input, literalsFrom, at, at - candidate, end - at);
    if (to < 0) return undefined;
    // What the match steps over is not entered but for its end: a good place for the next one to begin.
    if (end < input.length - MATCH_LIMIT) positions[hash(readUint32Le(input, end - 2))] = end - 2;
    at = end;
    literalsFrom = end;
  }
  to = writeSequence(output, to, input, literalsFrom, input.length, 0, 0);
  return to < 0 ? undefined : output.subarray(0, to);
}

function hash(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
}

/** Writes literals and the match behind them (none of length 0); answers where they end, or -1 if there is no room. */
function writeSequence(
  output: Uint8Array,
  start: number,
  input: Uint8Array,
  from: number,
  end: number,
  distance: number,
  matchLength: number,
): number {
  const literals = end - from;
  const longest = 1 + literals + Math.floor(literals / 255) + 4 + Math.floor(matchLength / 255);
  if (start + longest > output.length) return -1;
  const match = matchLength === 0 ? 0 : matchLength - MIN_MATCH;
  output[start] = (Math.min(literals, 15) << 4) | Math.min(match, 15);
  let to = writeLength(output, start + 1, literals);
  if (literals > SHORT_BYTES) output.set(input.subarray(from, end), to);
  else for (let index = 0; index < literals; index++) output[to + index] = input[from + index]!;
  to += literals;
  if (matchLength === 0) return to;
  output[to++] = distance & 0xff;
  output[to++] = distance >>> 8;
  return writeLength(output, to, match);
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
