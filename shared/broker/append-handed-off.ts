import { KafkaError } from "../kafka/kafka-error.ts";
import { type LogKey, logKey } from "../log/log-item.ts";
import { IDLE_ITEMS_KEPT_MS } from "../log/segment/tiering-state.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import { sideBySide } from "../runtime/side-by-side.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";
import { localLogStartOffset } from "./cold/read-cold.ts";
import type { HandedOffAppend } from "./handed-off-event.ts";
import { LATEST_TIMESTAMP, listOffsets } from "./list-offsets.ts";
import { type LocatedPartition, locatePartition } from "./locate-partition.ts";
import { READ_TIMEOUT_MS } from "./log-view.ts";
import { noteFailure } from "./note-failure.ts";
import { produceBatches } from "./produce-batches.ts";
import { at } from "./replica-stores.ts";

const PARTITIONS_AT_ONCE = 16;
/** Lambda brings an event whose invocation failed again after a minute: older than this, it may have been here before. */
const FIRST_TIME_MS = 30_000;
/** Clocks of two processes. */
const CLOCK_SLACK_MS = 5_000;
const PAGE = { maxItems: 1_000, maxBytes: 1024 * 1024 };
/** What is read of a log to find out whether an append is in it. */
const MAX_PAGES = 64;

/**
 * Appends what was handed off, as acks=1 does; appends of one partition in their order. It fails for nobody: the producer has its
 * answer, so what cannot be appended is told of, counted, and lost.
 */
export async function appendHandedOff(
  broker: Broker,
  appends: readonly HandedOffAppend[],
  timeoutMs: number,
): Promise<void> {
  const byPartition = Map.groupBy(appends, ({ topicId, partition }) => `${topicId}#${partition}`);
  const deadline = broker.clock.now() + timeoutMs;
  await sideBySide([...byPartition.values()], PARTITIONS_AT_ONCE, async (own) => {
    for (const append of own) await appendOne(broker, append, deadline);
  });
  await settle(broker, Math.max(1, deadline - broker.clock.now()));
}

/** What an append began, the upkeep of its log: the process may stop with this. */
async function settle({ background, clock, logger }: Broker, withinMs: number): Promise<void> {
  try {
    await withTimeout(clock, withinMs, "background work", background.settled());
  } catch (error) {
    logger.warn("what appends with acks=0 began has not ended", {}, error);
  }
}

async function appendOne(broker: Broker, append: HandedOffAppend, deadline: number): Promise<void> {
  const { topic, topicId, partition, appendId, batches } = append;
  const fields = { topic, partition };
  try {
    const located = await locatePartition(broker, topic, partition);
    if (!located.ok || located.value.topic.item.topicId !== topicId) {
      broker.logger.warn("an append with acks=0 is for a topic that is gone", fields);
      return;
    }
    if (await isAppended(broker, located.value, append)) return;
    const timeoutMs = Math.max(1, deadline - broker.clock.now());
    const produced = await produceBatches(broker, { topic, partition, batches, acks: 1, timeoutMs, appendId });
    // Failures of stores were told of and counted where they were caught.
    if (!produced.ok) {
      broker.logger.warn("an append with acks=0 was refused", { ...fields, code: produced.refusal.code });
    }
  } catch (error) {
    noteFailure(broker, "an append with acks=0 failed after it was answered", fields, error);
  }
}

/**
 * Whether it is in the leader's table already, looked for from where its timestamp can be on. Only where it may have been tried
 * before: that costs reads. Errors: KafkaError of the store; KAFKA_STORAGE_ERROR where it cannot be told.
 */
async function isAppended(
  broker: Broker,
  { topic: { item }, registration }: LocatedPartition,
  { topicId, partition, appendId, handedOffAt, batches }: HandedOffAppend,
): Promise<boolean> {
  if (broker.clock.now() - handedOffAt < FIRST_TIME_MS) return false;
  const largest = Math.max(...batchHeaders(batches).map(({ header }) => header.maxTimestamp));
  const timestamp = Math.max(0, Math.min(largest, handedOffAt - CLOCK_SLACK_MS));
  const listed = await offsetOf(broker, item.name, partition, timestamp);
  // What is not committed yet lies behind the highWatermark.
  const from = listed >= 0 ? listed : await offsetOf(broker, item.name, partition, LATEST_TIMESTAMP);
  const { logStore, clock } = at(broker, registration.leader);
  const log = logKey(topicId, partition);
  // Segments have no appendId; and until then no item is deleted that was appended since.
  const isLongAgo = clock.now() - handedOffAt >= IDLE_ITEMS_KEPT_MS;
  if (isLongAgo && from < (await localLogStartOffset(broker, log, registration))) throw untold(log);
  const read = <T>(reading: Promise<T>) => withTimeout(clock, READ_TIMEOUT_MS, "reading the log", reading);
  const first = await read(logStore.readItemAtOrBelow(log, from));
  if (first?.appendId === appendId) return true;
  let next = from;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { items, isEnd } = await read(logStore.readItems(log, next, PAGE));
    if (items.some((found) => found.appendId === appendId)) return true;
    if (isEnd || items.length === 0) return false;
    next = items.at(-1)!.baseOffset + 1;
  }
  throw untold(log);
}

function untold(log: LogKey): KafkaError {
  return new KafkaError("KAFKA_STORAGE_ERROR", `too much was appended to ${log} since to tell whether this was`, {
    hint: "it was handed off long ago, and may be in the log",
  });
}

async function offsetOf(broker: Broker, topic: string, partition: number, timestamp: number): Promise<number> {
  const listed = await listOffsets(broker, { topic, partition, timestamp });
  if (listed.ok) return listed.value.offset;
  throw new KafkaError(listed.refusal.code, listed.refusal.message);
}
