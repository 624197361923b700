import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { KafkaError } from "../kafka/kafka-error.ts";
import type { CompressionType } from "./batch-header.ts";
import { tooLarge } from "./decompression-limit.ts";
import { compressLz4Frame, decompressLz4Frame } from "./lz4-frame.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";

/** Compresses the records of a batch. `none` gives them back as they are. */
export function compress(type: CompressionType, bytes: Uint8Array): Uint8Array {
  if (type === "gzip") return gzipSync(bytes);
  if (type === "snappy") return compressSnappy(bytes);
  if (type === "lz4") return compressLz4Frame(bytes);
  if (type === "zstd") return zstdCompressSync(bytes);
  return bytes;
}

/**
 * Decompresses the records of a batch, to `maxBytes` at most. Errors: MESSAGE_TOO_LARGE beyond that, found before the
 * memory is taken; CORRUPT_MESSAGE for anything that does not decompress.
 */
export function decompress(type: CompressionType, bytes: Uint8Array, maxBytes: number): Uint8Array {
  try {
    if (type === "gzip") return gunzipSync(bytes, { maxOutputLength: maxBytes });
    if (type === "zstd") {
      // The window that a frame may ask for is bounded too: 2^26 bytes at most.
      return zstdDecompressSync(bytes, { maxOutputLength: maxBytes, params: { [constants.ZSTD_d_windowLogMax]: 26 } });
    }
    if (type === "snappy") return decompressSnappy(bytes, maxBytes);
    if (type === "lz4") return decompressLz4Frame(bytes, maxBytes);
    return bytes;
  } catch (error) {
    if (error instanceof KafkaError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(maxBytes);
    throw new KafkaError("CORRUPT_MESSAGE", `the records are not valid ${type}`, { cause: error });
  }
}
