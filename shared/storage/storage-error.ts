import { KafkaError } from "../kafka/kafka-error.ts";

const THROTTLES = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "RequestLimitExceeded",
  "LimitExceededException",
  "SlowDown",
  "TooManyRequestsException",
]);

/** Refused as they were sent, and likely to be taken when they are sent again. */
const PASSING = new Set([
  // EventBridge: somebody else is changing the rule just now.
  "ConcurrentModificationException",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidSignatureException",
  "OperationAborted",
  // A global table with strong consistency: another region is writing the item just now.
  "ReplicatedWriteConflictException",
  "RequestExpired",
  "RequestTimeTooSkewed",
  "RequestTimeout",
  "TransactionConflictException",
]);

/** What the SDK and node's sockets fail with before a request has left. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "CredentialsProviderError"]);

/** What a file system fails with that has no room. */
const NO_ROOM = new Set(["ENOSPC", "EDQUOT"]);

/** The shape that errors of the AWS SDK and of node's sockets have in common. */
interface StoreFailure {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
}

/**
 * The one way in for errors of a store: what it was called, and what became of a write.
 *
 * - Throttled: THROTTLING_QUOTA_EXCEEDED, not applied.
 * - Judged and refused for good (4xx: an item too large, no such table, no permission): UNKNOWN_SERVER_ERROR, not applied.
 * - All else: KAFKA_STORAGE_ERROR; not applied if the request certainly never left, otherwise nobody knows.
 */
export function storageError(what: string, error: unknown): KafkaError {
  if (error instanceof KafkaError) return error;
  const { name = "", code = "", message = "", $metadata = {} } = (error ?? {}) as StoreFailure;
  // Where the SDK sent it more than once, this error is the last one's: an earlier one may have been applied.
  const isOnlyAttempt = ($metadata.attempts ?? 1) <= 1;
  const notApplied = isOnlyAttempt ? "none" : "unknown";
  if (THROTTLES.has(name)) {
    return new KafkaError("THROTTLING_QUOTA_EXCEEDED", `${what} was throttled`, {
      hint: "slow down, or spread the load over more partitions",
      outcome: notApplied,
      cause: error,
    });
  }
  const status = $metadata.httpStatusCode ?? 0;
  const wasJudged = status >= 400 && status < 500;
  if (wasJudged && status !== 408 && !PASSING.has(name)) {
    return new KafkaError("UNKNOWN_SERVER_ERROR", `${what} was refused: ${name}`, {
      hint: "see the cause in the log: the store's tables, its permissions, or what was sent to it",
      outcome: notApplied,
      cause: error,
    });
  }
  const wasSent = !wasJudged && !NEVER_SENT.has(code) && !NEVER_SENT.has(name);
  // node's errors are all named Error: their code says more.
  const why = (name === "Error" ? code : "") || name || code || message;
  return new KafkaError("KAFKA_STORAGE_ERROR", `${what} failed: ${why}`, {
    hint: NO_ROOM.has(code)
      ? "make room on the disk of the data folder, then try again"
      : "try again; if it stays, see whether the store is reachable",
    outcome: wasSent ? "unknown" : notApplied,
    cause: error,
  });
}

/** Runs one operation of a store, once; what it throws comes out as a KafkaError. */
export async function stored<T>(what: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw storageError(what, error);
  }
}

const MAX_READS = 3;
const FIRST_BACKOFF_MS = 25;

/** As {@link stored}, for what changes nothing: repeated when it fails in passing, a bounded number of times. */
export async function storedRead<T>(what: string, read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await stored(what, read);
    } catch (error) {
      if (!(error instanceof KafkaError && error.retriable) || attempt === MAX_READS) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * FIRST_BACKOFF_MS * 2 ** attempt));
    }
  }
}
