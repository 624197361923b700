import { KafkaError } from "../../kafka/kafka-error.ts";
import type { LogKey } from "../../log/log-item.ts";
import type { CoveredStretch } from "../../log/segment/covering-segments.ts";
import { findTimestamp } from "../../log/segment/find-timestamp.ts";
import { type ByteRange, rangeFrom, rangeReaching } from "../../log/segment/lookup.ts";
import type { OffsetIndex } from "../../log/segment/offset-index.ts";
import type { LogRecord } from "../../record/record.ts";
import type { Broker } from "../broker.ts";
import type { PartitionRegistration } from "../metadata-store.ts";
import { GONE, type Stretch, throughSegments } from "./through-segments.ts";

/** A search may have to go through a segment where its indexes tell nothing: below a log start in its middle. */
const SEARCH_MS = 15_000;

/**
 * The first record at or after `timestamp` (milliseconds since the epoch) in a stretch of the log that is read from segments;
 * undefined: none. As a rule three requests: two indexes, and a range. Errors: as readCold; REQUEST_TIMED_OUT.
 */
export async function findColdTimestamp(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  timestamp: number,
  stretch: Stretch,
): Promise<LogRecord | undefined> {
  const deadline = broker.clock.now() + SEARCH_MS;
  let found: LogRecord | undefined;
  await throughSegments(broker, log, registration, stretch, async (cover, fromOffset) => {
    const here = await findIn(broker, cover, timestamp, { ...stretch, fromOffset }, deadline);
    if (here === GONE) return GONE;
    found = here;
    return found === undefined ? "next" : "done";
  });
  return found;
}

/** The largest timestamp in the segments of a stretch, as they are registered; -1: none. Errors: as readCold. */
export async function largestColdTimestamp(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  stretch: Stretch,
): Promise<number> {
  let largest = -1;
  await throughSegments(broker, log, registration, stretch, async (cover) => {
    for (const { segment, fromOffset } of cover) {
      if (fromOffset < stretch.endOffset) largest = Math.max(largest, segment.content.maxTimestamp);
    }
    return "next";
  });
  return largest;
}

async function findIn(
  broker: Broker,
  cover: readonly CoveredStretch[],
  timestamp: number,
  { fromOffset, endOffset }: Stretch,
  deadline: number,
): Promise<LogRecord | undefined | typeof GONE> {
  for (const { segment, toOffset, ...one } of cover) {
    if (one.fromOffset >= endOffset) return undefined;
    if (segment.content.maxTimestamp < timestamp) continue;
    const from = Math.max(one.fromOffset, fromOffset);
    const found = await findInSegment(broker, { ...one, segment, toOffset }, timestamp, from, deadline);
    if (found === GONE) return GONE;
    if (found !== undefined && found.offset < endOffset) return found;
  }
  return undefined;
}

async function findInSegment(
  { cold, clock }: Broker,
  { segment, toOffset }: CoveredStretch,
  timestamp: number,
  fromOffset: number,
  deadline: number,
): Promise<LogRecord | undefined | typeof GONE> {
  const { sizeInBytes } = segment.content;
  let offsets: OffsetIndex | undefined;
  let range: ByteRange = { start: 0, end: sizeInBytes };
  /** Where the search ends, if what is found first need not be looked for behind. */
  let end = sizeInBytes;
  if (cold.ahead.needsIndex(segment, cold.limits.firstBytes)) {
    const [index, times] = await Promise.all([cold.indexes.offsets(segment), cold.indexes.times(segment)]);
    if (index === undefined || times === undefined) return GONE;
    const reaching = rangeReaching(index, times, sizeInBytes, timestamp, fromOffset);
    if (reaching === undefined) return undefined;
    offsets = index;
    if (fromOffset <= segment.baseOffset) end = reaching.end;
    // As much as the reader who comes for it will ask for: it costs no more.
    range = rangeFrom(index, sizeInBytes, reaching.start, cold.limits.firstBytes);
  }
  for (; range.start < end; range = rangeFrom(offsets!, sizeInBytes, range.end, cold.limits.mostBytes)) {
    if (clock.now() > deadline)
      throw new KafkaError("REQUEST_TIMED_OUT", `no record at ${timestamp} was found in time`);
    const bytes = await cold.ranges.read(segment, "log", range);
    if (bytes === undefined) return GONE;
    const found = findTimestamp(bytes, timestamp, fromOffset);
    if (found !== undefined && found.offset > toOffset) return undefined;
    if (found !== undefined) {
      cold.keep({ segment, range, fromOffset: found.offset }, bytes);
      return found;
    }
    if (range.end >= end) return undefined;
  }
  return undefined;
}
