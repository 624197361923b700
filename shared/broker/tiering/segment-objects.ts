import { KafkaError } from "../../kafka/kafka-error.ts";
import { indexRange, splitIndexes } from "../../log/segment/segment-indexes.ts";
import { type SegmentKeys, segmentKeys } from "../../log/segment/segment-keys.ts";
import type { IndexSizes } from "../../log/segment/segment-metadata.ts";
import { type FinishedSegment, holdersOf, type SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import { PART_BYTES } from "../../log/segment/segment-parts.ts";
import type { SegmentStore } from "../../log/segment-store.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import { ownBrokerId, type UpkeepBroker } from "./upkeep-log.ts";

export const OBJECT_TIMEOUT_MS = 15_000;
const DELETES_AT_ONCE = 1_000;

/** The bucket to read a segment from: this region's own if it lies there. */
export function bucketOf(broker: UpkeepBroker, segment: SegmentMetadata): SegmentStore {
  const holders = holdersOf(segment);
  const own = ownBrokerId(broker);
  return at(broker, holders.includes(own) ? own : segment.brokerId).segmentStore;
}

/** Bytes [start, end) of an object. Errors: KAFKA_STORAGE_ERROR if it, or some of it, is missing. */
export async function readRange(
  broker: UpkeepBroker,
  store: SegmentStore,
  key: string,
  range: { readonly start: number; readonly end: number },
): Promise<Uint8Array> {
  if (range.end <= range.start) return new Uint8Array();
  const get = () => store.getObject(key, range);
  const bytes = await untilKnown(broker, "reading a segment", get, OBJECT_TIMEOUT_MS);
  if (bytes?.length === range.end - range.start) return bytes;
  throw new KafkaError("KAFKA_STORAGE_ERROR", `${key} has ${bytes?.length ?? "no"} bytes at ${range.start}`, {
    hint: "restore the segment's objects from a backup of the bucket",
  });
}

/** All that stands beside a segment's `.log`. */
export async function readIndexes(broker: UpkeepBroker, segment: FinishedSegment) {
  const { indexSizes } = segment.content;
  const { end } = indexRange(indexSizes, "itemObjects");
  const bytes = await readRange(broker, bucketOf(broker, segment), segmentKeys(segment).indexes, { start: 0, end });
  return splitIndexes(bytes, indexSizes);
}

/** The keys of the objects whose items are in a segment. */
export async function readItemObjects(broker: UpkeepBroker, segment: SegmentMetadata): Promise<readonly string[]> {
  if (segment.content === undefined || segment.content.indexSizes.itemObjects === 0) return [];
  const range = indexRange(segment.content.indexSizes, "itemObjects");
  const [store, key] = [bucketOf(broker, segment), segmentKeys(segment).indexes];
  if (segment.state === "DELETE_SEGMENT_STARTED") {
    // Somebody who began to delete it got as far as its own objects: those of its items went before.
    const get = () => store.getObject(key, { start: 0, end: 1 });
    if ((await untilKnown(broker, "reading a segment", get, OBJECT_TIMEOUT_MS)) === undefined) return [];
  }
  const bytes = await readRange(broker, store, key, range);
  return Buffer.from(bytes).toString("latin1").split("\n");
}

/** Copies a finished segment's objects into another broker's bucket. Holds some parts; the same again replaces them. */
export async function copySegment(
  broker: UpkeepBroker,
  from: SegmentStore,
  keys: SegmentKeys,
  sizes: { readonly sizeInBytes: number; readonly indexSizes: IndexSizes },
  to: SegmentStore,
): Promise<void> {
  const indexBytes = indexRange(sizes.indexSizes, "itemObjects").end;
  for (const [key, size] of [
    [keys.log, sizes.sizeInBytes],
    [keys.indexes, indexBytes],
  ] as const) {
    await to.putObjectInParts(key, partsOf(broker, from, key, size));
  }
}

async function* partsOf(broker: UpkeepBroker, from: SegmentStore, key: string, size: number) {
  for (let start = 0; start < size; start += PART_BYTES) {
    yield await readRange(broker, from, key, { start, end: Math.min(size, start + PART_BYTES) });
  }
}

/** Deletes objects in the buckets of all brokers named. Errors: what the first bucket fails with that does not do it. */
export async function deleteEverywhere(
  broker: UpkeepBroker,
  brokerIds: readonly number[],
  keys: readonly string[],
): Promise<void> {
  for (let from = 0; from < keys.length; from += DELETES_AT_ONCE) {
    const some = keys.slice(from, from + DELETES_AT_ONCE);
    for (const id of brokerIds) {
      const { segmentStore } = at(broker, id);
      await untilKnown(broker, "deleting objects", () => segmentStore.deleteObjects(some), OBJECT_TIMEOUT_MS);
    }
  }
}
