import { KafkaError } from "../kafka/kafka-error.ts";

const THROTTLES = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "RequestLimitExceeded",
  "LimitExceededException",
  "SlowDown",
  "TooManyRequestsException",
]);

const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);

/** The shape that errors of the AWS SDK and of node's sockets have in common. */
interface StoreFailure {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The one way in for errors of a store: what it was called, and what became of a write. */
export function storageError(what: string, error: unknown): KafkaError {
  if (error instanceof KafkaError) return error;
  const { name = "", code = "", message = "", $metadata } = error as StoreFailure;
  if (THROTTLES.has(name)) {
    return new KafkaError("THROTTLING_QUOTA_EXCEEDED", `${what} was throttled`, {
      hint: "slow down, or spread the load over more partitions",
      cause: error,
    });
  }
  const status = $metadata?.httpStatusCode ?? 0;
  // A 4xx was judged and not applied; no answer and a 5xx leave open what became of it.
  const wasJudged = (status >= 400 && status < 500) || NEVER_SENT.has(code);
  return new KafkaError("KAFKA_STORAGE_ERROR", `${what} failed: ${name || code || message}`, {
    hint: "try again; if it stays, see whether the store is reachable",
    outcome: wasJudged ? "none" : "unknown",
    cause: error,
  });
}

/** Runs one operation of a store; what it throws comes out as a KafkaError. */
export async function stored<T>(what: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw storageError(what, error);
  }
}
