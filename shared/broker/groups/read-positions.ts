import { partitionKey } from "../../group/partitions-by-topic.ts";
import type { Refusal } from "../../kafka/kafka-error.ts";
import { ok, type Result } from "../../kafka/result.ts";
import { readBatchHeader } from "../../record/read-batch-header.ts";
import type { Broker } from "../broker.ts";
import { type FetchedPartition, fetchPartitions } from "./fetch-partitions.ts";
import { topicsByName } from "./named-partitions.ts";
import type { Poll, PollPosition } from "./poll.ts";
import { type Position, resetPosition } from "./start-positions.ts";

export interface ReadPositions
  extends Pick<Poll, "positions" | "autoOffsetReset" | "maxBytes" | "maxColdBytes" | "signal"> {
  /** Waits until then, milliseconds since the epoch, for the first record. */
  readonly untilMs: number;
  /** It has waited before. */
  readonly isWaiting: boolean;
}

export interface ReadRecords {
  /**
   * Those given; what was outside of its log begins where auto.offset.reset says, and what stood before batches without records, with nothing else
   * found, behind them.
   */
  readonly positions: readonly PollPosition[];
  readonly found: readonly FetchedPartition[];
}

/** So many times what has no records is passed over once the time is over: an answer is due. */
const MAX_LATE_PASSES = 10;

/**
 * What has come for a consumer, or nothing once the time is over: batches without records (control batches, which an election leaves; what compaction
 * has emptied) are no news. A partition that cannot be read does not keep the others from being read. Refusals: OFFSET_OUT_OF_RANGE with
 * auto.offset.reset "none"; the last one met if nothing can be read at all.
 */
export async function readPositions(broker: Broker, request: ReadPositions): Promise<Result<ReadRecords>> {
  const { autoOffsetReset, maxBytes, maxColdBytes = maxBytes, untilMs, isWaiting, signal } = request;
  let { positions } = request;
  let failure: Refusal | undefined;
  const failed = new Set<string>();
  const reset = new Set<string>();
  for (let latePasses = 0; ; ) {
    const known = (await present(broker, positions)).filter((each) => !failed.has(keyOf(each)));
    const maxWaitMs = Math.max(0, untilMs - broker.clock.now());
    if (known.length === 0) {
      if (failure !== undefined) return { ok: false, refusal: failure };
      if (maxWaitMs > 0 && signal?.aborted !== true) await broker.clock.sleep(maxWaitMs, signal);
      return ok({ positions, found: [] });
    }
    const fetched = await fetchPartitions(broker, {
      positions: known,
      maxBytes,
      maxColdBytes,
      maxWaitMs,
      isWaiting,
      ...(signal === undefined ? {} : { signal }),
    });
    for (const { position, fetched: result } of fetched) {
      if (result.ok) continue;
      const key = keyOf(position);
      const isOutOfRange = result.refusal.code === "OFFSET_OUT_OF_RANGE";
      if (isOutOfRange && autoOffsetReset === "none") return result;
      // Once for each: a log that ends before its own end is a failure.
      const beginning = isOutOfRange && !reset.has(key) && (await resetPosition(broker, position, autoOffsetReset));
      if (beginning === false || !beginning.ok) {
        failure = beginning === false ? result.refusal : beginning.refusal;
        failed.add(key);
        continue;
      }
      reset.add(key);
      positions = positions.map((each) => (keyOf(each) === key ? { ...each, offset: beginning.value } : each));
    }
    const found = fetched.filter((each) => each.fetched.ok);
    if (fetched.length === 0 || found.some(hasRecords)) return ok({ positions, found });
    positions = behind(positions, found);
    if (found.length > 0 && maxWaitMs === 0 && ++latePasses > MAX_LATE_PASSES) return ok({ positions, found: [] });
  }
}

function hasRecords({ position, fetched }: FetchedPartition): boolean {
  if (!fetched.ok) return false;
  const { batches } = fetched.value;
  for (let at = 0; at < batches.length; ) {
    const { isControl, recordCount, lastOffset, sizeInBytes } = readBatchHeader(batches, at);
    if (!isControl && recordCount > 0 && lastOffset >= position.offset) return true;
    at += sizeInBytes;
  }
  return false;
}

/** A partition that was found twice is where the later one ends. */
function behind(positions: readonly PollPosition[], found: readonly FetchedPartition[]): readonly PollPosition[] {
  if (found.length === 0) return positions;
  const ends = new Map<string, number>();
  for (const { position, fetched } of found) if (fetched.ok) ends.set(keyOf(position), fetched.value.nextOffset);
  return positions.map((each) => {
    const offset = ends.get(keyOf(each));
    return offset === undefined ? each : { ...each, offset };
  });
}

/** Those whose place is known, and whose topic is still the one that was assigned. */
async function present(broker: Broker, positions: readonly PollPosition[]): Promise<Position[]> {
  const topics = await topicsByName(
    broker,
    positions.map(({ topic }) => topic),
  );
  return positions.flatMap(({ topic, topicId, partition, offset }) =>
    offset !== undefined && topics.get(topic)?.item.topicId === topicId ? [{ topic, topicId, partition, offset }] : [],
  );
}

const keyOf = ({ topic, partition }: Pick<PollPosition, "topic" | "partition">) =>
  partitionKey({ topicId: topic, partition });
