import type { Logger } from "../runtime/logger.ts";

/** Work that goes on after its request was answered: appends with acks=0. */
export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #logger: Logger;
  readonly #limit: number;

  constructor(logger: Logger, limit = 1_000) {
    this.#logger = logger;
    this.#limit = limit;
  }

  /** Takes work over; waits for room first when `limit` pieces of work are running. Failures are logged. */
  async add(what: string, work: () => Promise<unknown>): Promise<void> {
    while (this.#running.size >= this.#limit) await Promise.race(this.#running);
    const running: Promise<void> = work()
      .then(
        () => undefined,
        (error) => this.#logger.warn(`${what} failed after it was answered`, {}, error),
      )
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when all work that was running has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }
}
