import { KafkaError } from "../../kafka/kafka-error.ts";
import { readInt32 } from "../../record/int64.ts";
import { LOG_OVERHEAD, RECORD_BATCH_OVERHEAD } from "../../record/layout.ts";

/**
 * Bytes of the whole batches that `bytes` begins with: a range of a segment may end within a batch. `bytes` begins where a batch
 * does. Errors: CORRUPT_MESSAGE for a batch that claims less than a header.
 */
export function wholeBatchesLength(bytes: Uint8Array): number {
  let at = 0;
  for (let next = batchEnd(bytes, at); next <= bytes.length; next = batchEnd(bytes, at)) at = next;
  return at;
}

/** Where the batch at `at` ends; beyond all bytes if not even its length is there. */
export function batchEnd(bytes: Uint8Array, at: number): number {
  if (at + LOG_OVERHEAD > bytes.length) return Number.POSITIVE_INFINITY;
  const sizeInBytes = readInt32(bytes, at + 8) + LOG_OVERHEAD;
  if (sizeInBytes < RECORD_BATCH_OVERHEAD) throw corrupt(`a batch claims ${sizeInBytes} bytes`);
  return at + sizeInBytes;
}

/**
 * The same bytes, cut where batches end: for reading a segment range by range. Holds one chunk and the batch that is cut in
 * two. Errors: CORRUPT_MESSAGE for bytes left over at the end, and for a batch of more than `maxBatchBytes`.
 */
export async function* wholeBatches(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBatchBytes: number,
): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let neededBytes = 0;
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    pending.push(chunk);
    pendingBytes += chunk.length;
    if (pendingBytes < neededBytes) continue;
    const joined = pending.length === 1 ? chunk : Buffer.concat(pending);
    const whole = wholeBatchesLength(joined);
    if (whole > 0) yield joined.subarray(0, whole);
    const rest = joined.subarray(whole);
    pending = rest.length === 0 ? [] : [rest];
    pendingBytes = rest.length;
    const end = batchEnd(rest, 0);
    if (Number.isFinite(end) && end > maxBatchBytes) throw corrupt(`a batch claims ${end} bytes`);
    neededBytes = Number.isFinite(end) ? end : 0;
  }
  if (pendingBytes > 0) throw corrupt(`${pendingBytes} bytes are left behind the last batch`);
}

function corrupt(message: string): KafkaError {
  return new KafkaError("CORRUPT_MESSAGE", message);
}
