import { type LogKey, partitionOf } from "../log-item.ts";
import type { StoredObject } from "../segment-store.ts";
import type { SegmentMetadata } from "./segment-metadata.ts";

/** A segment's two objects: its records, and what stands beside them in one object, so that one request loads it. */
export interface SegmentKeys {
  readonly log: string;
  readonly indexes: string;
}

/** As Kafka pads offsets in names of files. */
const OFFSET_DIGITS = 20;
const TIME_DIGITS = 14;

/** Objects without a registration that are older than this are nobody's: a copy is given up after half of it (COPY_ABANDONED_MS). */
export const ORPHANED_AFTER_MS = 2 * 60 * 60 * 1000;

/**
 * An object of batches that no segment names after so long was never pointed to, or its item is gone: every item is in a segment within
 * SEAL_WITHIN_MS, a day of wrong time in its records, and a day of lag (retention-expiry.ts).
 */
export const ITEM_OBJECTS_KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/** Where all objects of a log lie: its segments, and those of its items. */
export function logPrefix(log: LogKey): string {
  const { topicId, partition } = partitionOf(log);
  return `${topicId}/${partition}/`;
}

/** Where the segments of a log lie. Its items' objects lie beside, under `<topicId>/<partition>/`. */
export function segmentPrefix(log: LogKey): string {
  return `${logPrefix(log)}segments/`;
}

/** The keys of a segment: base offset, begin of its copy and id, so that a copy's age can be told without its registration. */
export function segmentKeys(
  segment: Pick<SegmentMetadata, "log" | "baseOffset" | "startedAt" | "segmentId">,
): SegmentKeys {
  const offset = String(segment.baseOffset).padStart(OFFSET_DIGITS, "0");
  const startedAt = String(segment.startedAt).padStart(TIME_DIGITS, "0");
  const name = `${segmentPrefix(segment.log)}${offset}.${startedAt}.${segment.segmentId}`;
  return { log: `${name}.log`, indexes: `${name}.indexes` };
}

/** What the name of a segment's object tells; undefined: it is none of this log's. */
export function readSegmentKey(
  log: LogKey,
  key: string,
): { readonly segmentId: string; readonly startedAt: number } | undefined {
  const prefix = segmentPrefix(log);
  if (!key.startsWith(prefix)) return undefined;
  const match = /^\d{20}\.(\d{14})\.([A-Za-z0-9_-]{1,64})\.(?:log|indexes)$/.exec(key.slice(prefix.length));
  return match === null ? undefined : { startedAt: Number(match[1]), segmentId: match[2]! };
}

/**
 * The objects of a log that no registration stands for: a copier that slept past the removal of its own wrote them. Only
 * those older than ORPHANED_AFTER_MS, so that none is taken whose registration the list was too early for.
 * `registered`: ids of all segments of the log, read after the objects were listed.
 */
export function orphanedKeys(
  log: LogKey,
  keys: readonly string[],
  registered: ReadonlySet<string>,
  now: number,
): string[] {
  return keys.filter((key) => {
    const named = readSegmentKey(log, key);
    return named !== undefined && !registered.has(named.segmentId) && named.startedAt < now - ORPHANED_AFTER_MS;
  });
}

/**
 * The objects of batches that nobody's item points to: of appends that never got their slot, or whose items were deleted before they were in a
 * segment. Only where tiering is not behind by more than MAX_TIERING_LAG_MS. `named`: by the segments of the log whose items' objects are not removed
 * yet, read after the objects were listed.
 */
export function orphanedItemObjects(
  log: LogKey,
  objects: readonly StoredObject[],
  named: ReadonlySet<string>,
  now: number,
): string[] {
  const prefix = logPrefix(log);
  return objects
    .filter(({ key, modifiedAt }) => {
      const isOfItem = key.startsWith(prefix) && /^[A-Za-z0-9_-]+\.batches$/.test(key.slice(prefix.length));
      return isOfItem && !named.has(key) && modifiedAt < now - ITEM_OBJECTS_KEPT_MS;
    })
    .map(({ key }) => key);
}
