import { KafkaError } from "../kafka/kafka-error.ts";
import type { LogFields } from "./logger.ts";

const MAX_CAUSES = 3;
const MAX_MESSAGE = 1_000;
const MAX_STACK = 4_000;

/** What errors of the AWS SDK carry beyond an Error. */
interface Described {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

/**
 * What a log line tells of an error, and of what caused it. Only what is named here: other properties of an error may
 * hold what must not be logged, as the item that a conditional write of DynamoDB returns. A KafkaError is told without
 * its stack: its cause says where it comes from.
 */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return {};
  return {
    error: error.name,
    errorMessage: error.message.slice(0, MAX_MESSAGE),
    stack: error instanceof KafkaError ? undefined : error.stack?.slice(0, MAX_STACK),
    causedBy: causes(error.cause) || undefined,
  };
}

function causes(first: unknown): string {
  const told: string[] = [];
  for (let cause = first; told.length < MAX_CAUSES && typeof cause === "object" && cause !== null; ) {
    const { name, message, $metadata, cause: next } = cause as Described;
    const status = $metadata?.httpStatusCode === undefined ? "" : ` (HTTP ${$metadata.httpStatusCode})`;
    const request = $metadata?.requestId === undefined ? "" : ` (request ${$metadata.requestId})`;
    told.push(`${name ?? "Error"}: ${String(message ?? "").slice(0, MAX_MESSAGE)}${status}${request}`);
    cause = next;
  }
  return told.join("; ");
}
