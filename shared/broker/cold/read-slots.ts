import { KafkaError } from "../../kafka/kafka-error.ts";
import type { Clock } from "../../runtime/clock.ts";
import { withTimeout } from "../../runtime/timeout.ts";

/** Each brings READ_AHEAD.mostBytes at most: as much again as what is kept of what was read. */
const READS_AT_ONCE = 8;
const MAX_WAITING = 1_000;
const WAIT_MS = 10_000;

/** Lets so many reads of objects run at a time, in order of coming; the others wait, and hold no memory. */
export class ReadSlots {
  readonly #clock: Clock;
  #free = READS_AT_ONCE;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Errors: those of `read`, which must end; THROTTLING_QUOTA_EXCEEDED when too many wait; REQUEST_TIMED_OUT. */
  async use<T>(read: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#wait();
    try {
      return await read();
    } finally {
      this.#pass();
    }
  }

  async #wait(): Promise<void> {
    if (this.#waiting.size >= MAX_WAITING) {
      throw new KafkaError("THROTTLING_QUOTA_EXCEEDED", "too many readers wait for segments", {
        hint: "try again later",
      });
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    try {
      await withTimeout(this.#clock, WAIT_MS, "the reads of segments before this one", promise);
    } catch (error) {
      // It may have been given the slot just when its time was up.
      if (!this.#waiting.delete(resolve)) this.#pass();
      throw error;
    }
  }

  /** The slot goes to who has waited longest. */
  #pass(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#free++;
  }
}
