import { KafkaError } from "../kafka/kafka-error.ts";
import { tooLarge } from "./decompression-limit.ts";
import { compressLz4Block, decompressLz4Block } from "./lz4-block.ts";
import { readUint32Le, xxh32 } from "./xxh32.ts";

/** Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */
const MAGIC = 0x184d2204;
const VERSION_1 = 0x40;
const INDEPENDENT_BLOCKS = 0x20;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY_ID = 0x01;
const STORED_BIT = 0x80000000;

/** Block size 64 KiB, by its code in the BD byte: what Kafka's clients write. */
const BLOCK_SIZE_CODE = 4;
const BLOCK_BYTES = 64 * 1024;

/** One frame of independent blocks, without checksums but the header's: what the Java client writes. */
export function compressLz4Frame(bytes: Uint8Array): Uint8Array {
  const descriptor = Uint8Array.of(VERSION_1 | INDEPENDENT_BLOCKS, BLOCK_SIZE_CODE << 4);
  const parts: Uint8Array[] = [uint32Le(MAGIC), descriptor, Uint8Array.of((xxh32(descriptor) >>> 8) & 0xff)];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    const compressed = compressLz4Block(block);
    if (compressed === undefined) parts.push(uint32Le((block.length | STORED_BIT) >>> 0), block);
    else parts.push(uint32Le(compressed.length), compressed);
  }
  parts.push(uint32Le(0));
  return Buffer.concat(parts);
}

/** Whether the frame's blocks reach back into each other: Kafka's own reader refuses such a frame. */
export function hasDependentBlocks(frame: Uint8Array): boolean {
  return (frame[4]! & INDEPENDENT_BLOCKS) === 0;
}

/** Decompresses one frame, of independent or of dependent blocks. Errors: CORRUPT_MESSAGE, MESSAGE_TOO_LARGE. */
export function decompressLz4Frame(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length < 7 || readUint32Le(bytes, 0) !== MAGIC) throw corrupt("no lz4 frame begins there");
  const flags = bytes[4]!;
  const blockSizeCode = (bytes[5]! >>> 4) & 7;
  if ((flags & 0xc0) !== VERSION_1 || blockSizeCode < 4 || flags & DICTIONARY_ID)
    throw corrupt("its lz4 frame is unknown");
  const headerEnd = 6 + (flags & CONTENT_SIZE ? 8 : 0);
  if (bytes.length <= headerEnd) throw corrupt("its lz4 frame is cut off");
  if (bytes[headerEnd] !== ((xxh32(bytes.subarray(4, headerEnd)) >>> 8) & 0xff))
    throw corrupt("its lz4 header checksum is wrong");
  const blockBytes = 1 << (8 + 2 * blockSizeCode);
  const output = new GrowingOutput(maxBytes, blockBytes);
  let at = headerEnd + 1;
  for (;;) {
    if (at + 4 > bytes.length) throw corrupt("its lz4 frame has no end");
    const word = readUint32Le(bytes, at);
    at += 4;
    if (word === 0) break;
    const length = word & 0x7fffffff;
    if (length > blockBytes || at + length > bytes.length) throw corrupt("an lz4 block is cut off");
    const block = bytes.subarray(at, at + length);
    at += length;
    if (flags & BLOCK_CHECKSUM) {
      if (at + 4 > bytes.length || readUint32Le(bytes, at) !== xxh32(block))
        throw corrupt("an lz4 block checksum is wrong");
      at += 4;
    }
    if (word & STORED_BIT) output.append(block);
    else output.decompress(block, Math.min(blockBytes, length * 255), !(flags & INDEPENDENT_BLOCKS));
  }
  const content = output.content();
  if (flags & CONTENT_SIZE && (readUint32Le(bytes, 6) !== content.length || readUint32Le(bytes, 10) !== 0)) {
    throw corrupt("its lz4 content size is wrong");
  }
  if (flags & CONTENT_CHECKSUM && (at + 4 > bytes.length || readUint32Le(bytes, at) !== xxh32(content))) {
    throw corrupt("its lz4 content checksum is wrong");
  }
  return content;
}

/** The decompressed bytes so far; grows block by block, so that memory follows what is really there. */
class GrowingOutput {
  readonly #maxBytes: number;
  /** Room for all that may be kept and for the block that is found to be too much: beyond it nothing ever grows. */
  readonly #maxRoom: number;
  #bytes = new Uint8Array(BLOCK_BYTES);
  #length = 0;

  constructor(maxBytes: number, blockBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxRoom = maxBytes + blockBytes;
  }

  append(block: Uint8Array): void {
    this.#reserve(block.length);
    this.#bytes.set(block, this.#length);
    this.#grow(this.#length + block.length);
  }

  decompress(block: Uint8Array, atMost: number, dependsOnEarlier: boolean): void {
    this.#reserve(atMost);
    const from = dependsOnEarlier ? 0 : this.#length;
    const end = decompressLz4Block(block, this.#bytes.subarray(from, this.#length + atMost), this.#length - from);
    this.#grow(from + end);
  }

  content(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(length: number): void {
    if (length > this.#maxBytes) throw tooLarge(this.#maxBytes);
    this.#length = length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const doubled = Math.min(this.#bytes.length * 2, this.#maxRoom);
    const larger = new Uint8Array(Math.max(this.#length + more, doubled));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function uint32Le(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

function corrupt(message: string): KafkaError {
  return new KafkaError("CORRUPT_MESSAGE", message);
}
