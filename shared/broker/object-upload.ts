import type { AppendRequest } from "../log/append.ts";
import { joinBatches } from "../log/item-batches.ts";
import type { LogKey, ObjectPointer } from "../log/log-item.ts";
import type { SegmentStore } from "../log/segment-store.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";

const PUT_TIMEOUT_MS = 15_000;

/** Batches in the segment store that no item points to yet. */
export interface ObjectUpload {
  readonly requests: readonly AppendRequest[];
  readonly object: ObjectPointer;
  /** Where it lies: another leader's region does not have it. */
  readonly segmentStore: SegmentStore;
}

/** Writes the requests' batches as one object, offsets from 0: the item that points to it says where they begin. */
export async function uploadBatches(
  parts: BrokerParts,
  log: LogKey,
  requests: readonly AppendRequest[],
  name: string,
): Promise<ObjectUpload> {
  const bytes = joinBatches(requests, 0, 0);
  const key = `${log.replace("#", "/")}/${name}.batches`;
  await withTimeout(parts.clock, PUT_TIMEOUT_MS, "the segment store", parts.segmentStore.putObject(key, bytes));
  return { requests, object: { key, sizeInBytes: bytes.length }, segmentStore: parts.segmentStore };
}

/** Whether the upload holds just these requests, in this store, so that it need not be repeated when only the slot was lost. */
export function holds(
  upload: ObjectUpload | undefined,
  requests: readonly AppendRequest[],
  segmentStore: SegmentStore,
): upload is ObjectUpload {
  if (upload?.requests.length !== requests.length || upload.segmentStore !== segmentStore) return false;
  return upload.requests.every((request, index) => request === requests[index]);
}
