import { KafkaError } from "../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import { type LogItem, logKey } from "../log/log-item.ts";
import { decodeRecords } from "../record/decode-batch.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import type { Broker } from "./broker.ts";
import { followLeader } from "./follow-leader.ts";
import { type LocatedPartition, locatePartition } from "./locate-partition.ts";
import { isFenced } from "./log-view.ts";
import { noteFailure } from "./note-failure.ts";
import { isReplicated } from "./partition-view.ts";
import { itemBatches, logEndOffsetOf } from "./read-log.ts";
import { itemAtOrBelow } from "./read-partition.ts";
import { at } from "./replica-stores.ts";

/** Timestamps that stand for an end of the log, as in Kafka's ListOffsets. */
export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;
export const MAX_TIMESTAMP = -3;

export interface ListOffsetsRequest {
  readonly topic: string;
  readonly partition: number;
  /** Milliseconds since the epoch, or one of the above. */
  readonly timestamp: number;
}

export interface ListedOffset {
  /** First offset whose record has this timestamp or a later one; -1 if there is none. */
  readonly offset: number;
  /** That record's timestamp; -1 for an end of the log. */
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/** Finds an offset by timestamp: Kafka's ListOffsets for one partition. */
export function listOffsets(broker: Broker, request: ListOffsetsRequest): Promise<Result<ListedOffset>> {
  return followLeader(broker, request.topic, async () => {
    const located = await locatePartition(broker, request.topic, request.partition);
    if (!located.ok) return located;
    try {
      return await list(broker, located.value, request);
    } catch (error) {
      if (!(error instanceof KafkaError) || isFenced(error)) throw error;
      noteFailure(broker, "listing offsets failed", { topic: request.topic, partition: request.partition }, error);
      return { ok: false, refusal: error };
    }
  });
}

async function list(
  broker: Broker,
  { topic, registration }: LocatedPartition,
  request: ListOffsetsRequest,
): Promise<Result<ListedOffset>> {
  const { logStartOffset, leaderEpoch } = registration;
  const log = logKey(topic.item.topicId, request.partition);
  if (request.timestamp === EARLIEST_TIMESTAMP) return ok({ offset: logStartOffset, timestamp: -1, leaderEpoch });
  const committed = isReplicated(registration) ? (await broker.committed.look(log, registration)).committed : undefined;
  if (request.timestamp === LATEST_TIMESTAMP) {
    const offset = committed?.logEndOffset ?? (await logEndOffsetOf(broker, log, logStartOffset));
    return ok({ offset, timestamp: -1, leaderEpoch });
  }
  if (request.timestamp < 0 && request.timestamp !== MAX_TIMESTAMP) {
    return refused(
      "INVALID_REQUEST",
      `timestamp ${request.timestamp} is negative`,
      "-1 latest, -2 earliest, -3 largest",
    );
  }
  const leader = at(broker, registration.leader);
  const itemAt: ItemAtOrBelow = (offset) => itemAtOrBelow(leader, log, committed, offset);
  const last = await itemAt(Number.MAX_SAFE_INTEGER);
  const timestamp = request.timestamp === MAX_TIMESTAMP ? (last?.maxTimestampSoFar ?? -1) : request.timestamp;
  const found = await firstAtOrAfter(leader, itemAt, logStartOffset, last, timestamp);
  return ok({ offset: found?.offset ?? -1, timestamp: found?.timestamp ?? -1, leaderEpoch });
}

/** The item of the log with the greatest baseOffset <= an offset. */
type ItemAtOrBelow = (offset: number) => Promise<LogItem | undefined>;

async function firstAtOrAfter(
  leader: Broker,
  itemAt: ItemAtOrBelow,
  logStartOffset: number,
  last: LogItem | undefined,
  timestamp: number,
): Promise<{ offset: number; timestamp: number } | undefined> {
  if (last === undefined || timestamp < 0 || last.maxTimestampSoFar < timestamp) return undefined;
  const item = await firstItemReaching(itemAt, logStartOffset, last, timestamp);
  const batches = await itemBatches(leader, item);
  for (const { header, at } of batchHeaders(batches)) {
    if (header.maxTimestamp < timestamp || header.isControl) continue;
    const record = decodeRecords(batches, at, header).find((candidate) => candidate.timestamp >= timestamp);
    if (record !== undefined) return { offset: record.offset, timestamp: record.timestamp };
  }
  return undefined;
}

/**
 * The first item whose maxTimestampSoFar reaches `timestamp`, by bisection over offsets: a read per halving. It is also the
 * first with a record of that timestamp or later, since the running maximum rises where such a record stands.
 */
async function firstItemReaching(
  itemAt: ItemAtOrBelow,
  logStartOffset: number,
  last: LogItem,
  timestamp: number,
): Promise<LogItem> {
  let found = last;
  let low = logStartOffset;
  while (low < found.baseOffset) {
    const middle = low + Math.floor((found.baseOffset - 1 - low) / 2);
    const item = await itemAt(middle);
    if (item !== undefined && item.baseOffset >= logStartOffset && item.maxTimestampSoFar >= timestamp) found = item;
    else low = Math.max(middle, item?.lastOffset ?? middle) + 1;
  }
  return found;
}
