import { KafkaError } from "../kafka/kafka-error.ts";
import type { CompressionType } from "./batch-header.ts";
import { tooLarge } from "./decompression-limit.ts";
import { compressGzip, decompressGzip } from "./gzip.ts";
import { compressLz4Frame, decompressLz4Frame } from "./lz4-frame.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";
import { compressZstd, decompressZstd } from "./zstd.ts";

interface Codec {
  compress(bytes: Uint8Array): Uint8Array;
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array;
}

const CODECS: Readonly<Record<CompressionType, Codec>> = {
  none: { compress: (bytes) => bytes, decompress: (bytes) => bytes },
  gzip: { compress: compressGzip, decompress: decompressGzip },
  snappy: { compress: compressSnappy, decompress: decompressSnappy },
  lz4: { compress: compressLz4Frame, decompress: decompressLz4Frame },
  zstd: { compress: compressZstd, decompress: decompressZstd },
};

/** Compresses the records of a batch. `none` gives them back as they are. */
export function compress(type: CompressionType, bytes: Uint8Array): Uint8Array {
  return CODECS[type].compress(bytes);
}

/**
 * Decompresses the records of a batch, to `maxBytes` at most. Errors: MESSAGE_TOO_LARGE beyond that, found before the
 * memory is taken; CORRUPT_MESSAGE for anything that does not decompress.
 */
export function decompress(type: CompressionType, bytes: Uint8Array, maxBytes: number): Uint8Array {
  try {
    return CODECS[type].decompress(bytes, maxBytes);
  } catch (error) {
    if (error instanceof KafkaError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(maxBytes);
    throw new KafkaError("CORRUPT_MESSAGE", `the records are not valid ${type}`, { cause: error });
  }
}
