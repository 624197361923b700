import { KafkaError } from "../kafka/kafka-error.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";
import { Elections, electLeaders } from "./elect-leaders.ts";
import { keepLease, renewEveryMs } from "./keep-lease.ts";
import { noteFailure } from "./note-failure.ts";

/** Between two looks for leaders that are gone. */
const ELECT_EVERY_MS = 1_000;
/** A lease that outlives the wait for the next call, and one more that fails, needs no renewal in between. */
export const LONG_LEASE_MS = 120_000;

export interface StayedAlive {
  readonly renewals: number;
  readonly elected: number;
}

/**
 * Keeps this region's lease and takes over from regions that are gone, until `untilMs` (milliseconds since the epoch): again and
 * again for a lease that would run out before, once for one of LONG_LEASE_MS and more. A store that fails ends nothing; but a
 * region that could not renew its lease for the lease's length counts as gone with the others, and elects nobody.
 */
export async function stayAlive(
  broker: Broker,
  brokerId: number,
  { leaseMs, untilMs }: { readonly leaseMs: number; readonly untilMs: number },
): Promise<StayedAlive> {
  const { clock } = broker;
  const isOnce = leaseMs >= LONG_LEASE_MS;
  const done = { renewals: 0, elected: 0 };
  const elections = new Elections();
  let aliveUntil = 0;
  const renew = async () => {
    aliveUntil = await keepLease(broker, brokerId, leaseMs);
    done.renewals++;
  };
  const elect = async () => {
    if (clock.now() >= aliveUntil) return;
    done.elected += await electLeaders(broker, brokerId, elections);
  };
  /** Never ends by a failure: it is told of, and tried again when its time comes. */
  const repeat = async (what: string, everyMs: number, run: () => Promise<void>) => {
    for (;;) {
      const leftMs = untilMs - clock.now();
      if (leftMs <= 0) return;
      try {
        await withTimeout(clock, leftMs, what, run());
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        // What is cut off when the time is up is the next call's.
        if (clock.now() >= untilMs) return;
        noteFailure(broker, `${what} failed; it is tried again`, { broker: brokerId }, error);
      }
      const waitMs = Math.min(everyMs, untilMs - clock.now());
      if (isOnce || waitMs <= 0) return;
      await clock.sleep(waitMs);
    }
  };
  if (isOnce) {
    await repeat("renewing the lease", 0, renew);
    await repeat("electing leaders", 0, elect);
    return done;
  }
  // Side by side: an election that takes its time must not cost the lease.
  await Promise.all([
    repeat("renewing the lease", renewEveryMs(leaseMs), renew),
    repeat("electing leaders", ELECT_EVERY_MS, elect),
  ]);
  return done;
}
