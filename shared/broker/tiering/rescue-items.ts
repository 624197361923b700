import { KafkaError } from "../../kafka/kafka-error.ts";
import type { LogItem } from "../../log/log-item.ts";
import { MAX_TIERING_LAG_MS, rescued } from "../../log/retention-expiry.ts";
import { type TieringState, tieringLagMs } from "../../log/segment/tiering-state.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import { hasTime, type UpkeepBroker, type UpkeepLog } from "./upkeep-log.ts";

const PAGE = { maxItems: 1_000, maxBytes: 1024 * 1024 };
const FIRST = { maxItems: 1, maxBytes: 1 };

/**
 * Takes the TTL off hot items that must stay though it ends soon, in every replica's table: the first item is looked at by every run, which is
 * an idle log's last one; all of them while tiering is far behind. Answers how many. Errors: KafkaError of the leader's store.
 */
export async function rescueItems(broker: UpkeepBroker, of: UpkeepLog, state: TieringState): Promise<number> {
  const isBehind = tieringLagMs(state, broker.clock.now()) > MAX_TIERING_LAG_MS;
  let count = 0;
  const { replicas, leader } = of.registration;
  for (const id of new Set([leader, ...replicas])) {
    try {
      const inTable = await rescueIn(broker, of, id, state.localLogStartOffset, isBehind);
      if (id === leader) count = inTable;
    } catch (error) {
      if (id === leader || !(error instanceof KafkaError)) throw error;
      broker.logger.warn("a follower's items were not looked at", { log: of.log, broker: id }, error);
    }
  }
  return count;
}

async function rescueIn(
  broker: UpkeepBroker,
  of: UpkeepLog,
  id: number,
  localLogStartOffset: number,
  isWhole: boolean,
): Promise<number> {
  const { logStore } = at(broker, id);
  const rescue = async (item: LogItem) => {
    const kept = rescued(item, localLogStartOffset, broker.clock.now());
    if (kept === undefined) return 0;
    const replace = () => logStore.replaceItem(of.log, kept, item);
    return (await untilKnown(broker, "keeping an item", replace)).kind === "written" ? 1 : 0;
  };
  // The log's start may lie within an item.
  const find = () => logStore.readItemAtOrBelow(of.log, localLogStartOffset);
  const first = await untilKnown(broker, "reading the log", find);
  const holdsStart = first !== undefined && first.lastOffset >= localLogStartOffset;
  let count = holdsStart ? await rescue(first) : 0;
  if (holdsStart && !isWhole) return count;
  for (let next = holdsStart ? first.lastOffset + 1 : localLogStartOffset; ; ) {
    const from = next;
    const read = () => logStore.readItems(of.log, from, isWhole ? PAGE : FIRST);
    const page = await untilKnown(broker, "reading the log", read);
    // What stands in between is debris, or a sleeper's: taken along, it does no harm.
    for (const item of page.items) count += await rescue(item);
    const last = page.items.at(-1);
    if (!isWhole || page.isEnd || last === undefined || !hasTime(broker, of)) return count;
    next = last.baseOffset + 1;
  }
}
