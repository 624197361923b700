import { chainItems } from "../log/chain.ts";
import { epochAt } from "../log/leader-epochs.ts";
import type { LogItem, LogKey } from "../log/log-item.ts";
import type { LogState } from "../log/log-state.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { READ_TIMEOUT_MS } from "./log-view.ts";

/** Items of fenced leaders that may lie one upon the other at one place. */
const MAX_DEBRIS = 100;
const MAX_ITEMS = 1000;

/** One region's table. */
type Table = Pick<BrokerParts, "logStore" | "clock">;

/**
 * The items of a replicated log from the one that contains `offset` on, as far as they are committed and lie in this table,
 * about `maxBytes` of them; undefined if that one is not there. No debris.
 */
export async function readCommitted(
  table: Table,
  log: LogKey,
  committed: LogState,
  offset: number,
  maxBytes: number,
): Promise<readonly LogItem[] | undefined> {
  const read = table.logStore.readItems(log, offset, { maxItems: MAX_ITEMS, maxBytes });
  const { items } = await withTimeout(table.clock, READ_TIMEOUT_MS, "reading the log", read);
  let page = items.filter((item) => isOfLog(committed, item));
  if (page[0]?.baseOffset !== offset) {
    const covering = await itemAtOrBelow(table, log, committed, offset);
    if (covering === undefined || covering.lastOffset < offset) return undefined;
    page = [covering, ...page];
  }
  // A fetch comes into the middle of the chain: its first item is taken without its link.
  return [...chainItems({ logEndOffset: page[0]!.baseOffset, lastEpoch: undefined }, page)];
}

/**
 * The item of the log with the greatest baseOffset <= `offset`; below the highWatermark and no debris, where `committed`
 * tells what that is.
 */
export async function itemAtOrBelow(
  table: Table,
  log: LogKey,
  committed: LogState | undefined,
  offset: number,
): Promise<LogItem | undefined> {
  let below = committed === undefined ? offset : Math.min(offset, committed.logEndOffset - 1);
  for (let looks = 0; looks < MAX_DEBRIS && below >= 0; looks++) {
    const read = table.logStore.readItemAtOrBelow(log, below);
    const item = await withTimeout(table.clock, READ_TIMEOUT_MS, "reading the log", read);
    if (item === undefined || committed === undefined || isOfLog(committed, item)) return item;
    below = item.baseOffset - 1;
  }
  return undefined;
}

/**
 * Whether it is committed, and no debris: below the committed end, an item's place tells its epoch, as far back as epochs
 * are remembered; and by place and epoch it is known, in whatever region's table it lies.
 */
function isOfLog({ epochs, logEndOffset }: LogState, item: LogItem): boolean {
  if (item.lastOffset >= logEndOffset) return false;
  const epoch = epochAt(epochs, item.baseOffset);
  return epoch === undefined || epoch === item.leaderEpoch;
}
