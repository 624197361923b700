import { KafkaError, type Refusal, refuse } from "../kafka/kafka-error.ts";
import { ok, type Result } from "../kafka/result.ts";
import { sliceBatches } from "../log/item-batches.ts";
import { type LogItem, logKey } from "../log/log-item.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import type { Broker } from "./broker.ts";
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
  const { topic, registration } = located.value;
  const { logStartOffset } = registration;
  const log = logKey(topic.item.topicId, request.partition);
  if (request.offset < logStartOffset) {
    const end = await readPartition(broker, log, registration, logStartOffset, 1);
    return outOfRange(request.offset, logStartOffset, end.kind === "ended" ? logStartOffset : end.logEndOffset);
  }
  const slices: Uint8Array[] = [];
  let sizeInBytes = 0;
  let nextOffset = request.offset;
  let firstWaitAt: number | undefined;
  let waitedMs = 0;
  for (let waits = 0; ; waits++) {
    const budget = request.maxBytes - sizeInBytes;
    const read = await readPartition(broker, log, registration, nextOffset, Math.max(1, budget));
    if (read.kind === "ended") return "ended";
    if (read.kind === "out-of-range") return outOfRange(request.offset, logStartOffset, read.logEndOffset);
    if (read.kind === "items") {
      const isFirst = slices.length === 0;
      const sliced = await sliceItems(at(broker, registration.leader), read.items, nextOffset, budget, isFirst);
      slices.push(...sliced.slices);
      sizeInBytes += sliced.sizeInBytes;
      nextOffset = sliced.nextOffset;
    }
    const isFull = nextOffset < read.logEndOffset;
    const now = broker.clock.now();
    const remainingMs = deadline - now;
    if (isFull || sizeInBytes >= request.minBytes || remainingMs <= 0 || request.signal?.aborted) {
      const batches = slices.length === 1 ? slices[0]! : Buffer.concat(slices);
      countFetch(broker, batches, now - begunAt - waitedMs);
      return ok({ highWatermark: read.logEndOffset, logStartOffset, batches, nextOffset });
    }
    await waitForAppend(broker, log, waits, remainingMs, request.signal);
    firstWaitAt ??= now;
    // The reads between two waits are waiting too: they found too little.
    waitedMs = broker.clock.now() - firstWaitAt;
  }
}

/** Reads item after item until the answer is full: an object is not read for nothing. */
async function sliceItems(
  broker: Broker,
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
    const sliced = sliceBatches(await itemBatches(broker, item), nextOffset, maxBytes - sizeInBytes, mustFit);
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
