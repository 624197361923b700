import { KafkaError } from "../../kafka/kafka-error.ts";
import type { CoveredStretch } from "../../log/segment/covering-segments.ts";
import { segmentKeys } from "../../log/segment/segment-keys.ts";
import { type FinishedSegment, holdersOf } from "../../log/segment/segment-metadata.ts";
import { withCopy } from "../../log/segment/segment-state.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import { bucketOf, copySegment, deleteEverywhere } from "./segment-objects.ts";
import { hasTime, type UpkeepBroker, type UpkeepLog } from "./upkeep-log.ts";

const OVERTIME_MS = 15_000;
/** More than ever begin at one offset. */
const SEGMENTS_AT_ONE_OFFSET = 1_000;

/**
 * Copies segments into the buckets of replicas that were away when they were written: the loss of a region loses nothing that is cold. Answers
 * how many; a bucket that does not answer gets the rest later.
 */
export async function fillBuckets(
  broker: UpkeepBroker,
  of: UpkeepLog,
  cover: readonly CoveredStretch[],
): Promise<{ readonly copied: number; readonly isDone: boolean }> {
  const { log, registration } = of;
  let copied = 0;
  for (const brokerId of registration.replicas) {
    const lacking = cover.map(({ segment }) => segment).filter((segment) => !holdersOf(segment).includes(brokerId));
    for (const segment of lacking) {
      if (!hasTime(broker, of)) return { copied, isDone: false };
      try {
        await fillBucket(broker, of, segment, brokerId);
        copied++;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        broker.logger.warn("a segment was not copied to a replica", { log, broker: brokerId }, error);
        break;
      }
    }
  }
  return { copied, isDone: true };
}

async function fillBucket(
  broker: UpkeepBroker,
  of: UpkeepLog,
  segment: FinishedSegment,
  brokerId: number,
): Promise<void> {
  const { segmentStore } = at(broker, brokerId);
  const copy = copySegment(broker, bucketOf(broker, segment), segmentKeys(segment), segment.content, segmentStore);
  const withinMs = Math.max(0, of.untilMs - broker.clock.now()) + OVERTIME_MS;
  await withTimeout(broker.clock, withinMs, "copying a segment", copy);
  const replace = () => broker.segmentRegistry.replaceSegment(withCopy(segment, brokerId));
  if (await untilKnown(broker, "registering a segment", replace)) return;
  // Another run changed it, which the next one sees; or it was deleted, and nobody would look for it here any more.
  const list = () => broker.segmentRegistry.segmentsAtOrBelow(of.log, segment.baseOffset, SEGMENTS_AT_ONE_OFFSET);
  const found = await untilKnown(broker, "reading segments", list);
  const current = found.find(({ segmentId }) => segmentId === segment.segmentId);
  if (current !== undefined && current.state !== "DELETE_SEGMENT_STARTED") return;
  await deleteEverywhere(broker, [brokerId], Object.values(segmentKeys(segment)));
}
