import type { BrokerParts } from "./broker.ts";
import { untilKnown } from "./until-known.ts";

/** Renewed after this part of it, a lease survives two renewals that fail. */
const RENEW_AFTER = 0.3;
const MAX_WRITE_MS = 5_000;

/** How long after a renewal the next one is due. */
export function renewEveryMs(leaseMs: number): number {
  return Math.floor(leaseMs * RENEW_AFTER);
}

/**
 * Says in the metadata that this broker's region is alive for `leaseMs` from now: liveness only, nothing that is acknowledged
 * rests on it. Answers until when, in milliseconds since the epoch. A write that hangs is given up when the next renewal is due.
 */
export async function keepLease(parts: BrokerParts, brokerId: number, leaseMs: number): Promise<number> {
  let expiresAt = 0;
  const write = () => {
    // An attempt that comes late must not promise what an earlier one did.
    expiresAt = parts.clock.now() + leaseMs;
    return parts.metadataStore.putLease(brokerId, expiresAt);
  };
  await untilKnown(parts, "renewing the lease", write, Math.min(MAX_WRITE_MS, renewEveryMs(leaseMs)));
  return expiresAt;
}

/** Brokers whose lease has run out, by this process's clock. One that never had a lease is not among them. */
export async function expiredLeases(parts: BrokerParts): Promise<ReadonlySet<number>> {
  const leases = await untilKnown(parts, "reading leases", () => parts.metadataStore.getLeases());
  const now = parts.clock.now();
  return new Set([...leases].filter(([, expiresAt]) => expiresAt < now).map(([brokerId]) => brokerId));
}
