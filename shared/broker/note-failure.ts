import { KafkaError } from "../kafka/kafka-error.ts";
import type { LogFields } from "../runtime/logger.ts";
import type { BrokerParts } from "./broker.ts";

/**
 * Logs a failure with its cause, which is not for the client, and counts it as an error; to be called once, where it is
 * caught. A store that is only throttled is no error: it is counted as such by metered-stores.ts.
 */
export function noteFailure(
  { logger, metrics }: Pick<BrokerParts, "logger" | "metrics">,
  what: string,
  fields: LogFields,
  error: unknown,
): void {
  if (!(error instanceof KafkaError)) {
    metrics.count("Errors", 1);
    logger.error(what, fields, error);
    return;
  }
  if (error.code !== "THROTTLING_QUOTA_EXCEEDED") metrics.count("Errors", 1);
  logger.warn(what, { ...fields, code: error.code, outcome: error.outcome }, error);
}
