import { type StayedAlive, stayAlive } from "../../shared/broker/stay-alive.ts";
import { type InvocationContext, remainingMs } from "../invocation-context.ts";
import { observed } from "../observability.ts";
import { processBroker, processEnvironment } from "../process-broker.ts";

/** The schedule comes every minute, and may be some seconds late: two at a time do no harm, none costs the lease. */
const UNTIL_NEXT_MS = 70_000;
/** What is under way when the time is up gets so long to end. */
const END_MARGIN_MS = 4_000;

/**
 * Says that this region is alive, and takes over from regions that are gone: invoked every minute, and at work until the next
 * minute's invocation is, unless the lease is long enough to need it once. With one region there is nobody to tell.
 */
export function handler(_event?: unknown, context?: InvocationContext): Promise<StayedAlive> {
  return observed({ context }, async (logger) => {
    const { brokers, own, leaseMs } = processEnvironment();
    if (brokers.length === 1) return { renewals: 0, elected: 0 };
    const broker = processBroker();
    const untilMs = broker.clock.now() + Math.min(UNTIL_NEXT_MS, remainingMs(context, END_MARGIN_MS));
    const done = await stayAlive(broker, own.brokerId, { leaseMs, untilMs });
    if (done.elected > 0) logger.info("partitions of regions that are gone have a leader", { ...done });
    return done;
  });
}
