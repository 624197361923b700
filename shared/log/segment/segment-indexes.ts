import { KafkaError } from "../../kafka/kafka-error.ts";
import type { SegmentIndexes } from "./segment-builder.ts";
import type { IndexSizes } from "./segment-metadata.ts";

const PARTS = ["offsetIndex", "timeIndex", "producerSnapshot", "leaderEpochCheckpoint", "itemObjects"] as const;
type Part = (typeof PARTS)[number];

/** The `.indexes` object of a segment, and where its parts are in it. `itemObjects`: keys of the objects whose items it holds. */
export function joinIndexes(
  indexes: SegmentIndexes,
  itemObjects: readonly string[],
): { readonly bytes: Uint8Array; readonly sizes: IndexSizes } {
  const parts: Record<Part, Uint8Array> = { ...indexes, itemObjects: Buffer.from(itemObjects.join("\n")) };
  const sizes = Object.fromEntries(PARTS.map((part) => [part, parts[part].length])) as Record<Part, number>;
  return { bytes: Buffer.concat(PARTS.map((part) => parts[part])), sizes };
}

/** Where a part lies in the object, for a range read of it alone. */
export function indexRange(sizes: IndexSizes, part: Part): { readonly start: number; readonly end: number } {
  let start = 0;
  for (const before of PARTS.slice(0, PARTS.indexOf(part))) start += sizes[before];
  return { start, end: start + sizes[part] };
}

/** The parts of an `.indexes` object. Views. Errors: KAFKA_STORAGE_ERROR if its size is not what the registration says. */
export function splitIndexes(
  bytes: Uint8Array,
  sizes: IndexSizes,
): SegmentIndexes & { readonly itemObjects: readonly string[] } {
  const { end } = indexRange(sizes, "itemObjects");
  if (bytes.length !== end) {
    throw new KafkaError("KAFKA_STORAGE_ERROR", `the indexes of a segment have ${bytes.length} bytes, not ${end}`);
  }
  const view = (part: Part) => {
    const range = indexRange(sizes, part);
    return bytes.subarray(range.start, range.end);
  };
  const keys = Buffer.from(view("itemObjects")).toString("latin1");
  return {
    offsetIndex: view("offsetIndex"),
    timeIndex: view("timeIndex"),
    producerSnapshot: view("producerSnapshot"),
    leaderEpochCheckpoint: view("leaderEpochCheckpoint"),
    itemObjects: keys === "" ? [] : keys.split("\n"),
  };
}
