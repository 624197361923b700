import { KafkaError } from "../../kafka/kafka-error.ts";
import type { LogItem } from "../../log/log-item.ts";
import { batchBytes, estimateBytes, sealableItems, type UntieredStretch } from "../../log/segment/tiering-plan.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import type { CommittedEnd } from "./committed-end.ts";
import type { UpkeepBroker, UpkeepLog } from "./upkeep-log.ts";

/** What is looked at to judge a stretch, twice by every run: some KiB at its begin, and its last item. A query is billed by all items that it may bring. */
const SAMPLE = { maxItems: 16, maxBytes: 32 * 1024 };
/** Epochs that follow each other without a record between them. */
const MAX_PAGES = 100;

export interface FoundStretch extends UntieredStretch {
  /** Where its first item begins: below the log's start, if that lies within it. */
  readonly baseOffset: number;
}

/**
 * What is committed from `fromOffset` on and in no segment; undefined: nothing, or barriers alone. Errors: KAFKA_STORAGE_ERROR where hot items
 * are missing: a TTL has outrun tiering.
 */
export async function untieredStretch(
  broker: UpkeepBroker,
  of: UpkeepLog,
  fromOffset: number,
  { highWatermark, lastItem }: CommittedEnd,
): Promise<FoundStretch | undefined> {
  if (fromOffset >= highWatermark) return undefined;
  const { logStore } = at(broker, of.registration.leader);
  const seen: LogItem[] = [];
  let baseOffset: number | undefined;
  for (let pages = 0, next = fromOffset; pages < MAX_PAGES && next < highWatermark; pages++) {
    const from = next;
    const page = await untilKnown(broker, "reading the log", () => logStore.readItems(of.log, from, SAMPLE));
    let { items } = page;
    if (baseOffset === undefined && items[0]?.baseOffset !== from) {
      const find = () => logStore.readItemAtOrBelow(of.log, from);
      const holding = await untilKnown(broker, "reading the log", find);
      if (holding === undefined || holding.lastOffset < from) throw missing(of, from);
      items = [holding, ...items];
    }
    baseOffset ??= items[0]!.baseOffset;
    seen.push(...sealableItems(items, seen.length === 0 ? baseOffset : from, highWatermark));
    const first = seen.find(({ waitFor }) => waitFor === undefined);
    const end = (seen.at(-1)?.lastOffset ?? from - 1) + 1;
    if (first !== undefined) {
      const bytes = seen.reduce((sum, item) => sum + batchBytes(item), 0);
      const rest = highWatermark - end;
      return { baseOffset, first, bytes: bytes + (rest === 0 ? 0 : estimateBytes(samples(seen, lastItem), rest)) };
    }
    if (end === from) break;
    next = end;
  }
  return undefined;
}

function samples(seen: readonly LogItem[], lastItem: LogItem | undefined) {
  return (lastItem === undefined ? seen : [...seen, lastItem]).map((item) => ({
    offsets: item.lastOffset - item.baseOffset + 1,
    bytes: batchBytes(item),
  }));
}

function missing({ log }: UpkeepLog, offset: number): KafkaError {
  return new KafkaError(
    "KAFKA_STORAGE_ERROR",
    `the hot items of ${log} at ${offset} are missing, and no segment has them`,
    {
      hint: "restore the log table to a moment before, or delete the records up to the next offset that there is",
    },
  );
}
