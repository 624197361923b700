import { KafkaError } from "../kafka/kafka-error.ts";
import type { Clock } from "./clock.ts";

/** A reason to abort that is made once: without one, every abort makes an exception with a stack. */
export const OVER = "over";

/**
 * The promise's answer, or REQUEST_TIMED_OUT with outcome `unknown` after `ms` milliseconds. The work itself goes on:
 * whoever calls must be safe against its late effect.
 */
export async function withTimeout<T>(clock: Clock, ms: number, what: string, promise: Promise<T>): Promise<T> {
  const done = new AbortController();
  const timeout = clock.sleep(ms, done.signal).then((): never | undefined => {
    if (done.signal.aborted) return undefined;
    throw new KafkaError("REQUEST_TIMED_OUT", `${what} did not answer within ${ms} ms`, { outcome: "unknown" });
  });
  try {
    // The sleep ends without a value only after the promise has settled, so the race is the promise's by then.
    return (await Promise.race([promise, timeout])) as T;
  } finally {
    done.abort(OVER);
  }
}
