import { type BatchHeader, COMPRESSION_TYPES, type CompressionType } from "./batch-header.ts";
import { compress, decompress } from "./compression.ts";
import { crc32c } from "./crc32c.ts";
import { MAX_DECOMPRESSED_BYTES } from "./decompression-limit.ts";
import { readInt16, writeInt16, writeInt32 } from "./int64.ts";
import { AT, COMPRESSION_MASK, CRC_FROM, LOG_OVERHEAD, RECORD_BATCH_OVERHEAD } from "./layout.ts";

/**
 * The batch at `at` in another compression, with another CRC for it; all else stays, byte for byte.
 * Errors: CORRUPT_MESSAGE and MESSAGE_TOO_LARGE, as decompressing has them.
 */
export function recompress(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  compressionType: CompressionType,
): Uint8Array {
  const head = bytes.subarray(at, at + RECORD_BATCH_OVERHEAD);
  const payload = bytes.subarray(at + RECORD_BATCH_OVERHEAD, at + header.sizeInBytes);
  const records = decompress(header.compressionType, payload, MAX_DECOMPRESSED_BYTES);
  const batch = Buffer.concat([head, compress(compressionType, records)]);
  const attributes = readInt16(batch, AT.attributes) & ~COMPRESSION_MASK;
  writeInt16(batch, AT.attributes, attributes | COMPRESSION_TYPES.indexOf(compressionType));
  writeInt32(batch, AT.batchLength, batch.length - LOG_OVERHEAD);
  writeInt32(batch, AT.crc, crc32c(batch, CRC_FROM));
  return batch;
}
