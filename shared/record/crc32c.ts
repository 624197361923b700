import { type Fold, MIN_FOLD_BYTES, makeFold } from "./crc32c-fold.ts";

/**
 * Slicing-by-16 tables, one behind the other, for the Castagnoli polynomial, reflected: 0x82f63b78 (RFC 3720, appendix
 * B.4). Table s tells what a byte comes to s bytes further on.
 */
const TABLES = makeTables();
const SLICES = 16;

function makeTables(): Int32Array {
  const tables = new Int32Array(16 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!;
    tables[at] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}

/**
 * Long data go through the fold, several times as fast; but it takes more than a millisecond to set up, which a process
 * earns back only over some megabytes.
 */
const FOLD_AFTER_BYTES = 8 * 1024 * 1024;
let longBytes = 0;
let fold: Fold | undefined;

/** CRC-32C of bytes [start, end), as an unsigned 32-bit number: what a RecordBatch v2 carries. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start;
  if (length < MIN_FOLD_BYTES) return ~update(-1, bytes, start, end) >>> 0;
  longBytes += length;
  if (fold === undefined && longBytes >= FOLD_AFTER_BYTES) {
    // Where there are no vectors, it is asked for once more after as many bytes.
    longBytes = 0;
    fold = makeFold();
  }
  return ~(fold === undefined ? update(-1, bytes, start, end) : fold(-1, bytes, start, end, update)) >>> 0;
}

/** Goes on with a CRC. Reads words of four bytes, lowest first, as every platform of Node.js has them. */
function update(begun: number, bytes: Uint8Array, start: number, end: number): number {
  let crc = begun;
  let at = start;
  while (at < end && ((bytes.byteOffset + at) & 3) !== 0) crc = next(crc, bytes[at++]!);
  const wordCount = ((end - at) >>> 2) & ~3;
  // Without a word there need not be a place that words could begin at.
  if (wordCount > 0) crc = updateWords(crc, new Int32Array(bytes.buffer, bytes.byteOffset + at, wordCount));
  at += wordCount * 4;
  while (at < end) crc = next(crc, bytes[at++]!);
  return crc;
}

/** Goes on over words, in fours. */
function updateWords(begun: number, words: Int32Array): number {
  let crc = begun;
  for (let index = 0; index < words.length; index += SLICES / 4) {
    const b = words[index + 1]!;
    const c = words[index + 2]!;
    const d = words[index + 3]!;
    // What does not depend on the CRC so far comes first: only the last four look-ups wait for the round before.
    const later =
      TABLES[2816 + (b & 255)]! ^
      TABLES[2560 + ((b >>> 8) & 255)]! ^
      TABLES[2304 + ((b >>> 16) & 255)]! ^
      TABLES[2048 + (b >>> 24)]! ^
      TABLES[1792 + (c & 255)]! ^
      TABLES[1536 + ((c >>> 8) & 255)]! ^
      TABLES[1280 + ((c >>> 16) & 255)]! ^
      TABLES[1024 + (c >>> 24)]! ^
      TABLES[768 + (d & 255)]! ^
      TABLES[512 + ((d >>> 8) & 255)]! ^
      TABLES[256 + ((d >>> 16) & 255)]! ^
      TABLES[d >>> 24]!;
    const a = words[index]! ^ crc;
    const low = TABLES[3840 + (a & 255)]! ^ TABLES[3584 + ((a >>> 8) & 255)]!;
    const high = TABLES[3328 + ((a >>> 16) & 255)]! ^ TABLES[3072 + (a >>> 24)]!;
    crc = later ^ low ^ high;
  }
  return crc;
}

function next(crc: number, byte: number): number {
  return TABLES[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
}
