import { handler as maintain } from "../lambdas/maintenance/handler.ts";
import { processBroker } from "../lambdas/process-broker.ts";
import { sweepExpiredItems } from "../shared/broker/sweep-expired-items.ts";

const EVERY_MS = 1_000;
const MAX_ITEMS = 1_000;

/**
 * Runs the maintenance function as a schedule does on AWS, and, beside an embedded store, what DynamoDB's TTL does.
 * The answer stops it, when the run at work is over.
 */
export function startBackgroundWork(sweeps: boolean): () => Promise<void> {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const run = async () => {
    try {
      await maintain();
      if (sweeps) await sweepExpiredItems(processBroker(), { maxItems: MAX_ITEMS });
    } catch (error) {
      processBroker().logger.warn("background work failed; it is tried again", {}, error);
    }
    if (!isStopped) schedule();
  };
  const schedule = () => {
    timer = setTimeout(() => {
      running = run();
    }, EVERY_MS);
    timer.unref();
  };
  schedule();
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}
