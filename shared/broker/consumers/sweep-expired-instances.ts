import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";

const TIMEOUT_MS = 30_000;

/** Deletes up to `maxItems` expired instances of this region: what DynamoDB's TTL does by itself and an embedded store does not. */
export async function sweepExpiredInstances(broker: Broker, { maxItems }: { maxItems: number }): Promise<number> {
  const { instanceStore, clock } = broker;
  if (instanceStore === undefined) return 0;
  const sweep = instanceStore.deleteExpiredInstances(clock.now(), maxItems);
  return withTimeout(clock, TIMEOUT_MS, "the sweep over consumer instances", sweep);
}
