import { KafkaError } from "../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import { type LogKey, logKey } from "../log/log-item.ts";
import type { Broker } from "./broker.ts";
import { findColdTimestamp, largestColdTimestamp } from "./cold/find-cold-timestamp.ts";
import { localLogStartOffset } from "./cold/read-cold.ts";
import { findTimestampInItems, type HotLog, hotLog, largestTimestampInItems } from "./find-timestamp-in-items.ts";
import { followLeader } from "./follow-leader.ts";
import { type LocatedPartition, locatePartition } from "./locate-partition.ts";
import { isFenced } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { noteFailure } from "./note-failure.ts";
import { isReplicated } from "./partition-view.ts";
import { logEndOffsetOf } from "./read-log.ts";
import { at } from "./replica-stores.ts";

/** Timestamps that stand for an end of the log, as in Kafka's ListOffsets. */
export const LATEST_TIMESTAMP = -1;
export const EARLIEST_TIMESTAMP = -2;
export const MAX_TIMESTAMP = -3;
/** Where the log begins to be read from its items (KIP-405). */
export const EARLIEST_LOCAL_TIMESTAMP = -4;
/** The last offset that is in a segment, -1 without any (KIP-1005). */
export const LATEST_TIERED_TIMESTAMP = -5;

/** Where the record with the largest timestamp is gone, the next has to be searched for. */
const SEARCH_MS = 15_000;

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
  { partition, timestamp }: ListOffsetsRequest,
): Promise<Result<ListedOffset>> {
  const { leaderEpoch } = registration;
  const log = logKey(topic.item.topicId, partition);
  const listed = (offset: number) => ok({ offset, timestamp: -1, leaderEpoch });
  if (timestamp === EARLIEST_TIMESTAMP) return listed(registration.logStartOffset);
  if (timestamp === LATEST_TIMESTAMP) return listed(await latestOffset(broker, log, registration));
  if (timestamp === EARLIEST_LOCAL_TIMESTAMP || timestamp === LATEST_TIERED_TIMESTAMP) {
    const state = await broker.cold.tiering.refresh(log);
    if (timestamp === EARLIEST_LOCAL_TIMESTAMP) return listed(await localLogStartOffset(broker, log, registration));
    const tieredEnd = state?.tieredEndOffset ?? 0;
    return listed(tieredEnd > registration.logStartOffset ? tieredEnd - 1 : -1);
  }
  if (timestamp < LATEST_TIERED_TIMESTAMP) {
    const hint = "-1 latest, -2 earliest, -3 largest timestamp, -4 earliest local, -5 latest tiered";
    return refused("INVALID_REQUEST", `timestamp ${timestamp} is negative`, hint);
  }
  const found = await (timestamp === MAX_TIMESTAMP
    ? findLargest(broker, log, registration)
    : findTimestamp(broker, log, registration, timestamp));
  return ok({ offset: found?.offset ?? -1, timestamp: found?.timestamp ?? -1, leaderEpoch });
}

async function latestOffset(broker: Broker, log: LogKey, registration: PartitionRegistration): Promise<number> {
  if (isReplicated(registration)) return (await broker.committed.look(log, registration)).committed.logEndOffset;
  return logEndOffsetOf(at(broker, registration.leader), log, registration.logStartOffset);
}

type FoundOffset = Pick<ListedOffset, "offset" | "timestamp">;

/** In segments first, which any region can read; then in the items behind them. */
async function findTimestamp(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  timestamp: number,
): Promise<FoundOffset | undefined> {
  const { logStartOffset } = registration;
  const startOffset = await localLogStartOffset(broker, log, registration);
  const cold = { fromOffset: logStartOffset, endOffset: startOffset };
  const found = await findColdTimestamp(broker, log, registration, timestamp, cold);
  if (found !== undefined) return found;
  const own = await foundInOwnReplica(broker, log, registration, startOffset, timestamp);
  if (own !== undefined) return own;
  return findTimestampInItems(await leadersLog(broker, log, registration), startOffset, timestamp);
}

/** The first of the records with the largest timestamp. */
async function findLargest(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
): Promise<FoundOffset | undefined> {
  const hot = await leadersLog(broker, log, registration);
  const largest = (await hot.itemAt(Number.MAX_SAFE_INTEGER))?.maxTimestampSoFar ?? -1;
  const found = largest < 0 ? undefined : await findTimestamp(broker, log, registration, largest);
  if (found !== undefined || largest < 0) return found;
  // The record that had it is gone: what is left has to be looked through.
  const startOffset = await localLogStartOffset(broker, log, registration);
  const cold = { fromOffset: registration.logStartOffset, endOffset: startOffset };
  const left = Math.max(
    await largestColdTimestamp(broker, log, registration, cold),
    await largestTimestampInItems(hot, startOffset),
  );
  return left < 0 ? undefined : findUpTo(broker, log, registration, left);
}

/** Likewise, where none is larger than `largest`: the one that has it may stand below a log start in its item or segment. */
async function findUpTo(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  largest: number,
): Promise<FoundOffset | undefined> {
  const deadline = broker.clock.now() + SEARCH_MS;
  let found: FoundOffset | undefined;
  for (let [low, high, wanted] = [0, largest, largest]; low <= high; wanted = Math.floor((low + high) / 2)) {
    if (broker.clock.now() > deadline) throw new KafkaError("REQUEST_TIMED_OUT", "the largest timestamp was not found");
    const reached = await findTimestamp(broker, log, registration, wanted);
    if (reached === undefined) {
      high = wanted - 1;
      continue;
    }
    found = reached;
    low = reached.timestamp + 1;
  }
  return found;
}

async function leadersLog(broker: Broker, log: LogKey, registration: PartitionRegistration): Promise<HotLog> {
  const committed = isReplicated(registration) ? (await broker.committed.look(log, registration)).committed : undefined;
  return hotLog(at(broker, registration.leader), log, committed);
}

/** In what this region's own table holds of a log that another leads; undefined: it is younger than that, or not known here. */
async function foundInOwnReplica(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  startOffset: number,
  timestamp: number,
): Promise<FoundOffset | undefined> {
  const { held } = broker.committed;
  const follower = held.follower(registration);
  if (follower === undefined) return undefined;
  try {
    const state = await held.read(log, registration);
    if (state.maxTimestampSoFar < timestamp) return undefined;
    return await findTimestampInItems(hotLog(follower, log, state), startOffset, timestamp);
  } catch (error) {
    if (!(error instanceof KafkaError) || isFenced(error)) throw error;
    broker.logger.warn("the own replica does not answer: the leader is asked", { log }, error);
    return undefined;
  }
}
