import { ERROR_CODES, type ErrorCode } from "./error-code.ts";

/** A request that the log refuses: an expected answer, so a value and not an exception. */
export interface Refusal {
  readonly code: ErrorCode;
  /** What is wrong, for a person. Nothing ever matches on it. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/**
 * A failure with a Kafka error code. `outcome` tells what became of a write that failed: `none` if it certainly was
 * not applied, `unknown` if its answer was lost and it may have been.
 */
export class KafkaError extends Error implements Refusal {
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly outcome: "none" | "unknown";

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; outcome?: "none" | "unknown"; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = code;
    this.code = code;
    if (options.hint !== undefined) this.hint = options.hint;
    this.outcome = options.outcome ?? "none";
  }

  /** Whether a client may send the same request again. */
  get retriable(): boolean {
    return ERROR_CODES[this.code].retriable;
  }
}

/** Shorthand for a {@link Refusal}. */
export function refuse(code: ErrorCode, message: string, hint?: string): Refusal {
  return hint === undefined ? { code, message } : { code, message, hint };
}
