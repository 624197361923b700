import type { Broker } from "./broker.ts";
import { isFenced } from "./log-view.ts";

/** How often a request follows a leader that moved meanwhile. */
const MAX_LEADERS = 5;

/**
 * Asks, and where the topic's cached metadata turns out to be old, and nothing was done by it, asks again by new metadata.
 * Errors: those of `ask`.
 */
export async function followLeader<T>(broker: Broker, topic: string, ask: () => Promise<T>): Promise<T> {
  for (let leaders = 1; ; leaders++) {
    try {
      return await ask();
    } catch (error) {
      if (!isFenced(error) || leaders === MAX_LEADERS) throw error;
      broker.topics.invalidate(topic);
    }
  }
}
