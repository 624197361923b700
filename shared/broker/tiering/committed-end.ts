import type { LogItem } from "../../log/log-item.ts";
import type { LogState } from "../../log/log-state.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import { itemAtOrBelow } from "../committed-items.ts";
import { loadLog, READ_TIMEOUT_MS } from "../log-view.ts";
import { isReplicated } from "../partition-view.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import type { UpkeepBroker, UpkeepLog } from "./upkeep-log.ts";

/** Looks at a log's end, each of which follows some thousand items: a checkpoint is never far below. */
const MAX_LOOKS = 64;

/** Where the committed part of a log ends, in the leader's table. */
export interface CommittedEnd {
  readonly highWatermark: number;
  /** The last committed item; undefined: the log is empty. */
  readonly lastItem: LogItem | undefined;
  /** The topic was deleted: nothing is kept any more. */
  readonly isEnded: boolean;
  /** Of a replicated log: the fold of what is committed. With one replica nothing needs it here. */
  readonly committed: LogState | undefined;
}

/** One read with one replica, where all that is in the table is committed; several: what all of them hold. */
export async function committedEnd(broker: UpkeepBroker, of: UpkeepLog): Promise<CommittedEnd> {
  const { log, registration } = of;
  const leader = at(broker, registration.leader);
  if (isReplicated(registration)) {
    const committed = await committedState(broker, of);
    const { logEndOffset, isEnded } = committed;
    const lastItem = await itemAtOrBelow(leader, log, committed, logEndOffset - 1);
    return { highWatermark: logEndOffset, lastItem, isEnded, committed };
  }
  const read = () => leader.logStore.readItemAtOrBelow(log, Number.MAX_SAFE_INTEGER);
  const lastItem = await untilKnown(broker, "reading the log's end", read);
  const highWatermark = lastItem === undefined ? registration.logStartOffset : lastItem.lastOffset + 1;
  return { highWatermark, lastItem, isEnded: lastItem?.payload.kind === "end-of-log", committed: undefined };
}

/** The fold of all that is committed. */
export async function committedState(broker: UpkeepBroker, { log, registration }: UpkeepLog): Promise<LogState> {
  if (!isReplicated(registration)) return loadLog(at(broker, registration.leader), log, registration);
  let committed: LogState | undefined;
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const before = committed?.logEndOffset ?? -1;
    const look = broker.committed.look(log, registration);
    ({ committed } = await withTimeout(broker.clock, READ_TIMEOUT_MS * 2, "reading the log's end", look));
    if (committed.logEndOffset <= before) break;
  }
  return committed!;
}
