import type { APIGatewayProxyResult, DynamoDBBatchResponse } from "aws-lambda";
import { keepSweepClock } from "../../shared/broker/groups/sweep-clock.ts";
import { type SweptGroups, sweepGroups } from "../../shared/broker/groups/sweep-groups.ts";
import { COORDINATOR_ROUTES } from "../../shared/http/coordinator-routes.ts";
import { DynamoDbGroupStore } from "../../shared/storage/dynamodb/dynamodb-group-store.ts";
import { DynamoDbInstanceStore } from "../../shared/storage/dynamodb/dynamodb-instance-store.ts";
import { httpHandler } from "../http-handler.ts";
import { type InvocationContext, remainingMs } from "../invocation-context.ts";
import { observed } from "../observability.ts";
import { bringGroupStores, processBroker } from "../process-broker.ts";
import { DONE, isStreamEvent } from "../stream-event.ts";
import { paceOf, processSweepClock } from "./sweep-clock.ts";

/** What is under way when a sweep's time is up gets so long to end. */
const END_MARGIN_MS = 5_000;
/** The schedule comes every minute: a longer sweep goes on in the next one. */
const SWEEP_MS = 50_000;

bringGroupStores((client, table) => ({
  groupStore: new DynamoDbGroupStore(client, table),
  instanceStore: new DynamoDbInstanceStore(client, table),
}));

const answer = httpHandler(COORDINATOR_ROUTES);

/**
 * The function behind every route about consumer groups, and the sweep over the groups of this region: what EventBridge sends
 * (`source` "aws.events", or "aws.scheduler" for whoever passes that on), and `{"sweep":true}` by hand. Records of the group table's stream, which
 * are of groups that begin, come to their end or are deleted, set the clock that brings the sweep.
 */
export function handler(
  event: unknown,
  context?: InvocationContext,
): Promise<APIGatewayProxyResult | SweptGroups | DynamoDBBatchResponse> {
  if (isStreamEvent(event)) return setClock(context);
  return isSweep(event) ? sweep(context, event) : answer(event, context);
}

export function sweep(context?: InvocationContext, event?: unknown): Promise<SweptGroups> {
  return observed({ context }, async (logger) => {
    const broker = processBroker();
    const untilMs = broker.clock.now() + Math.min(SWEEP_MS, remainingMs(context, END_MARGIN_MS));
    const swept = await sweepGroups(broker, { untilMs });
    const isIdle = swept.offsetsDeleted + swept.groupsDeleted + swept.failed === 0 && swept.next === undefined;
    if (!isIdle) logger.info("consumer groups were swept", { ...swept });
    const sweepClock = processSweepClock();
    if (sweepClock !== undefined) await keepSweepClock(broker, sweepClock, paceOf(event));
    return swept;
  });
}

/** What fails is brought again by Lambda: a group that began would be swept by nobody. */
function setClock(context: InvocationContext | undefined): Promise<DynamoDBBatchResponse> {
  return observed({ context }, async () => {
    const sweepClock = processSweepClock();
    if (sweepClock !== undefined) await keepSweepClock(processBroker(), sweepClock);
    return DONE;
  });
}

function isSweep(event: unknown): boolean {
  if (typeof event !== "object" || event === null) return false;
  const { source, sweep: isAsked } = event as { source?: unknown; sweep?: unknown };
  return source === "aws.events" || source === "aws.scheduler" || isAsked === true;
}
