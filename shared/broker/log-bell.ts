import type { LogKey } from "../log/log-item.ts";

/**
 * Tells fetches that wait in this process of appends that were made in this process, so that they need not poll to
 * see them. A hint only: other processes ring no bell here.
 */
export class LogBell {
  readonly #waiting = new Map<LogKey, Set<() => void>>();

  /** Wakes all that wait for `log`. */
  ring(log: LogKey): void {
    const waiting = this.#waiting.get(log);
    if (waiting === undefined) return;
    this.#waiting.delete(log);
    for (const wake of waiting) wake();
  }

  /** Calls `wake` at the next ring, once. The answer takes it back. */
  onRing(log: LogKey, wake: () => void): () => void {
    let waiting = this.#waiting.get(log);
    if (waiting === undefined) {
      waiting = new Set();
      this.#waiting.set(log, waiting);
    }
    waiting.add(wake);
    return () => {
      waiting.delete(wake);
      if (waiting.size === 0 && this.#waiting.get(log) === waiting) this.#waiting.delete(log);
    };
  }
}
