import { readReplicationTiming } from "../lambdas/broker-environment.ts";
import type { Broker } from "../shared/broker/broker.ts";
import { Elections, electLeaders } from "../shared/broker/elect-leaders.ts";
import { keepLease, renewEveryMs } from "../shared/broker/keep-lease.ts";
import { Replicator } from "../shared/broker/replicator.ts";
import type { Work } from "./background-work.ts";

/** What the functions' environment says of time, and what schedules say on AWS. */
export interface RegionalTiming {
  /** How long a region counts as alive without a word from it. */
  readonly leaseMs: number;
  readonly replicaLagTimeMaxMs: number;
  /** Between two looks for leaders that are gone, and between two runs of the replicator. */
  readonly everyMs: number;
}

const WITHIN_MS = 120_000;
const EVERY_MS = 1_000;

/** MILLRACE_REGIONS_EVERY_MS is for tests, the others are a function's. Errors: an Error that names the one that is wrong. */
export function readRegionalTiming(variables: Readonly<Record<string, string | undefined>>): RegionalTiming {
  const everyMs = variables["MILLRACE_REGIONS_EVERY_MS"] || String(EVERY_MS);
  if (!/^[1-9]\d{1,5}$/.test(everyMs)) throw new Error("MILLRACE_REGIONS_EVERY_MS must be milliseconds, 10 to 999999");
  return { ...readReplicationTiming(variables), everyMs: Number(everyMs) };
}

/** What one region does for the deployment: says that it is alive, takes over from those that are not, and feeds followers. */
export function regionalWork(
  broker: Broker,
  brokerId: number,
  { leaseMs, replicaLagTimeMaxMs, everyMs }: RegionalTiming,
): readonly Work[] {
  const replicator = new Replicator(broker, brokerId, replicaLagTimeMaxMs);
  const elections = new Elections();
  const renewLease = () => keepLease(broker, brokerId, leaseMs);
  const replicate = () => replicator.run(broker.clock.now() + WITHIN_MS);
  return [
    {
      what: "renewing the lease",
      everyMs: renewEveryMs(leaseMs),
      withinMs: leaseMs,
      isFirst: true,
      run: renewLease,
    },
    { what: "electing leaders", everyMs, withinMs: WITHIN_MS, run: () => electLeaders(broker, brokerId, elections) },
    { what: "replicating", everyMs, withinMs: WITHIN_MS, run: replicate },
  ];
}
