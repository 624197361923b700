import type { LogItem } from "../../log/log-item.ts";
import { itemAtOrBelow } from "../committed-items.ts";
import { at } from "../replica-stores.ts";
import type { CommittedEnd } from "./committed-end.ts";
import type { UpkeepBroker, UpkeepLog } from "./upkeep-log.ts";

/** Halvings of a log's offsets. */
const MAX_STEPS = 60;

/**
 * Up to where hot items that no segment has are older than retention.ms, exclusive: they go without having been copied. `fromOffset`: all below
 * is expired. Found by bisection over the running maximum of timestamps that items carry, in some reads; one where nothing is.
 * The last committed item stays.
 */
export async function expiredHotEnd(
  broker: UpkeepBroker,
  of: UpkeepLog,
  fromOffset: number,
  { lastItem, committed }: CommittedEnd,
): Promise<number> {
  const { isDeleted, retentionMs } = of.terms;
  if (!isDeleted || !Number.isFinite(retentionMs) || lastItem === undefined) return fromOffset;
  const leader = at(broker, of.registration.leader);
  const cutoff = broker.clock.now() - retentionMs;
  // An item without any time so far expires by none.
  const isExpired = ({ maxTimestampSoFar }: LogItem) => maxTimestampSoFar >= 0 && maxTimestampSoFar <= cutoff;
  let end = fromOffset;
  let low = fromOffset;
  let high = lastItem.baseOffset - 1;
  for (let step = 0; step < MAX_STEPS && low <= high; step++) {
    // The first look is at the first item: mostly nothing is expired.
    const middle = step === 0 ? low : low + Math.floor((high - low) / 2);
    const item = await itemAtOrBelow(leader, of.log, committed, middle);
    if (item === undefined || item.lastOffset < low) {
      // Items that are gone already: what comes next tells.
      low = middle + 1;
    } else if (isExpired(item)) {
      end = item.lastOffset + 1;
      low = end;
    } else {
      high = item.baseOffset - 1;
    }
  }
  return Math.min(end, lastItem.baseOffset);
}
