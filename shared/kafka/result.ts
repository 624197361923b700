import type { ErrorCode } from "./error-code.ts";
import { type Refusal, refuse } from "./kafka-error.ts";

/** The answer of a use case: what was asked for, or why not. */
export type Result<T, R extends Refusal = Refusal> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: R };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function refused(
  code: ErrorCode,
  message: string,
  hint?: string,
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: refuse(code, message, hint) };
}
