import type { LogKey } from "../log/log-item.ts";

/** What fetches in this process learned of a log's end. */
export interface LogEnd {
  readonly logEndOffset: number;
  /** Milliseconds since the epoch. */
  readonly readAt: number;
  /** Payload bytes of a typical item: how many a fetch has to ask for. */
  readonly itemBytes: number;
}

const MAX_LOGS = 10_000;

/** Hints of one process, never older truth than a read: they save requests and decide nothing. */
export class LogEnds {
  readonly #ends = new Map<LogKey, LogEnd>();

  get(log: LogKey): LogEnd | undefined {
    return this.#ends.get(log);
  }

  set(log: LogKey, end: LogEnd): void {
    this.#ends.delete(log);
    this.#ends.set(log, end);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MAX_LOGS && oldest !== undefined) this.#ends.delete(oldest);
  }
}
