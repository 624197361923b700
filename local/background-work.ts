import { handler as maintain } from "../lambdas/maintenance/handler.ts";
import { processBroker, processBrokerId } from "../lambdas/process-broker.ts";
import type { Broker } from "../shared/broker/broker.ts";
import { sweepExpiredItems } from "../shared/broker/sweep-expired-items.ts";
import { withTimeout } from "../shared/runtime/timeout.ts";
import { readRegionalTiming, regionalWork } from "./regional-work.ts";

const EVERY_MS = 1_000;
const MAX_ITEMS = 1_000;
const WITHIN_MS = 60_000;

/** Something that is done again and again. */
export interface Work {
  readonly what: string;
  readonly everyMs: number;
  /** A run that takes longer is said to have failed, and the next one begins. */
  readonly withinMs: number;
  /** Begins at once; all else after its first wait, so that a start is not slowed by it. */
  readonly isFirst?: boolean;
  run(): Promise<unknown>;
}

/**
 * Does what schedules do on AWS: maintenance, and with several regions what keeps them together; beside an embedded store
 * also what DynamoDB's TTL does. None of it waits for another. The answer stops it, when the runs at work are over.
 */
export function startBackgroundWork(sweeps: boolean): () => Promise<void> {
  const broker = processBroker();
  const stops = [
    { what: "maintenance", everyMs: EVERY_MS, withinMs: WITHIN_MS, run: () => maintain() },
    ...(sweeps ? [sweep(broker)] : []),
    ...(broker.replicas === undefined ? [] : regionalWork(broker, processBrokerId(), readRegionalTiming(process.env))),
  ].map((work) => repeat(broker, work));
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

function sweep(broker: Broker): Work {
  const run = () => sweepExpiredItems(broker, { maxItems: MAX_ITEMS });
  return { what: "the sweep", everyMs: EVERY_MS, withinMs: WITHIN_MS, run };
}

function repeat(
  { clock, logger }: Broker,
  { what, everyMs, withinMs, isFirst = false, run }: Work,
): () => Promise<void> {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const runOnce = async () => {
    try {
      await withTimeout(clock, withinMs, what, run());
    } catch (error) {
      logger.warn("background work failed; it is tried again", { what }, error);
    }
    if (!isStopped) schedule(everyMs);
  };
  const schedule = (afterMs: number) => {
    timer = setTimeout(() => {
      running = runOnce();
    }, afterMs);
    timer.unref();
  };
  schedule(isFirst ? 0 : everyMs);
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}
