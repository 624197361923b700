import { KafkaError } from "../kafka/kafka-error.ts";
import { epochAt } from "../log/leader-epochs.ts";
import type { LogItem, LogKey } from "../log/log-item.ts";
import type { LogState } from "../log/log-state.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";
import { confirmLeader } from "./confirm-leader.ts";
import { READ_TIMEOUT_MS } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { isReplicated } from "./partition-view.ts";
import { type LogRead, readLog } from "./read-log.ts";
import { at } from "./replica-stores.ts";

/** Items of fenced leaders that may lie one upon the other at one place. */
const MAX_DEBRIS = 100;
const MAX_ITEMS = 1000;

/**
 * What a consumer may see from `offset` on: with one replica the whole log, with several what lies below the highWatermark.
 * `logEndOffset` in the answer is the highWatermark.
 */
export async function readPartition(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  offset: number,
  maxBytes: number,
): Promise<LogRead> {
  if (!isReplicated(registration)) return readLog(broker, log, registration.logStartOffset, offset, maxBytes);
  const known = broker.committed.known(log);
  const isBelow = known !== undefined && offset < known.logEndOffset;
  const looked = isBelow ? undefined : await broker.committed.look(log, registration);
  const committed = looked?.committed ?? known!;
  const { logEndOffset } = committed;
  if (committed.isEnded) return { kind: "ended" };
  // Between the highWatermark and the log's end there is nothing to see yet: a consumer may have seen a later highWatermark.
  const isBeyond = looked !== undefined && offset > looked.logEndOffset;
  // The log of a leader that was fenced ends early: whoever says so has asked who leads.
  if (isBeyond) await confirmLeader(broker, registration);
  if (isBeyond || offset < registration.logStartOffset) return { kind: "out-of-range", logEndOffset };
  if (offset >= logEndOffset) return { kind: "at-end", logEndOffset };
  const leader = at(broker, registration.leader);
  const isCommitted = (item: LogItem) => item.lastOffset < logEndOffset && isOfLog(committed, item);
  const read = leader.logStore.readItems(log, offset, { maxItems: MAX_ITEMS, maxBytes });
  const page = (await withTimeout(leader.clock, READ_TIMEOUT_MS, "reading the log", read)).items.filter(isCommitted);
  const items = page[0]?.baseOffset === offset ? page : [await covering(leader, log, committed, offset), ...page];
  return { kind: "items", items: withoutGaps(items), logEndOffset };
}

/** The item of the log with the greatest baseOffset <= `offset`, below the highWatermark; no debris. */
export async function itemAtOrBelow(
  leader: Broker,
  log: LogKey,
  committed: LogState | undefined,
  offset: number,
): Promise<LogItem | undefined> {
  let below = committed === undefined ? offset : Math.min(offset, committed.logEndOffset - 1);
  for (let looks = 0; looks < MAX_DEBRIS && below >= 0; looks++) {
    const read = leader.logStore.readItemAtOrBelow(log, below);
    const item = await withTimeout(leader.clock, READ_TIMEOUT_MS, "reading the log", read);
    if (item === undefined || committed === undefined || isOfLog(committed, item)) return item;
    below = item.baseOffset - 1;
  }
  return undefined;
}

/** The item of the log that contains the offset. Errors: KAFKA_STORAGE_ERROR if it is not there. */
async function covering(leader: Broker, log: LogKey, committed: LogState, offset: number): Promise<LogItem> {
  const item = await itemAtOrBelow(leader, log, committed, offset);
  if (item !== undefined && item.lastOffset >= offset) return item;
  throw new KafkaError("KAFKA_STORAGE_ERROR", `the item of ${log} at ${offset} is missing`, { hint: "try again" });
}

/** Whether it is no debris: below the committed end, an item's place tells its epoch, as far back as epochs are remembered. */
function isOfLog({ epochs }: LogState, item: LogItem): boolean {
  const epoch = epochAt(epochs, item.baseOffset);
  return epoch === undefined || epoch === item.leaderEpoch;
}

function withoutGaps(items: readonly LogItem[]): readonly LogItem[] {
  const gap = items.findIndex((item, index) => index > 0 && items[index - 1]!.lastOffset + 1 !== item.baseOffset);
  return gap < 0 ? items : items.slice(0, gap);
}
