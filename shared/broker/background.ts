import type { BrokerParts } from "./broker.ts";
import { noteFailure } from "./note-failure.ts";

/** Work that goes on after its request was answered: appends with acks=0. */
export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #parts: Pick<BrokerParts, "logger" | "metrics">;
  readonly #limit: number;

  constructor(parts: Pick<BrokerParts, "logger" | "metrics">, limit = 1_000) {
    this.#parts = parts;
    this.#limit = limit;
  }

  /** Takes work over; waits for room first when `limit` pieces of work are running. Failures are noted. */
  async add(what: string, work: () => Promise<unknown>): Promise<void> {
    while (this.#running.size >= this.#limit) await Promise.race(this.#running);
    const running: Promise<void> = work()
      .then(
        () => undefined,
        (error) => noteFailure(this.#parts, `${what} failed after it was answered`, {}, error),
      )
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when all work that was running has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }
}
