import type { Clock } from "../../shared/runtime/clock.ts";
import type { Random } from "../../shared/runtime/random.ts";

/** A random number generator that a seed determines (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)) };
}

interface Wake {
  readonly at: number;
  /** Drawn at random: what comes at the same time comes in any order. */
  readonly rank: number;
  readonly wake: () => void;
}

/** One seeded scheduler for everything that waits: time passes only here, and always in the same way for one seed. */
export class Scheduler {
  readonly random: Random;
  #now = 1_700_000_000_000;
  #wakes: Wake[] = [];
  readonly #trace: string[] = [];
  #steps = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  get now(): number {
    return this.#now;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Everything that happened, in order: the same for the same seed. */
  get trace(): readonly string[] {
    return this.#trace;
  }

  note(what: string): void {
    this.#trace.push(`${this.#now - 1_700_000_000_000} ${what}`);
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  /** An integer from 0 to `below` - 1. */
  integer(below: number): number {
    return Math.floor(this.random.next() * below);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const entry: Wake = { at: this.#now + Math.max(0, ms), rank: this.random.next(), wake: resolve };
      this.#wakes.push(entry);
      signal?.addEventListener(
        "abort",
        () => {
          this.#wakes = this.#wakes.filter((other) => other !== entry);
          resolve();
        },
        { once: true },
      );
    });
  }

  /** A process's clock; `isPaused` makes it oversleep until the pause is over. */
  clock(pausedUntil: () => number): Clock {
    return {
      now: () => this.#now,
      sleep: (ms, signal) => this.sleep(Math.max(ms, pausedUntil() - this.#now), signal),
    };
  }

  /** Lets time pass until `work` is done. Errors: when nothing is left that could end it, or it takes too many steps. */
  async run(work: Promise<unknown>, maxSteps: number): Promise<void> {
    let isDone = false;
    let failure: unknown;
    work.then(
      () => {
        isDone = true;
      },
      (error) => {
        isDone = true;
        failure = error;
      },
    );
    for (; ; this.#steps++) {
      // All that can go on without time passing goes on first.
      await new Promise(setImmediate);
      if (isDone) break;
      if (this.#steps > maxSteps) throw new Error(`not done after ${maxSteps} steps`);
      const next = this.#takeNext();
      if (next === undefined) throw new Error("everything waits for nothing: deadlock");
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
    if (failure !== undefined) throw failure;
  }

  #takeNext(): Wake | undefined {
    let best = 0;
    for (let index = 1; index < this.#wakes.length; index++) {
      const [one, other] = [this.#wakes[index]!, this.#wakes[best]!];
      if (one.at < other.at || (one.at === other.at && one.rank < other.rank)) best = index;
    }
    return this.#wakes.splice(best, 1)[0];
  }
}
