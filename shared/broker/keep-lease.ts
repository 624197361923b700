import { KafkaError } from "../kafka/kafka-error.ts";
import type { BrokerParts } from "./broker.ts";
import { regionAnswers } from "./region-answers.ts";
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
 * rests on it. A region whose own log table does not answer says nothing: its functions may run on, but it can lead nothing, and
 * whoever finds that table silent as well takes over when the lease has run out. Answers until when, in milliseconds since the
 * epoch. A write that hangs is given up when the next renewal is due. Errors: KAFKA_STORAGE_ERROR; what the metadata fail with.
 */
export async function keepLease(parts: BrokerParts, brokerId: number, leaseMs: number): Promise<number> {
  if (!(await regionAnswers(parts, brokerId))) {
    throw new KafkaError("KAFKA_STORAGE_ERROR", "the region's own log table does not answer", {
      hint: "its lease is not renewed: when it has run out, another region leads",
    });
  }
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
