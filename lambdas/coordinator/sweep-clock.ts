import type { SweepClock, SweepPace } from "../../shared/broker/groups/sweep-clock.ts";
import { dynamoDbClient } from "../../shared/storage/dynamodb/client.ts";
import { SweepRules } from "../../shared/storage/eventbridge/sweep-rules.ts";
import { givenEndpoint } from "../../shared/storage/signed-request.ts";
import { processEnvironment } from "../process-broker.ts";

let sweepClock: SweepClock | undefined;

/** The clock of this region's sweep; undefined: something else begins the sweep, and needs no telling. */
export function processSweepClock(): SweepClock | undefined {
  const { sweepRules } = processEnvironment();
  if (sweepRules === undefined) return undefined;
  sweepClock ??= new SweepRules(dynamoDbClient(), sweepRules, givenEndpoint(process.env, "EVENTBRIDGE"));
  return sweepClock;
}

/** At which pace the rule comes that brought an event, by its ARN; undefined: it is none of the two. */
export function paceOf(event: unknown): SweepPace | undefined {
  const { sweepRules } = processEnvironment();
  const arns = (event as { readonly resources?: unknown } | null | undefined)?.resources;
  if (sweepRules === undefined || !Array.isArray(arns)) return undefined;
  const isFrom = (rule: string) => arns.some((arn) => typeof arn === "string" && arn.endsWith(`/${rule}`));
  if (isFrom(sweepRules.minute)) return "minute";
  return isFrom(sweepRules.hour) ? "hour" : undefined;
}
