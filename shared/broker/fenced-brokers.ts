import type { Broker } from "./broker.ts";
import { expiredLeases } from "./keep-lease.ts";

/**
 * The brokers whose region counts as gone: its lease has run out. Kafka's controller fences a broker likewise, and lists it with
 * IsFenced (KIP-1073). With one region there is no lease to run out.
 */
export async function fencedBrokers(broker: Broker): Promise<ReadonlySet<number>> {
  return broker.regions.length === 1 ? new Set() : expiredLeases(broker);
}
