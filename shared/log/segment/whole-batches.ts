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
 * The same bytes, cut where batches end: for reading a segment range by range. Views of the chunks, but for a batch that is cut in two or more, which is put
 * together: it is all that is held of chunks that were. Errors: CORRUPT_MESSAGE for bytes left over at the end, and for a batch of
 * more than `maxBatchBytes`.
 */
export async function* wholeBatches(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBatchBytes: number,
): AsyncGenerator<Uint8Array> {
  /** The begin of a batch whose rest comes with the next chunks: `filled` bytes of it, in as many as are known to be needed. */
  let cut = new Uint8Array();
  let filled = 0;
  const needed = () => {
    const end = batchEnd(cut.subarray(0, filled), 0);
    if (Number.isFinite(end) && end > maxBatchBytes) throw corrupt(`a batch claims ${end} bytes`);
    return Number.isFinite(end) ? end : LOG_OVERHEAD;
  };
  for await (const chunk of chunks) {
    let at = 0;
    while (filled > 0 && at < chunk.length) {
      const size = needed();
      if (size > cut.length) {
        const larger = new Uint8Array(size);
        larger.set(cut.subarray(0, filled));
        cut = larger;
      }
      const taken = chunk.subarray(at, at + size - filled);
      cut.set(taken, filled);
      filled += taken.length;
      at += taken.length;
      if (filled < size || needed() > size) continue;
      yield cut;
      [cut, filled] = [new Uint8Array(), 0];
    }
    if (filled > 0) continue;
    const rest = chunk.subarray(at);
    const whole = wholeBatchesLength(rest);
    if (whole > 0) yield rest.subarray(0, whole);
    if (whole === rest.length) continue;
    // A copy, so that the chunk need not be held for it.
    cut = new Uint8Array(rest.subarray(whole));
    filled = cut.length;
    needed();
  }
  if (filled > 0) throw corrupt(`${filled} bytes are left behind the last batch`);
}

function corrupt(message: string): KafkaError {
  return new KafkaError("CORRUPT_MESSAGE", message);
}
