import type { BrokerParts } from "./broker.ts";
import { untilKnown } from "./until-known.ts";

/** How long a region counts as alive without a word from it. */
export const LEASE_MS = 10_000;

/** Renewed so often, a lease survives two renewals that fail. */
export const RENEW_LEASE_MS = 3_000;

/** Says in the metadata that this broker's region is alive: liveness only, nothing that is acknowledged rests on it. */
export async function keepLease(parts: BrokerParts, brokerId: number, leaseMs = LEASE_MS): Promise<void> {
  const expiresAt = parts.clock.now() + leaseMs;
  await untilKnown(parts, "renewing the lease", () => parts.metadataStore.putLease(brokerId, expiresAt));
}

/** Brokers whose lease has run out, by this process's clock. One that never had a lease is not among them. */
export async function expiredLeases(parts: BrokerParts): Promise<ReadonlySet<number>> {
  const leases = await untilKnown(parts, "reading leases", () => parts.metadataStore.getLeases());
  const now = parts.clock.now();
  return new Set([...leases].filter(([, expiresAt]) => expiresAt < now).map(([brokerId]) => brokerId));
}
