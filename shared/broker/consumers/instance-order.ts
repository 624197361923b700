import type { Broker } from "../broker.ts";
import type { ConsumerInstance } from "./instance.ts";

/**
 * How far the clocks that take calls in may differ, in milliseconds. Those of AWS's services agree to a few; a client that has given a call up within a
 * second of its arrival is told apart by the conditional write alone.
 */
const CLOCK_TOLERANCE_MS = 1_000;

/** When a call arrived, in whole milliseconds since the epoch; now, if nobody can tell. */
export function arrivalOf({ clock }: Pick<Broker, "clock">, receivedAt: number | undefined): number {
  return Math.floor(receivedAt ?? clock.now());
}

/**
 * The place of a call among those of its instance: behind whatever changed the instance as the call found it, and no earlier than it arrived
 * (milliseconds since the epoch). What it writes bears it as `sequence`, and so do its heartbeats.
 */
export function orderOf({ sequence }: Pick<ConsumerInstance, "sequence">, receivedAt: number): number {
  return Math.max(sequence + 1, receivedAt);
}

/** Whether a call comes too late: one that arrived after it has changed the instance, and whoever sent both goes by that one's answer. */
export function isOvertaken({ sequence }: Pick<ConsumerInstance, "sequence">, receivedAt: number): boolean {
  return receivedAt + CLOCK_TOLERANCE_MS < sequence;
}
