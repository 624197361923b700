import type { UpkeepClock } from "../../shared/broker/tiering/upkeep-clock.ts";
import { dynamoDbClient } from "../../shared/storage/dynamodb/client.ts";
import { UpkeepRule } from "../../shared/storage/eventbridge/upkeep-rule.ts";
import { givenEndpoint } from "../../shared/storage/signed-request.ts";
import { processEnvironment } from "../process-broker.ts";

let clock: UpkeepClock | undefined;

/** The clock of the upkeep; undefined: it is always on, or a process runs the upkeep by itself. */
export function processUpkeepClock(): UpkeepClock | undefined {
  const { upkeepRule } = processEnvironment();
  if (upkeepRule === undefined) return undefined;
  clock ??= new UpkeepRule(dynamoDbClient(), upkeepRule, givenEndpoint(process.env, "EVENTBRIDGE"));
  return clock;
}

/** Whether it was a writer who began this run (UPKEEP_EVENT), and not the clock. */
export function isRung(event: unknown): boolean {
  return (event as { readonly upkeep?: unknown } | null | undefined)?.upkeep === true;
}
