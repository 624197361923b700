import type { Broker } from "./broker.ts";

/** Deletes up to `maxItems` expired items: what DynamoDB's TTL does by itself and an embedded store does not. */
export function sweepExpiredItems(broker: Broker, { maxItems }: { maxItems: number }): Promise<number> {
  return broker.logStore.deleteExpiredItems(Math.floor(broker.clock.now() / 1000), maxItems);
}
