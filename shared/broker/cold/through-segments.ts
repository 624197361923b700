import { KafkaError } from "../../kafka/kafka-error.ts";
import type { LogKey } from "../../log/log-item.ts";
import type { CoveredStretch } from "../../log/segment/covering-segments.ts";
import type { Broker } from "../broker.ts";
import { readRegistration } from "../change-partition.ts";
import type { PartitionRegistration } from "../metadata-store.ts";
import { noSegment } from "./read-cold.ts";

/** Registrations read at a time. */
const SEGMENTS_A_PAGE = 1_000;
const MAX_PAGES = 100;
const MAX_LOOKS = 4;

/** A stretch of a log: [fromOffset, endOffset). */
export interface Stretch {
  readonly fromOffset: number;
  readonly endOffset: number;
}

/** The segment that was being read is gone: it is looked up again. */
export const GONE = "gone";

/** What a visitor of a page of segments says: go on with the next, it has what it came for, or one of them is gone. */
export type Visited = "next" | "done" | typeof GONE;

/**
 * The segments that a stretch of a log is read from, page by page; `fromOffset` is where the page begins to count. A page is looked up
 * again where a segment turns out to be gone, or none holds its first offset. Errors: as readCold.
 */
export async function throughSegments(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  stretch: Stretch,
  visit: (cover: readonly CoveredStretch[], fromOffset: number) => Promise<Visited>,
): Promise<void> {
  let current = registration;
  let { fromOffset } = stretch;
  let looks = 0;
  for (let pages = 0; fromOffset < stretch.endOffset; pages++) {
    if (pages === MAX_PAGES) throw new KafkaError("REQUEST_TIMED_OUT", `${log} has too many segments to go through`);
    const cover = await broker.cold.segments.coverFrom(log, current, fromOffset, SEGMENTS_A_PAGE);
    const visited = cover.length === 0 ? GONE : await visit(cover, fromOffset);
    if (visited === "done") return;
    if (visited === "next") {
      fromOffset = cover.at(-1)!.toOffset + 1;
      continue;
    }
    const now = await readRegistration(broker, registration.topicId, registration.partition);
    if (now === undefined || ++looks === MAX_LOOKS) throw noSegment(log, fromOffset);
    current = now;
    fromOffset = Math.max(fromOffset, now.logStartOffset);
  }
}
