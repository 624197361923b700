import { KafkaError } from "../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import { type LogItem, type LogKey, logKey } from "../log/log-item.ts";
import { decodeRecords } from "../record/decode-batch.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";
import { locatePartition } from "./locate-partition.ts";
import { READ_TIMEOUT_MS } from "./log-view.ts";
import { noteFailure } from "./note-failure.ts";
import { itemBatches, logEndOffsetOf } from "./read-log.ts";

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
export async function listOffsets(broker: Broker, request: ListOffsetsRequest): Promise<Result<ListedOffset>> {
  const located = await locatePartition(broker, request.topic, request.partition);
  if (!located.ok) return located;
  const { topic, registration } = located.value;
  const { logStartOffset, leaderEpoch } = registration;
  const log = logKey(topic.item.topicId, request.partition);
  try {
    if (request.timestamp === EARLIEST_TIMESTAMP) return ok({ offset: logStartOffset, timestamp: -1, leaderEpoch });
    if (request.timestamp === LATEST_TIMESTAMP) {
      return ok({ offset: await logEndOffsetOf(broker, log, logStartOffset), timestamp: -1, leaderEpoch });
    }
    if (request.timestamp < 0 && request.timestamp !== MAX_TIMESTAMP) {
      return refused(
        "INVALID_REQUEST",
        `timestamp ${request.timestamp} is negative`,
        "-1 latest, -2 earliest, -3 largest",
      );
    }
    const last = await itemAtOrBelow(broker, log, Number.MAX_SAFE_INTEGER);
    const timestamp = request.timestamp === MAX_TIMESTAMP ? (last?.maxTimestampSoFar ?? -1) : request.timestamp;
    const found = await firstAtOrAfter(broker, log, logStartOffset, last, timestamp);
    return ok({ offset: found?.offset ?? -1, timestamp: found?.timestamp ?? -1, leaderEpoch });
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    noteFailure(broker, "listing offsets failed", { log }, error);
    return { ok: false, refusal: error };
  }
}

async function firstAtOrAfter(
  broker: Broker,
  log: LogKey,
  logStartOffset: number,
  last: LogItem | undefined,
  timestamp: number,
): Promise<{ offset: number; timestamp: number } | undefined> {
  if (last === undefined || timestamp < 0 || last.maxTimestampSoFar < timestamp) return undefined;
  const item = await firstItemReaching(broker, log, logStartOffset, last, timestamp);
  const batches = await itemBatches(broker, item);
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
  broker: Broker,
  log: LogKey,
  logStartOffset: number,
  last: LogItem,
  timestamp: number,
): Promise<LogItem> {
  let found = last;
  let low = logStartOffset;
  while (low < found.baseOffset) {
    const middle = low + Math.floor((found.baseOffset - 1 - low) / 2);
    const item = await itemAtOrBelow(broker, log, middle);
    if (item !== undefined && item.baseOffset >= logStartOffset && item.maxTimestampSoFar >= timestamp) found = item;
    else low = Math.max(middle, item?.lastOffset ?? middle) + 1;
  }
  return found;
}

function itemAtOrBelow(broker: Broker, log: LogKey, offset: number): Promise<LogItem | undefined> {
  const read = broker.logStore.readItemAtOrBelow(log, offset);
  return withTimeout(broker.clock, READ_TIMEOUT_MS, "reading the log", read);
}
