import { KafkaError } from "../kafka/kafka-error.ts";
import type { LogItem, LogKey } from "../log/log-item.ts";
import type { PutItemResult } from "../log/log-store.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";

const PUT_TIMEOUT_MS = 3_000;
const MAX_ATTEMPTS = 5;
const FIRST_BACKOFF_MS = 20;

/**
 * Puts the item until it is known what became of it. A put whose answer was lost is sent again to the same slot, never
 * to another: there it either finds the slot free, or its own appendId, or another writer's item, and in the last case
 * it certainly is not in the log.
 *
 * Errors: what the last attempt failed with; `outcome` is `unknown` if any of them may have been applied.
 */
export async function putUntilKnown(parts: BrokerParts, log: LogKey, item: LogItem): Promise<PutItemResult> {
  let mayBeApplied = false;
  for (let attempt = 1; ; attempt++) {
    try {
      const put = parts.logStore.putItem(log, item);
      const result = await withTimeout(parts.clock, PUT_TIMEOUT_MS, "the append", put);
      // With a newer stamp it is the newer epoch's to acknowledge.
      const isOwn =
        result.kind === "occupied" && result.item.appendId === item.appendId && result.item.stamp === item.stamp;
      return isOwn ? { kind: "written" } : result;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      mayBeApplied ||= error.outcome === "unknown";
      if (!error.retriable || attempt === MAX_ATTEMPTS) {
        throw new KafkaError(error.code, error.message, {
          outcome: mayBeApplied ? "unknown" : "none",
          cause: error,
          ...hintOf(error, mayBeApplied),
        });
      }
      await parts.clock.sleep(parts.random.next() * FIRST_BACKOFF_MS * 2 ** attempt);
    }
  }
}

function hintOf({ hint }: KafkaError, mayBeApplied: boolean): { readonly hint?: string } {
  if (mayBeApplied) return { hint: "it may be in the log all the same: send it again if it may be there twice" };
  return hint === undefined ? {} : { hint };
}
