import { KafkaError } from "../../kafka/kafka-error.ts";
import type { LogKey } from "../../log/log-item.ts";
import { inLineage } from "../../log/segment/tiering-state.ts";
import type { Broker } from "../broker.ts";
import { readRegistration } from "../change-partition.ts";
import { highWatermarkOf } from "../high-watermark.ts";
import type { PartitionRegistration } from "../metadata-store.ts";
import type { LogRead } from "../read-log.ts";
import type { SliceLimits } from "./cold-log.ts";

/** How often a reader looks again for a segment that retention or compaction deleted while it was read. */
const MAX_LOOKS = 4;

/** From which offset on the log is read from its items; below, from segments. */
export async function localLogStartOffset(
  { cold }: Broker,
  log: LogKey,
  { logStartOffset, uncleanElections }: PartitionRegistration,
): Promise<number> {
  const state = await cold.tiering.get(log);
  return Math.max((state && inLineage(state, uncleanElections).localLogStartOffset) ?? 0, logStartOffset);
}

/**
 * What lies below localLogStartOffset, from segments, in whichever region it is asked for. The highWatermark in the answer may be
 * some seconds old. Errors: KAFKA_STORAGE_ERROR where no segment holds the offset, or its objects are gone and stay so; those of
 * the segment store and the registry.
 */
export async function readCold(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  offset: number,
  limits: SliceLimits,
): Promise<LogRead> {
  let current = registration;
  for (let looks = 1; looks <= MAX_LOOKS; looks++) {
    const slice = await broker.cold.slice(log, current, offset, limits);
    if (slice !== undefined) {
      // What is read from segments is committed: a region that has not looked for long may know of less.
      const reached = Math.max(slice.nextOffset, await localLogStartOffset(broker, log, current));
      const logEndOffset = await highWatermarkOf(broker, log, current, reached);
      return { kind: "batches", ...slice, logEndOffset };
    }
    const { topicId, partition } = registration;
    broker.cold.segments.forget(log, current);
    const now = await readRegistration(broker, topicId, partition);
    if (now === undefined) return { kind: "ended" };
    current = now;
    const { logStartOffset } = current;
    if (offset < logStartOffset) {
      const logEndOffset = await highWatermarkOf(broker, log, current, logStartOffset);
      return { kind: "out-of-range", logEndOffset, logStartOffset };
    }
  }
  throw noSegment(log, offset);
}

export function noSegment(log: LogKey, offset: number): KafkaError {
  return new KafkaError("KAFKA_STORAGE_ERROR", `no segment of ${log} holds offset ${offset}`, {
    hint: "try again; if it stays, restore the segments from a backup of the bucket",
  });
}
