import type { DynamoDBBatchResponse } from "aws-lambda";
import { noteFailure } from "../../shared/broker/note-failure.ts";
import { type Replicated, Replicator } from "../../shared/broker/replicator.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import { type InvocationContext, remainingMs } from "../invocation-context.ts";
import { observed } from "../observability.ts";
import { processBroker, processEnvironment } from "../process-broker.ts";
import { logBells } from "./log-bells.ts";

/** What a run may take at most: the next scheduled one finds it over, and a shard of the stream waits no longer for a bell. */
const RUN_WITHIN_MS = 55_000;
const BELL_WITHIN_MS = 15_000;
/** Time that is left for what is under way when a run is to end. */
const END_MARGIN_MS = 4_000;

const NOTHING: Replicated = { behind: 0, shrunk: 0, grown: 0, left: 0 };
/** Done with the whole batch, whatever became of it. */
const HEARD: DynamoDBBatchResponse = { batchItemFailures: [] };

let replicator: Replicator | undefined;

/**
 * The replicator of this region. A batch of the log table's stream is a bell: the logs that it names are read and carried to
 * their followers, since the stream's order holds for one item only. Anything else is the schedule, and about all that this region
 * leads.
 *
 * A bell that fails is not rung again: it would hold up its shard for a day, where the next scheduled run does the same work.
 * A scheduled run that fails throws, so that the function's own errors tell of it.
 */
export function handler(event?: unknown, context?: InvocationContext): Promise<Replicated | DynamoDBBatchResponse> {
  return observed({ context }, async (logger) => {
    const bells = logBells(event);
    const { brokers, own, replicaLagTimeMaxMs } = processEnvironment();
    // One region has no followers.
    if (brokers.length === 1) return bells === undefined ? NOTHING : HEARD;
    const broker = processBroker();
    replicator ??= new Replicator(broker, own.brokerId, replicaLagTimeMaxMs);
    const until = (withinMs: number) => broker.clock.now() + Math.min(withinMs, remainingMs(context, END_MARGIN_MS));
    if (bells === undefined) {
      const run = await replicator.run(until(RUN_WITHIN_MS));
      if (Object.values(run).some((count) => count > 0)) logger.info("followers were looked after", { ...run });
      return run;
    }
    try {
      await replicator.runFor(bells, until(BELL_WITHIN_MS));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      noteFailure(broker, "a bell was not answered; the next scheduled run is", { logs: bells.size }, error);
    }
    return HEARD;
  });
}
