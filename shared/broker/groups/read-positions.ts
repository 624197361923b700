import { partitionKey } from "../../group/partitions-by-topic.ts";
import type { Refusal } from "../../kafka/kafka-error.ts";
import { ok, type Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { type FetchedPartition, fetchPartitions } from "./fetch-partitions.ts";
import { topicsByName } from "./named-partitions.ts";
import type { Poll, PollPosition } from "./poll.ts";
import { type Position, resetPosition } from "./start-positions.ts";

export interface ReadPositions extends Pick<Poll, "positions" | "autoOffsetReset" | "maxBytes" | "signal"> {
  /** Waits until then, milliseconds since the epoch, for the first record. */
  readonly untilMs: number;
  /** It has waited before. */
  readonly isWaiting: boolean;
}

export interface ReadRecords {
  /** Those given; what was outside of its log begins where auto.offset.reset says. */
  readonly positions: readonly PollPosition[];
  readonly found: readonly FetchedPartition[];
}

/**
 * What has come for a consumer, or nothing once the time is over. A partition that cannot be read does not keep the others from being read. Refusals:
 * OFFSET_OUT_OF_RANGE with auto.offset.reset "none"; the last one met if nothing can be read at all.
 */
export async function readPositions(broker: Broker, request: ReadPositions): Promise<Result<ReadRecords>> {
  const { autoOffsetReset, maxBytes, untilMs, isWaiting, signal } = request;
  let { positions } = request;
  let failure: Refusal | undefined;
  const failed = new Set<string>();
  const reset = new Set<string>();
  for (;;) {
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
    if (found.length > 0 || fetched.length === 0) return ok({ positions, found });
  }
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
