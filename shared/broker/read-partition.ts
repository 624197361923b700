import { KafkaError } from "../kafka/kafka-error.ts";
import type { LogKey } from "../log/log-item.ts";
import type { Broker } from "./broker.ts";
import { readRegistration } from "./change-partition.ts";
import { localLogStartOffset, readCold } from "./cold/read-cold.ts";
import { readCommitted } from "./committed-items.ts";
import type { Watermarks } from "./committed-offsets.ts";
import { confirmLeader } from "./confirm-leader.ts";
import { highWatermarkOf, withHighWatermark } from "./high-watermark.ts";
import { isFenced } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { isReplicated } from "./partition-view.ts";
import { type LogRead, readLog } from "./read-log.ts";
import { readOwnReplica } from "./read-own-replica.ts";
import { at } from "./replica-stores.ts";

/** How much of a log is read at a time. */
export interface PartitionLimits {
  readonly maxBytes: number;
  /** The same for what is read from segments. */
  readonly maxColdBytes: number;
  /** There is something in the answer already: a batch that does not fit is left for the next. */
  readonly mustFit: boolean;
}

/**
 * What a consumer may see from `offset` on: with one replica the whole log, with several what lies below the highWatermark.
 * `logEndOffset` in the answer is the highWatermark. What lies below localLogStartOffset is read from segments, the rest from items: what
 * this region's own table holds there, the rest from the leader's. While the leader does not answer, the log ends for a
 * reader where the own table does.
 */
export async function readPartition(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  offset: number,
  limits: PartitionLimits,
): Promise<LogRead> {
  if (offset < registration.logStartOffset) return belowStart(broker, log, registration);
  const startOffset = await localLogStartOffset(broker, log, registration);
  if (offset < startOffset) return readSegments(broker, log, registration, offset, limits);
  const read = await readItems(broker, log, registration, startOffset, offset, limits.maxBytes);
  const isHole = read === undefined || (read.kind === "out-of-range" && offset < read.logEndOffset);
  if (!isHole) return read;
  const moved = await readMoved(broker, log, registration, offset, limits);
  if (moved !== undefined) return moved;
  // Never out of range: a consumer would go to an end of the log, and pass over what is there.
  throw new KafkaError("KAFKA_STORAGE_ERROR", `the item of ${log} at ${offset} is missing`, { hint: "try again" });
}

async function belowStart(broker: Broker, log: LogKey, registration: PartitionRegistration): Promise<LogRead> {
  const { logStartOffset } = registration;
  const logEndOffset = await highWatermarkOf(broker, log, registration, logStartOffset);
  return { kind: "out-of-range", logEndOffset, logStartOffset };
}

function readSegments(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  offset: number,
  { maxColdBytes, mustFit }: PartitionLimits,
): Promise<LogRead> {
  return readCold(broker, log, registration, offset, { maxBytes: maxColdBytes, mustFit });
}

/** The items were gone: retention or tiering may have moved a start of the log since this process heard of it. undefined: none. */
async function readMoved(
  broker: Broker,
  log: LogKey,
  { topicId, partition }: PartitionRegistration,
  offset: number,
  limits: PartitionLimits,
): Promise<LogRead | undefined> {
  const [current] = await Promise.all([readRegistration(broker, topicId, partition), broker.cold.tiering.refresh(log)]);
  if (current === undefined) return { kind: "ended" };
  if (offset < current.logStartOffset) return belowStart(broker, log, current);
  const isCold = offset < (await localLogStartOffset(broker, log, current));
  return isCold ? readSegments(broker, log, current, offset, limits) : undefined;
}

/** What lies at the offset in items; undefined: it is below the highWatermark, and not there. */
async function readItems(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  startOffset: number,
  offset: number,
  maxBytes: number,
): Promise<LogRead | undefined> {
  const { leader } = registration;
  if (!isReplicated(registration)) return readLog(at(broker, leader), log, startOffset, offset, maxBytes);
  const own = await readOwnReplica(broker, log, registration, offset, maxBytes);
  if (own !== undefined) return withHighWatermark(broker, log, registration, own);
  let asked: Asked;
  try {
    asked = await askLeader(broker, log, registration, offset, maxBytes);
  } catch (error) {
    const held = broker.committed.held.known(log, registration);
    const isUnanswered = error instanceof KafkaError && !isFenced(error);
    if (!isUnanswered || held === undefined || offset < held.logEndOffset) throw error;
    broker.logger.warn("the leader does not answer: nothing is read above what this region holds", { log }, error);
    return {
      kind: "at-end",
      logEndOffset: broker.committed.known(log, registration)!.logEndOffset,
      isUnanswered: true,
    };
  }
  const { read, committed } = asked;
  if (read !== undefined) return read;
  const { logEndOffset } = committed;
  if (committed.isEnded) return { kind: "ended" };
  // Between the highWatermark and the log's end there is nothing to see yet: a consumer may have seen a later highWatermark.
  const isBeyond = offset > asked.logEndOffset;
  // The log of a leader that was fenced ends early: whoever says so has asked who leads.
  if (isBeyond) await confirmLeader(broker, registration);
  if (isBeyond) return { kind: "out-of-range", logEndOffset };
  return offset >= logEndOffset ? { kind: "at-end", logEndOffset } : undefined;
}

interface Asked extends Watermarks {
  /** What lies at the offset; undefined: nothing that is committed. */
  readonly read: LogRead | undefined;
}

async function askLeader(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  offset: number,
  maxBytes: number,
): Promise<Asked> {
  const known = broker.committed.known(log, registration);
  const isBelow = known !== undefined && offset < known.logEndOffset;
  const marks = isBelow
    ? { committed: known, tip: known, logEndOffset: known.logEndOffset }
    : await broker.committed.look(log, registration);
  const { committed } = marks;
  const { logEndOffset } = committed;
  if (committed.isEnded || offset < registration.logStartOffset || offset >= logEndOffset) {
    return { ...marks, read: undefined };
  }
  // What was seen to be committed just now lies here too, most of the time.
  const own = isBelow ? undefined : await readOwnReplica(broker, log, registration, offset, maxBytes);
  if (own !== undefined) return { ...marks, read: own };
  const items = await readCommitted(at(broker, registration.leader), log, committed, offset, maxBytes);
  const read = items && ({ kind: "items", items, logEndOffset } as const);
  return { ...marks, read: read && isBelow ? await withHighWatermark(broker, log, registration, read) : read };
}
