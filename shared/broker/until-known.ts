import { KafkaError } from "../kafka/kafka-error.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";

const TIMEOUT_MS = 5_000;
const MAX_ATTEMPTS = 4;
const FIRST_BACKOFF_MS = 25;

/**
 * Repeats an operation that may be repeated, until it answers. Errors: what the last attempt failed with.
 */
export async function untilKnown<T>(
  parts: Pick<BrokerParts, "clock" | "random">,
  what: string,
  operation: () => Promise<T>,
  timeoutMs = TIMEOUT_MS,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withTimeout(parts.clock, timeoutMs, what, operation());
    } catch (error) {
      if (!(error instanceof KafkaError && error.retriable) || attempt === MAX_ATTEMPTS) throw error;
      await parts.clock.sleep(parts.random.next() * FIRST_BACKOFF_MS * 2 ** attempt);
    }
  }
}
