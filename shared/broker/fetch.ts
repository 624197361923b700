import { KafkaError, type Refusal, refuse } from "../kafka/kafka-error.ts";
import { ok, type Result } from "../kafka/result.ts";
import { sliceBatches } from "../log/item-batches.ts";
import { type LogItem, logKey } from "../log/log-item.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import type { Broker } from "./broker.ts";
import { localLogStartOffset } from "./cold/read-cold.ts";
import { followLeader } from "./follow-leader.ts";
import { locatePartition } from "./locate-partition.ts";
import { noteFailure } from "./note-failure.ts";
import { itemBatches } from "./read-log.ts";
import { readPartition } from "./read-partition.ts";
import { at } from "./replica-stores.ts";
import { waitForAppend } from "./wait-for-append.ts";

export interface FetchRequest {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Whole batches up to so many bytes; the first batch comes whatever its size (KIP-74). */
  readonly maxBytes: number;
  /** As many may come from segments, where a request costs the same whatever it brings; unless told, maxBytes. */
  readonly maxColdBytes?: number;
  /** Wait until there are so many bytes ... */
  readonly minBytes: number;
  /** ... or so much time has passed, in milliseconds. */
  readonly maxWaitMs: number;
  /** Ends the wait: the client is gone. */
  readonly signal?: AbortSignal;
}

export interface Fetched {
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** Below, the log is read from segments. */
  readonly localLogStartOffset: number;
  /** Whole RecordBatches as they were produced; the first contains the offset asked for. */
  readonly batches: Uint8Array;
  /** The offset to fetch next. */
  readonly nextOffset: number;
}

/** Why a fetch was refused; both offsets with OFFSET_OUT_OF_RANGE. */
export interface FetchRefusal extends Refusal {
  readonly logStartOffset?: number;
  readonly highWatermark?: number;
}

/** Segments without a record in a row that one fetch passes over. */
const MAX_GAPS = 100;

type FetchResult = Result<Fetched, FetchRefusal>;

/** Fetches RecordBatches of one partition from an offset: Kafka's Fetch for one partition. */
export async function fetch(broker: Broker, request: FetchRequest): Promise<FetchResult> {
  try {
    const ask = () => followLeader(broker, request.topic, () => fetchOnce(broker, request));
    const fetched = await ask();
    if (fetched !== "ended") return fetched;
    // Deleted, and perhaps created anew under its name: asked once more by name.
    broker.topics.invalidate(request.topic);
    const again = await ask();
    if (again !== "ended") return again;
    return { ok: false, refusal: refuse("UNKNOWN_TOPIC_OR_PARTITION", "the topic was deleted") };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    // A leader that does not answer may not be the leader any more.
    broker.topics.invalidate(request.topic);
    noteFailure(broker, "a fetch failed", { topic: request.topic, partition: request.partition }, error);
    return { ok: false, refusal: error };
  }
}

