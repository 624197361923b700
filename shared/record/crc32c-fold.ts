/**
 * x^680 and x^122 + x^80 + x^19 + x^3 + 1 are the same modulo the Castagnoli polynomial; their eighth powers are, too. So a
 * byte may be struck out if it is added (xor) to the bytes 680, 677, 661, 600 and 558 places further on: long data folds
 * into its last 680 bytes without a table, sixteen bytes at a time. The idea is Chorba's (S. Russell, arXiv:2412.16398); the
 * terms are the shortest found for this polynomial that read no byte within 512 of its writing.
 */
const DISTANCES = [680, 677, 661, 600, 558];

/** Bytes that one round folds; memory must hold them and as much again for their last bytes. */
const ROUND_BYTES = 32 * 1024;
const VECTOR_BYTES = 16;
const VECTORS_PER_LOOP = 4;
const LOOP_BYTES = VECTORS_PER_LOOP * VECTOR_BYTES;

/** Where the data begin; before them stand zeros, which the first bytes read. */
const DATA_AT = 704;
/** How far behind its place the data's end is kept while the bytes before it are added to zeros in that place. */
const END_DISTANCE = 64 * 1024;
const MEMORY_PAGES = 2;

/** Shorter data are not worth it. */
export const MIN_FOLD_BYTES = 2 * 1024;

/** Goes on with a CRC (neither inverted before nor after) over bytes [start, end). */
type Update = (crc: number, bytes: Uint8Array, start: number, end: number) => number;

/** An update of at least MIN_FOLD_BYTES, round by round; `update` takes what a round leaves. */
export type Fold = (crc: number, bytes: Uint8Array, start: number, end: number, update: Update) => number;

/** The part of WebAssembly that is used: its types stand in the DOM's library, which is not for Node.js. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: { xorInto: XorInto; memory: { buffer: ArrayBuffer } } };
};
type XorInto = (from: number, to: number, distance: number) => void;

/** Makes the fold; undefined where the platform runs no vectors, and tables must do. */
export function makeFold(): Fold | undefined {
  const bytes = moduleBytes();
  if (!WebAssembly.validate(bytes)) return undefined;
  const { xorInto, memory: folding } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  const memory = new Uint8Array(folding.buffer);
  return (crc, bytes, start, end, update) => {
    let state = crc;
    let at = start;
    while (at < end) {
      // The last round must not be too short to fold, so the one before leaves it enough.
      const left = end - at;
      const size = left <= ROUND_BYTES ? left : Math.min(ROUND_BYTES, left - MIN_FOLD_BYTES);
      const folded = Math.floor((size - DISTANCES[0]!) / LOOP_BYTES) * LOOP_BYTES;
      const rest = size - folded;
      const restAt = DATA_AT + folded;
      memory.set(bytes.subarray(at, at + folded), DATA_AT);
      memory.fill(0, restAt, restAt + rest + LOOP_BYTES);
      memory.set(bytes.subarray(at + folded, at + size), restAt + END_DISTANCE);
      for (let index = 0; index < 4; index++) memory[DATA_AT + index]! ^= state >>> (8 * index);
      xorInto(0, folded, 0);
      xorInto(folded, size, END_DISTANCE);
      state = update(0, memory, restAt + END_DISTANCE, restAt + END_DISTANCE + rest);
      at += size;
    }
    return state;
  };
}

/**
 * The module, assembled: `xorInto(from, to, distance)` adds, for each vector in [from, to), the five vectors before it to
 * the one `distance` behind it. Format: https://webassembly.github.io/spec/core/binary/
 */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const get = (local: number) => [0x20, local];
  const place = [...get(0), ...get(2), 0x6a];
  const load = (offset: number) => [0xfd, 0x00, 0, ...leb128(offset)];
  const store = (offset: number) => [0xfd, 0x0b, 0, ...leb128(offset)];
  const xor = [0xfd, 0x51];
  const vectors = Array.from({ length: VECTORS_PER_LOOP }, (_, index) => {
    const at = DATA_AT + index * VECTOR_BYTES;
    const sources = DISTANCES.flatMap((distance) => [...get(0), ...load(at - distance), ...xor]);
    return [...place, ...place, ...load(at), ...sources, ...store(at)];
  }).flat();
  const advance = [...get(0), 0x41, ...leb128(LOOP_BYTES), 0x6a, 0x22, 0, ...get(1), 0x49, 0x0d, 0];
  const code = [0, 0x03, 0x40, ...vectors, ...advance, 0x0b, 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, MEMORY_PAGES]),
    ...section(7, [2, ...name("xorInto"), 0, 0, ...name("memory"), 2, 0]),
    ...section(10, [1, ...leb128(code.length), ...code]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb128(content.length), ...content];
}

function name(text: string): number[] {
  return [text.length, ...new TextEncoder().encode(text)];
}

/** LEB128 of a number below 2^14, whose sign bit (should the reader take one) stays clear. */
function leb128(value: number): number[] {
  return [(value & 0x7f) | 0x80, (value >>> 7) & 0x7f];
}
