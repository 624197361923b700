import type { LogKey } from "../log/log-item.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { at } from "./replica-stores.ts";

const ASK_WITHIN_MS = 3_000;
/** For so long a follower that answered is taken to answer, and one that did not to be silent. */
const ANSWERS_MS = 5_000;
const SILENT_MS = 3_000;

/** Which followers' tables answer, asked once for all partitions: one that is silent must not hold up each of them. */
export class FollowerAnswers {
  readonly #parts: BrokerParts;
  readonly #asked = new Map<number, { readonly answer: Promise<boolean>; goodUntil: number }>();

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** Whether it answers, or did so just now; `isNow`: that it did just now is not enough. */
  async isAnswering(log: LogKey, follower: number, isNow: boolean): Promise<boolean> {
    const { clock, logger } = this.#parts;
    const known = this.#asked.get(follower);
    if (known !== undefined && clock.now() < known.goodUntil) {
      const isAnswering = await known.answer;
      if (!isAnswering || !isNow) return isAnswering;
    }
    const read = at(this.#parts, follower).logStore.readItemAtOrBelow(log, Number.MAX_SAFE_INTEGER);
    const answer = withTimeout(clock, ASK_WITHIN_MS, "reading a follower", read).then(
      () => true,
      (error) => {
        logger.warn("a follower does not answer", { broker: follower }, error);
        return false;
      },
    );
    const asked = { answer, goodUntil: Number.POSITIVE_INFINITY };
    this.#asked.set(follower, asked);
    asked.goodUntil = clock.now() + ((await answer) ? ANSWERS_MS : SILENT_MS);
    return answer;
  }

  /** It failed since: the next one that wants to know asks. */
  forget(follower: number): void {
    this.#asked.delete(follower);
  }
}
