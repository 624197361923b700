import { type Removed, removeDeletedTopics } from "../../shared/broker/remove-deleted-topics.ts";
import { processBroker } from "../process-broker.ts";

/** Items removed by one invocation: some seconds of work. What is left is the next one's. */
const MAX_ITEMS = 5_000;

/** Background work, run on a schedule: removes what deleted topics left behind. */
export function handler(): Promise<Removed> {
  return removeDeletedTopics(processBroker(), { maxItems: MAX_ITEMS });
}
