import { patchBatch } from "../record/patch-batch.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import type { AppendRequest } from "./append.ts";

/** The RecordBatches of an item as one run of bytes, their offsets counted from `baseOffset`. Copies. */
export function joinBatches(requests: readonly AppendRequest[], baseOffset: number, leaderEpoch: number): Uint8Array {
  const joined = new Uint8Array(requests.reduce((size, request) => size + request.batches.length, 0));
  let at = 0;
  let offset = baseOffset;
  for (const request of requests) {
    joined.set(request.batches, at);
    for (const { header, at: batchAt } of request.headers) {
      patchBatch(joined, at + batchAt, offset, leaderEpoch);
      offset += header.lastOffset - header.baseOffset + 1;
    }
    at += request.batches.length;
  }
  return joined;
}

/**
 * Gives batches that lie in the segment store their offsets, in place: they were written before their offset was known.
 */
export function rebaseBatches(bytes: Uint8Array, baseOffset: number, leaderEpoch: number): void {
  let offset = baseOffset;
  for (const { header, at } of batchHeaders(bytes)) {
    patchBatch(bytes, at, offset, leaderEpoch);
    offset += header.lastOffset - header.baseOffset + 1;
  }
}

/**
 * The whole batches of a run that a fetch at `offset` answers with: from the one that contains it, as many as fit into
 * `maxBytes`. Unless `mustFit`, the first comes whatever its size (KIP-74). A view into `run`.
 */
export function sliceBatches(
  run: Uint8Array,
  offset: number,
  maxBytes: number,
  mustFit: boolean,
): { readonly slice: Uint8Array; readonly nextOffset: number } {
  let start = 0;
  let end = 0;
  let nextOffset = offset;
  for (const { header, at } of batchHeaders(run)) {
    if (header.lastOffset < offset) continue;
    if (end === 0) start = at;
    const wouldEnd = at + header.sizeInBytes;
    if (wouldEnd - start > maxBytes && (mustFit || end > 0)) break;
    end = wouldEnd;
    nextOffset = header.lastOffset + 1;
  }
  return { slice: run.subarray(start, Math.max(start, end)), nextOffset };
}
