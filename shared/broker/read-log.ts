import { KafkaError } from "../kafka/kafka-error.ts";
import { chainItems } from "../log/chain.ts";
import { rebaseBatches } from "../log/item-batches.ts";
import type { LogItem, LogKey } from "../log/log-item.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { Broker, BrokerParts } from "./broker.ts";
import { READ_TIMEOUT_MS } from "./log-view.ts";

const OBJECT_TIMEOUT_MS = 15_000;

/** A hint of the log's end older than this is not answered as a highWatermark. */
const LOG_END_HINT_MS = 1_000;

const UNKNOWN_ITEM_BYTES = 4 * 1024;

/** What lies at an offset of a log. */
export type LogRead =
  | {
      readonly kind: "items";
      readonly items: readonly LogItem[];
      readonly logEndOffset: number;
      /** Whose stores they are from; unless told, the leader's. */
      readonly brokerId?: number;
    }
  /** Of segments: whole batches, cut already. None where there is a gap up to `nextOffset`. */
  | {
      readonly kind: "batches";
      readonly batches: Uint8Array;
      readonly nextOffset: number;
      readonly logEndOffset: number;
    }
  /** `isUnanswered`: the leader, which would know of more, does not answer. */
  | { readonly kind: "at-end"; readonly logEndOffset: number; readonly isUnanswered?: true }
  /** `logStartOffset`: it moved meanwhile. */
  | { readonly kind: "out-of-range"; readonly logEndOffset: number; readonly logStartOffset?: number }
  /** The topic was deleted. */
  | { readonly kind: "ended" };

/**
 * The items from the one that contains `offset`, about `maxBytes` of them; `startOffset`: from where on items are the log. One
 * request when `offset` is where an item begins, which it is for a consumer that reads on; two in mid-item and at a log's end that
 * this process did not know.
 */
export async function readLog(
  broker: Broker,
  log: LogKey,
  startOffset: number,
  offset: number,
  maxBytes: number,
): Promise<LogRead> {
  const itemBytes = broker.logEnds.get(log)?.itemBytes ?? UNKNOWN_ITEM_BYTES;
  const maxItems = Math.min(1000, Math.ceil(maxBytes / itemBytes) + 1);
  const page = await read(broker, broker.logStore.readItems(log, offset, { maxItems, maxBytes }));
  let items: readonly LogItem[] = page.items;
  if (items[0]?.baseOffset !== offset) {
    if (items.length === 0 && broker.logEnds.get(log)?.logEndOffset === offset) return atEnd(broker, log, offset);
    const below = await read(broker, broker.logStore.readItemAtOrBelow(log, offset));
    const reached = below === undefined ? startOffset : below.lastOffset + 1;
    if (below?.payload.kind === "end-of-log") return { kind: "ended" };
    if (below !== undefined && reached > offset) items = [below, ...items];
    else if (reached === offset && items.length === 0) return atEnd(broker, log, offset);
    else return { kind: "out-of-range", logEndOffset: await logEndOffsetOf(broker, log, startOffset) };
  }
  const first = items[0]!;
  // A fetch comes into the middle of the chain: its first item is taken without its link.
  const chained = [...chainItems({ logEndOffset: first.baseOffset, lastEpoch: undefined }, items)];
  if (chained.some(({ payload }) => payload.kind === "end-of-log")) return { kind: "ended" };
  const last = chained.at(-1)!;
  const isEnd = page.isEnd && chained.length === items.length;
  const logEndOffset = isEnd
    ? last.lastOffset + 1
    : await logEndOffsetAtLeast(broker, log, startOffset, last.lastOffset + 1);
  const readBytes = chained.reduce((bytes, { payload }) => bytes + payloadBytes(payload), 0);
  const readAt = isEnd ? broker.clock.now() : (broker.logEnds.get(log)?.readAt ?? 0);
  broker.logEnds.set(log, { logEndOffset, readAt, itemBytes: Math.max(64, Math.ceil(readBytes / chained.length)) });
  return { kind: "items", items: chained, logEndOffset };
}

/** logEndOffset by a strongly consistent read of the last item. */
export async function logEndOffsetOf(broker: Broker, log: LogKey, logStartOffset: number): Promise<number> {
  const last = await read(broker, broker.logStore.readItemAtOrBelow(log, Number.MAX_SAFE_INTEGER));
  const logEndOffset = last === undefined ? logStartOffset : last.lastOffset + 1;
  const itemBytes = last === undefined ? UNKNOWN_ITEM_BYTES : Math.max(64, payloadBytes(last.payload));
  const known = broker.logEnds.get(log);
  const readAt = broker.clock.now();
  broker.logEnds.set(log, { logEndOffset, readAt, itemBytes: known?.itemBytes ?? itemBytes });
  return logEndOffset;
}

/** The RecordBatches of an item at their final offsets. Errors: KAFKA_STORAGE_ERROR if its object is gone. */
export async function itemBatches(
  broker: Pick<BrokerParts, "segmentStore" | "clock">,
  item: LogItem,
): Promise<Uint8Array> {
  if (item.payload.kind === "inline") return item.payload.batches;
  if (item.payload.kind === "end-of-log") return new Uint8Array();
  const { key } = item.payload.object;
  const get = broker.segmentStore.getObject(key);
  const bytes = await withTimeout(broker.clock, OBJECT_TIMEOUT_MS, "the segment store", get);
  if (bytes === undefined) throw new KafkaError("KAFKA_STORAGE_ERROR", `object ${key} of the log is missing`);
  rebaseBatches(bytes, item.baseOffset, item.leaderEpoch);
  return bytes;
}

function atEnd(broker: Broker, log: LogKey, logEndOffset: number): LogRead {
  const itemBytes = broker.logEnds.get(log)?.itemBytes ?? UNKNOWN_ITEM_BYTES;
  broker.logEnds.set(log, { logEndOffset, readAt: broker.clock.now(), itemBytes });
  return { kind: "at-end", logEndOffset };
}

/** A logEndOffset that is not below `reached`, from what this process knew `hintMs` ago if that says more. */
export async function logEndOffsetAtLeast(
  broker: Broker,
  log: LogKey,
  logStartOffset: number,
  reached: number,
  hintMs = LOG_END_HINT_MS,
): Promise<number> {
  const written = broker.writers.knownLogEndOffset(log) ?? 0;
  if (written > reached) return written;
  const hint = broker.logEnds.get(log);
  const isRecent = hint !== undefined && broker.clock.now() - hint.readAt < hintMs;
  if (isRecent && hint.logEndOffset > reached) return hint.logEndOffset;
  return Math.max(reached, await logEndOffsetOf(broker, log, logStartOffset));
}

function payloadBytes(payload: LogItem["payload"]): number {
  if (payload.kind === "inline") return payload.batches.length;
  return payload.kind === "object" ? payload.object.sizeInBytes : 0;
}

function read<T>(broker: Broker, reading: Promise<T>): Promise<T> {
  return withTimeout(broker.clock, READ_TIMEOUT_MS, "reading the log", reading);
}
