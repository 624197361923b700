import { ok, type Result, refused } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";

/** How long somebody waits who waits for the other members of a group. */
export interface Patience {
  readonly groupId: string;
  /** Milliseconds. */
  readonly maxWaitMs: number;
  /** Ends the wait: the client is gone. */
  readonly signal?: AbortSignal;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

interface Waiting {
  readonly kind: "waiting";
}

/**
 * Asks again as long as the answer is `waiting`: after 50 ms, then doubling up to a second. Refusals: REBALANCE_IN_PROGRESS when the time is over, on
 * which clients join again.
 */
export async function askUntil<Answer extends { readonly kind: string }>(
  { clock }: Broker,
  { groupId, maxWaitMs, signal }: Patience,
  first: Result<Answer>,
  ask: (waiting: Extract<Answer, Waiting>) => Promise<Result<Answer>>,
): Promise<Result<Exclude<Answer, Waiting>>> {
  const deadline = clock.now() + maxWaitMs;
  let answer = first;
  for (let waits = 0; ; waits++) {
    if (!answer.ok) return answer;
    if (answer.value.kind !== "waiting") return ok(answer.value as Exclude<Answer, Waiting>);
    const remainingMs = deadline - clock.now();
    if (remainingMs <= 0 || signal?.aborted) break;
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(waits, 10), remainingMs);
    await clock.sleep(waitMs, signal);
    answer = await ask(answer.value as Extract<Answer, Waiting>);
  }
  return refused(
    "REBALANCE_IN_PROGRESS",
    `group "${groupId}" is still rebalancing after ${maxWaitMs} ms`,
    "join again",
  );
}
