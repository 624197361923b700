import type { LogKey } from "../log/log-item.ts";
import { OVER } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1_000;

/**
 * Waits until something may have been appended: an append in this process ends the wait at once; for those of other
 * processes the log is read again after a wait that doubles up to a second, so that a long poll of 30 s costs fewer than 40 reads
 * of an empty page. Never longer than `remainingMs`.
 */
export async function waitForAppend(
  broker: Broker,
  log: LogKey,
  waits: number,
  remainingMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(waits, 10), remainingMs);
  const woken = new AbortController();
  const wake = () => woken.abort(OVER);
  const unsubscribe = broker.bell.onRing(log, wake);
  signal?.addEventListener("abort", wake, { once: true });
  try {
    await broker.clock.sleep(waitMs, woken.signal);
  } finally {
    unsubscribe();
    signal?.removeEventListener("abort", wake);
  }
}
