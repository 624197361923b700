import type { UpkeepClock } from "../../shared/broker/tiering/upkeep-clock.ts";
import type { LogKey } from "../../shared/log/log-item.ts";
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

/**
 * Who began a run of the upkeep. A writer asks for all logs or for the one named (upkeepEvent); the clock is told by the ARN of its rule, or, where
 * another one is used, by `source`; anything else is somebody's hand.
 */
export type BegunBy = { readonly who: "writer"; readonly log: LogKey | undefined } | { readonly who: "clock" | "hand" };

/** Errors: an Error for the name of a log that is none. */
export function begunBy(event: unknown): BegunBy {
  const { upkeep, source } = (event ?? {}) as { readonly upkeep?: unknown; readonly source?: unknown };
  if (upkeep === true) return { who: "writer", log: undefined };
  if (upkeep !== undefined) return { who: "writer", log: logOf(upkeep) };
  return { who: source === "aws.events" || source === "aws.scheduler" ? "clock" : "hand" };
}

const LOG = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}#\d{1,5}$/;

function logOf(value: unknown): LogKey {
  if (typeof value === "string" && LOG.test(value)) return value as LogKey;
  throw new Error('upkeep must be true, or a log as "topicId#partition"');
}
