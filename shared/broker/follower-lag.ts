import type { LogKey } from "../log/log-item.ts";
import type { Clock } from "../runtime/clock.ts";

/** Two runs of the schedule: with a longer gap between two looks, nobody knows what was in between. */
const MAX_GAP_MS = 120_000;
const MAX_FOLLOWERS = 50_000;

interface Behind {
  readonly since: number;
  readonly seenAt: number;
}

/**
 * Since when followers have been behind, as one process sees it at its looks. What it cannot have seen it does not count: after a
 * pause (a Lambda environment that was frozen while another one looked) a follower that is behind is so from now on.
 */
export class FollowerLag {
  readonly #clock: Clock;
  readonly #maxGapMs: number;
  /** In milliseconds since the epoch; the one seen longest ago first. */
  readonly #behind = new Map<string, Behind>();

  constructor(clock: Clock, replicaLagTimeMaxMs: number) {
    this.#clock = clock;
    this.#maxGapMs = Math.max(MAX_GAP_MS, Number.isFinite(replicaLagTimeMaxMs) ? replicaLagTimeMaxMs : 0);
  }

  /** A follower was looked at. */
  saw(log: LogKey, follower: number, isCaughtUp: boolean): void {
    const key = keyOf(log, follower);
    const known = this.#behind.get(key);
    this.#behind.delete(key);
    if (isCaughtUp) return;
    const now = this.#clock.now();
    const isUnbroken = known !== undefined && now - known.seenAt <= this.#maxGapMs;
    this.#behind.set(key, { since: isUnbroken ? known.since : now, seenAt: now });
    const [oldest] = this.#behind.keys();
    if (this.#behind.size > MAX_FOLLOWERS && oldest !== undefined) this.#behind.delete(oldest);
  }

  /** How long it has been behind, in milliseconds; 0 for one that is not. */
  behindMs(log: LogKey, follower: number): number {
    const known = this.#behind.get(keyOf(log, follower));
    return known === undefined ? 0 : this.#clock.now() - known.since;
  }
}

function keyOf(log: LogKey, follower: number): string {
  return `${log}@${follower}`;
}
