import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import type { Broker } from "../../shared/broker/broker.ts";
import {
  hasDeletedTopics,
  type Removed,
  removeDeletedTopics,
  SEAL_GRACE_MS,
} from "../../shared/broker/remove-deleted-topics.ts";
import type { Upkeep } from "../../shared/broker/tiering/upkeep.ts";
import { upkeepByClock } from "../../shared/broker/tiering/upkeep-clock.ts";
import { type InvocationContext, remainingMs } from "../invocation-context.ts";
import { observed } from "../observability.ts";
import { processBroker } from "../process-broker.ts";
import { again, DONE, isStreamEvent } from "../stream-event.ts";
import { type BegunBy, begunBy, processUpkeepClock } from "./upkeep-clock.ts";

/** Items removed by one step: a second or two of work. */
const STEP_ITEMS = 1_000;
/** No step begins with less time left than a throttled one may take. */
const STEP_MARGIN_MS = 15_000;
/** Between looks at topics whose minute is not over; in all the minute of one that had to be deleted here first, and some. */
const PAUSE_MS = 10_000;
const MAX_PAUSES = Math.ceil((2 * SEAL_GRACE_MS) / PAUSE_MS);
/** What the upkeep has under way when its time is up gets so long to end. */
const END_MARGIN_MS = 60_000;
/** Many writers may ring at once: one run for all of them is enough. */
const RUNG_WITHIN_MS = 60_000;

/** What one run did. `upkeep`: unless it was begun by the stream of deleted topics, or no clock goes here. */
export interface Maintained extends Removed {
  readonly upkeep?: Upkeep;
}

/**
 * Background work: removes what deleted topics left behind, and keeps the logs that this region leads: segments, retention, compaction. Step by step
 * while there is something to do and time to do it; what is left is the next run's. By the clock (EventBridge), by writers who find that none goes
 * (`{"upkeep":true}`), and by hand. A writer who fills a segment asks for the upkeep of that log alone (`{"upkeep":"topicId#partition"}`): logs that
 * take much have runs of their own, side by side.
 *
 * With the records of deleted topics from the metadata's stream it waits until their minute is over instead, and has Lambda bring the records again
 * if there is something left. What it removes is every deleted topic, whatever it was invoked for.
 */
export function handler(event: DynamoDBStreamEvent, context?: InvocationContext): Promise<DynamoDBBatchResponse>;
export function handler(event?: unknown, context?: InvocationContext): Promise<Maintained>;
export function handler(event?: unknown, context?: InvocationContext): Promise<Maintained | DynamoDBBatchResponse> {
  return observed({ context }, async (logger) => {
    const broker = processBroker();
    const stream = isStreamEvent(event) ? event : undefined;
    const by = begunBy(event);
    if (by.who === "writer" && by.log !== undefined) {
      const upkeep = await keepLogs(broker, by, context);
      return { itemsDeleted: 0, topicsRemoved: 0, ...(upkeep === undefined ? {} : { upkeep }) };
    }
    const removed = await removeWhileTimeLasts(broker, context, stream === undefined);
    const isIdle = removed.itemsDeleted === 0 && removed.topicsRemoved === 0;
    if (!isIdle) logger.info("what deleted topics left behind was removed", { ...removed });
    if (stream === undefined) {
      const upkeep = await keepLogs(broker, by, context);
      return upkeep === undefined ? removed : { ...removed, upkeep };
    }
    if (!(await hasDeletedTopics(broker))) return DONE;
    logger.info("deleted topics are left: their records come again");
    return again(stream);
  });
}

/**
 * undefined: no clock comes back here, so no log is kept. One that was kept once has a tiering state, by which writers give their items a
 * TTL, and they would go before anybody had copied them. With several regions the deployment's own clock goes every hour.
 */
async function keepLogs(
  broker: Broker,
  by: BegunBy,
  context: InvocationContext | undefined,
): Promise<Upkeep | undefined> {
  const clock = processUpkeepClock();
  if (clock === undefined && broker.replicas === undefined) return undefined;
  const upkeep = await upkeepByClock(broker, clock, {
    untilMs: broker.clock.now() + remainingMs(context, END_MARGIN_MS),
    isOn: by.who === "clock",
    ...(by.who !== "writer" ? {} : by.log === undefined ? { unlessWithinMs: RUNG_WITHIN_MS } : { log: by.log }),
  });
  const { segmentsTiered, segmentsCompacted, segmentsDeleted, itemsRescued, failed, left } = upkeep;
  if (segmentsTiered + segmentsCompacted + segmentsDeleted + itemsRescued + failed + left > 0) {
    broker.logger.info("logs were kept", { ...upkeep });
  }
  return upkeep;
}

/** `beforeLogs`: it waits for nothing then, and leaves half of the time to the logs. */
async function removeWhileTimeLasts(
  broker: Broker,
  context: InvocationContext | undefined,
  beforeLogs: boolean,
): Promise<Removed> {
  let itemsDeleted = 0;
  let topicsRemoved = 0;
  const remaining = () => context?.getRemainingTimeInMillis?.() ?? 0;
  const reservedMs = STEP_MARGIN_MS + (beforeLogs ? remaining() / 2 : 0);
  const maxPauses = beforeLogs ? 0 : MAX_PAUSES;
  const hasTime = (pauseMs = 0) => remaining() - pauseMs >= reservedMs;
  for (let pauses = 0; ; ) {
    const step = await removeDeletedTopics(broker, { maxItems: STEP_ITEMS });
    itemsDeleted += step.itemsDeleted;
    topicsRemoved += step.topicsRemoved;
    if (step.itemsDeleted === 0 && step.topicsRemoved === 0) {
      if (pauses >= maxPauses || !hasTime(PAUSE_MS) || !(await hasDeletedTopics(broker))) break;
      pauses++;
      await broker.clock.sleep(PAUSE_MS);
    }
    if (!hasTime()) break;
  }
  return { itemsDeleted, topicsRemoved };
}
