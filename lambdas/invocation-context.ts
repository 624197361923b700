/** API Gateway's own limit: what an invocation that tells none has. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
export const INTEGRATION_TIMEOUT_MS = 29_000;

/** What a handler is told beside the event: on AWS Lambda's context, locally the same and when the client went away. */
export interface InvocationContext {
  readonly signal?: AbortSignal;
  /** Lambda's id of the invocation. */
  readonly awsRequestId?: string;
  getRemainingTimeInMillis?(): number;
}

/** Milliseconds that are left of the invocation, less a margin; never below 1. */
export function remainingMs(context: InvocationContext | undefined, marginMs: number): number {
  const remaining = context?.getRemainingTimeInMillis?.() ?? INTEGRATION_TIMEOUT_MS;
  return Math.max(1, remaining - marginMs);
}