async function fetchOnce(broker: Broker, request: FetchRequest): Promise<FetchResult | "ended"> {
  const begunAt = broker.clock.now();
  const deadline = begunAt + request.maxWaitMs;
  const located = await locatePartition(broker, request.topic, request.partition);
  if (!located.ok) return located;
  let { registration } = located.value;
  const { topicId } = registration;
  const log = logKey(topicId, request.partition);
  const slices: Uint8Array[] = [];
  let sizeInBytes = 0;
  let nextOffset = request.offset;
  let gaps = 0;
  let firstWaitAt: number | undefined;
  let waitedMs = 0;
  for (let waits = 0; ; ) {
    const budget = request.maxBytes - sizeInBytes;
    const read = await readPartition(broker, log, registration, nextOffset, {
      maxBytes: Math.max(1, budget),
      maxColdBytes: Math.max(1, (request.maxColdBytes ?? request.maxBytes) - sizeInBytes),
      mustFit: slices.length > 0,
    });
    if (read.kind === "ended") return "ended";
    if (read.kind === "out-of-range") {
      const { logStartOffset = registration.logStartOffset, logEndOffset } = read;
      if (logStartOffset !== registration.logStartOffset) broker.topics.invalidate(request.topic);
      return outOfRange(request.offset, logStartOffset, logEndOffset);
    }
    const readFrom = nextOffset;
    if (read.kind === "batches") {
      if (read.batches.length > 0) slices.push(read.batches);
      sizeInBytes += read.batches.length;
      nextOffset = read.nextOffset;
    }
    if (read.kind === "items") {
      const batchesOf = batchesFrom(broker, read.brokerId ?? registration.leader, registration.leader);
      const sliced = await sliceItems(batchesOf, read.items, nextOffset, budget, slices.length === 0);
      slices.push(...sliced.slices);
      sizeInBytes += sliced.sizeInBytes;
      nextOffset = sliced.nextOffset;
    }
    const now = broker.clock.now();
    const remainingMs = deadline - now;
    const isEnough = sizeInBytes >= request.minBytes || remainingMs <= 0 || request.signal?.aborted;
    const hasMore = read.kind === "batches" || (read.kind === "items" && nextOffset < read.logEndOffset);
    const goesOn = hasMore && nextOffset > readFrom;
    // Compaction left nothing here: what comes next is what was asked for, however little time there is.
    if (goesOn && slices.length === 0 && ++gaps < MAX_GAPS && !request.signal?.aborted) continue;
    // What was read ended with a page, with what this region holds, or with a segment, and not with the budget.
    if (goesOn && !isEnough && sizeInBytes < request.maxBytes) continue;
    if (hasMore || isEnough) {
      const batches = slices.length === 1 ? slices[0]! : Buffer.concat(slices);
      countFetch(broker, batches, now - begunAt - waitedMs);
      return ok({
        highWatermark: read.logEndOffset,
        logStartOffset: registration.logStartOffset,
        localLogStartOffset: await localLogStartOffset(broker, log, registration),
        batches,
        nextOffset,
      });
    }
    await waitForAppend(broker, log, waits++, remainingMs, request.signal);
    firstWaitAt ??= now;
    // The reads between two waits are waiting too: they found too little.
    waitedMs = broker.clock.now() - firstWaitAt;
    // A wait may outlast a leader, or a topic.
    if (read.kind === "at-end" && read.isUnanswered) broker.topics.invalidate(request.topic);
    const relocated = await locatePartition(broker, request.topic, request.partition);
    if (!relocated.ok || relocated.value.registration.topicId !== topicId) return "ended";
    registration = relocated.value.registration;
  }
}

type BatchesOf = (item: LogItem) => Promise<Uint8Array>;

/** The batches of items that lie with one broker; what its bucket does not give, the leader's may. */
function batchesFrom(broker: Broker, brokerId: number, leader: number): BatchesOf {
  if (brokerId === leader) return (item) => itemBatches(at(broker, leader), item);
  return (item) =>
    itemBatches(at(broker, brokerId), item).catch((error) => {
      if (!(error instanceof KafkaError)) throw error;
      return itemBatches(at(broker, leader), item);
    });
}

/** Reads item after item until the answer is full: an object is not read for nothing. */
async function sliceItems(
  batchesOf: BatchesOf,
  items: readonly LogItem[],
  offset: number,
  maxBytes: number,
  isFirst: boolean,
) {
  const slices: Uint8Array[] = [];
  let sizeInBytes = 0;
  let nextOffset = offset;
  for (const item of items) {
    if (item.lastOffset < offset) continue;
    const mustFit = !isFirst || sizeInBytes > 0;
    if (mustFit && maxBytes - sizeInBytes <= 0) break;
    const sliced = sliceBatches(await batchesOf(item), nextOffset, maxBytes - sizeInBytes, mustFit);
    if (sliced.slice.length > 0) slices.push(sliced.slice);
    sizeInBytes += sliced.slice.length;
    nextOffset = sliced.nextOffset;
    if (nextOffset <= item.lastOffset) break;
  }
  return { slices, sizeInBytes, nextOffset };
}

function countFetch({ metrics }: Broker, batches: Uint8Array, latencyMs: number): void {
  const headers = batchHeaders(batches).map(({ header }) => header);
  metrics.count(
    "RecordsOut",
    headers.reduce((count, { isControl, recordCount }) => count + (isControl ? 0 : recordCount), 0),
  );
  metrics.count("BytesOut", batches.length);
  metrics.duration("FetchLatency", latencyMs);
}

function outOfRange(offset: number, logStartOffset: number, highWatermark: number): FetchResult {
  return {
    ok: false,
    refusal: {
      ...refuse(
        "OFFSET_OUT_OF_RANGE",
        `offset ${offset} is outside of the log, which goes from ${logStartOffset} to ${highWatermark}`,
        "read from log_start_offset (earliest) or high_watermark (latest)",
      ),
      logStartOffset,
      highWatermark,
    },
  };
}
