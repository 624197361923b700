import { sweep as sweepGroups } from "../lambdas/coordinator/handler.ts";
import { processBroker, processEnvironment } from "../lambdas/process-broker.ts";
import type { Broker } from "../shared/broker/broker.ts";
import { sweepExpiredInstances } from "../shared/broker/consumers/sweep-expired-instances.ts";
import { removeDeletedTopics } from "../shared/broker/remove-deleted-topics.ts";
import { sweepExpiredItems } from "../shared/broker/sweep-expired-items.ts";
import { upkeepLogs } from "../shared/broker/tiering/upkeep.ts";
import { withTimeout } from "../shared/runtime/timeout.ts";
import { readRegionalTiming, regionalWork } from "./regional-work.ts";

const EVERY_MS = 1_000;
/** As the coordinator's schedule. */
const GROUPS_EVERY_MS = 60_000;
/** Each run reads a little of every log that it leads. */
const UPKEEP_EVERY_MS = 10_000;
const UPKEEP_MS = 60_000;
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
 * Does what schedules do on AWS: what deleted topics left behind, the upkeep of logs and of groups, and with several regions what keeps them together; beside an embedded store
 * also what DynamoDB's TTL does. None of it waits for another. The answer stops it, when the runs at work are over.
 */
export function startBackgroundWork(sweeps: boolean): () => Promise<void> {
  const broker = processBroker();
  const stops = [
    deletedTopics(broker),
    upkeep(broker, readUpkeepEveryMs(process.env)),
    { what: "the sweep over consumer groups", everyMs: GROUPS_EVERY_MS, withinMs: WITHIN_MS, run: () => sweepGroups() },
    ...(sweeps ? [sweep(broker), instanceSweep(broker)] : []),
    ...(broker.replicas === undefined
      ? []
      : regionalWork(broker, processEnvironment().own.brokerId, readRegionalTiming(process.env))),
  ].map((work) => repeat(broker, work));
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/** MILLRACE_UPKEEP_EVERY_MS is for tests. Errors: an Error that names it. */
export function readUpkeepEveryMs(variables: Readonly<Record<string, string | undefined>>): number {
  const everyMs = variables["MILLRACE_UPKEEP_EVERY_MS"] || String(UPKEEP_EVERY_MS);
  if (!/^[1-9]\d{1,7}$/.test(everyMs)) throw new Error("MILLRACE_UPKEEP_EVERY_MS must be milliseconds, 10 to 99999999");
  return Number(everyMs);
}

function deletedTopics(broker: Broker): Work {
  const run = () => removeDeletedTopics(broker, { maxItems: MAX_ITEMS });
  return { what: "removing what deleted topics left behind", everyMs: EVERY_MS, withinMs: WITHIN_MS, run };
}

/** Segments, retention and compaction of the logs that this process's region leads. */
function upkeep(broker: Broker, everyMs: number): Work {
  const run = () => upkeepLogs(broker, { untilMs: broker.clock.now() + UPKEEP_MS });
  return { what: "the upkeep of logs", everyMs, withinMs: UPKEEP_MS + WITHIN_MS, run };
}

function sweep(broker: Broker): Work {
  const run = () => sweepExpiredItems(broker, { maxItems: MAX_ITEMS });
  return { what: "the sweep", everyMs: EVERY_MS, withinMs: WITHIN_MS, run };
}

function instanceSweep(broker: Broker): Work {
  const run = () => sweepExpiredInstances(broker, { maxItems: MAX_ITEMS });
  return { what: "the sweep over consumer instances", everyMs: GROUPS_EVERY_MS, withinMs: WITHIN_MS, run };
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
