import type { Broker } from "../shared/broker/broker.ts";
import { electLeaders } from "../shared/broker/elect-leaders.ts";
import { keepLease, LEASE_MS, RENEW_LEASE_MS } from "../shared/broker/keep-lease.ts";
import { Replicator } from "../shared/broker/replicator.ts";
import type { Work } from "./background-work.ts";

/** Waits that tests shorten. */
export interface RegionalTiming {
  /** How long a region counts as alive without a word from it. */
  readonly leaseMs: number;
  /** Between two looks for leaders that are gone, and between two runs of the replicator. */
  readonly everyMs: number;
}

const WITHIN_MS = 120_000;
const DEFAULTS: RegionalTiming = { leaseMs: LEASE_MS, everyMs: 1_000 };

/** MILLRACE_LEASE_MS and MILLRACE_REGIONS_EVERY_MS, both for tests. Errors: an Error that names the one that is wrong. */
export function readRegionalTiming(variables: Readonly<Record<string, string | undefined>>): RegionalTiming {
  const given = (name: string, unless: number) => {
    const value = variables[name] || String(unless);
    if (!/^[1-9]\d{1,5}$/.test(value)) throw new Error(`${name} must be milliseconds, 10 to 999999`);
    return Number(value);
  };
  return {
    leaseMs: given("MILLRACE_LEASE_MS", DEFAULTS.leaseMs),
    everyMs: given("MILLRACE_REGIONS_EVERY_MS", DEFAULTS.everyMs),
  };
}

/** What one region does for the deployment: says that it is alive, takes over from those that are not, and feeds followers. */
export function regionalWork(broker: Broker, brokerId: number, { leaseMs, everyMs }: RegionalTiming): readonly Work[] {
  const replicator = new Replicator(broker, brokerId);
  const renewLease = () => keepLease(broker, brokerId, leaseMs);
  const renewEveryMs = Math.floor((leaseMs * RENEW_LEASE_MS) / LEASE_MS);
  return [
    { what: "renewing the lease", everyMs: renewEveryMs, withinMs: leaseMs, isFirst: true, run: renewLease },
    { what: "electing leaders", everyMs, withinMs: WITHIN_MS, run: () => electLeaders(broker, brokerId) },
    { what: "replicating", everyMs, withinMs: WITHIN_MS, run: () => replicator.run() },
  ];
}
