import { gunzipSync, gzipSync } from "node:zlib";

/** Compresses at the level that the Java client takes (zlib's default, 6). */
export function compressGzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes);
}

/** Errors: zlib's own. */
export function decompressGzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return gunzipSync(bytes, { maxOutputLength: maxBytes });
}
