import { withTimeout } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";

const TIMEOUT_MS = 30_000;

/** Deletes up to `maxItems` expired items: what DynamoDB's TTL does by itself and an embedded store does not. */
export function sweepExpiredItems(broker: Broker, { maxItems }: { maxItems: number }): Promise<number> {
  const sweep = broker.logStore.deleteExpiredItems(Math.floor(broker.clock.now() / 1000), maxItems);
  return withTimeout(broker.clock, TIMEOUT_MS, "the sweep", sweep);
}
