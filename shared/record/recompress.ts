import type { BatchHeader, CompressionType } from "./batch-header.ts";
import { decodeRecords } from "./decode-batch.ts";
import { encodeBatch } from "./encode-batch.ts";

/** The same records in another compression; offsets, timestamps and the producer's fields stay. */
export function recompress(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  compressionType: CompressionType,
): Uint8Array {
  const { baseOffset, partitionLeaderEpoch, producerId, producerEpoch, baseSequence } = header;
  return encodeBatch(decodeRecords(bytes, at, header), {
    baseOffset,
    partitionLeaderEpoch,
    compressionType,
    producerId,
    producerEpoch,
    baseSequence,
  });
}
