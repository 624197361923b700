import snappy from "snappyjs";
import { KafkaError } from "../kafka/kafka-error.ts";
import { readInt32, writeInt32 } from "./int64.ts";
import { decompressSnappyBlock } from "./snappy-block.ts";

/** What snappy-java's SnappyOutputStream writes before its blocks: a magic, its version and the oldest compatible one. */
const XERIAL_HEADER = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1);
const XERIAL_MAGIC_BYTES = 8;
const XERIAL_BLOCK_BYTES = 32 * 1024;

/** Compresses into xerial framing, as the Java client does and every Kafka client reads. */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [XERIAL_HEADER];
  for (let at = 0; at < bytes.length; at += XERIAL_BLOCK_BYTES) {
    const block = snappy.compress(bytes.subarray(at, at + XERIAL_BLOCK_BYTES));
    const length = new Uint8Array(4);
    writeInt32(length, 0, block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

/** Decompresses a bare snappy block or xerial framing. Errors: CORRUPT_MESSAGE, MESSAGE_TOO_LARGE. */
export function decompressSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const isXerial = XERIAL_HEADER.subarray(0, XERIAL_MAGIC_BYTES).every((byte, index) => bytes[index] === byte);
  if (!isXerial) return decompressSnappyBlock(bytes, maxBytes);
  if (bytes.length < XERIAL_HEADER.length) throw new KafkaError("CORRUPT_MESSAGE", "its xerial header is cut off");
  const parts: Uint8Array[] = [];
  let sizeInBytes = 0;
  let at = XERIAL_HEADER.length;
  while (at < bytes.length) {
    const length = at + 4 <= bytes.length ? readInt32(bytes, at) : -1;
    at += 4;
    if (length <= 0 || at + length > bytes.length) throw new KafkaError("CORRUPT_MESSAGE", "a snappy block is cut off");
    const block = decompressSnappyBlock(bytes.subarray(at, at + length), maxBytes - sizeInBytes);
    // Blocks that hold nothing would pile up, five bytes each.
    if (block.length > 0) parts.push(block);
    sizeInBytes += block.length;
    at += length;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
