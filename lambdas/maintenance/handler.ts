import { type Removed, removeDeletedTopics } from "../../shared/broker/remove-deleted-topics.ts";
import type { InvocationContext } from "../invocation-context.ts";
import { observed } from "../observability.ts";
import { processBroker } from "../process-broker.ts";

/** Items removed by one step: a second or two of work. */
const STEP_ITEMS = 1_000;
/** No step begins with less time left than a throttled one may take. */
const STEP_MARGIN_MS = 15_000;

/**
 * Background work, run on a schedule: removes what deleted topics left behind, step by step while there is something to
 * remove and time to do it. What is left is the next invocation's. Without a context: one step.
 */
export function handler(_event?: unknown, context?: InvocationContext): Promise<Removed> {
  return observed({ context }, async (logger) => {
    const removed = await removeWhileTimeLasts(context);
    const isIdle = removed.itemsDeleted === 0 && removed.topicsRemoved === 0;
    if (!isIdle) logger.info("what deleted topics left behind was removed", { ...removed });
    return removed;
  });
}

async function removeWhileTimeLasts(context: InvocationContext | undefined): Promise<Removed> {
  const broker = processBroker();
  let itemsDeleted = 0;
  let topicsRemoved = 0;
  for (;;) {
    const step = await removeDeletedTopics(broker, { maxItems: STEP_ITEMS });
    itemsDeleted += step.itemsDeleted;
    topicsRemoved += step.topicsRemoved;
    const isDone = step.itemsDeleted === 0 && step.topicsRemoved === 0;
    if (isDone || (context?.getRemainingTimeInMillis?.() ?? 0) < STEP_MARGIN_MS) break;
  }
  return { itemsDeleted, topicsRemoved };
}
