import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { KafkaError } from "../kafka/kafka-error.ts";

/** The largest window that a frame may ask memory for: 2^26 bytes, far beyond what Kafka's levels use. */
const MAX_WINDOW_LOG = 26;

/** Compresses into one frame, at the level that the Java client takes (3). */
export function compressZstd(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes);
}

/**
 * Decompresses one frame. Bytes behind it are refused: node:zlib ignores them, where Kafka's consumers stumble over them.
 * Errors: CORRUPT_MESSAGE for those, else zlib's own.
 */
export function decompressZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const options = {
    maxOutputLength: maxBytes,
    params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
    info: true,
  };
  // The types do not know what `info` answers: https://nodejs.org/docs/latest-v24.x/api/zlib.html#class-options
  const decompressed: unknown = zstdDecompressSync(bytes, options);
  const { buffer, engine } = decompressed as { buffer: Buffer; engine: { bytesWritten: number } };
  if (engine.bytesWritten !== bytes.length) throw new KafkaError("CORRUPT_MESSAGE", "bytes follow the zstd frame");
  return buffer;
}
