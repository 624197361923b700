import { KafkaError } from "../kafka/kafka-error.ts";
import { logKey } from "../log/log-item.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { at } from "./replica-stores.ts";

const ANSWERS_WITHIN_MS = 2_000;
/** A log that is in no table: whether one answers is asked at the least cost. */
const NO_LOG = logKey("00000000-0000-0000-0000-000000000000", 0);

/** Whether a region's log table answers from here, within two seconds; a table that throttles does. Never throws. */
export async function regionAnswers(parts: BrokerParts, brokerId: number): Promise<boolean> {
  try {
    const read = at(parts, brokerId).logStore.readItemAtOrBelow(NO_LOG, Number.MAX_SAFE_INTEGER);
    await withTimeout(parts.clock, ANSWERS_WITHIN_MS, "a region's table", read);
    return true;
  } catch (error) {
    return error instanceof KafkaError && error.code === "THROTTLING_QUOTA_EXCEEDED";
  }
}
