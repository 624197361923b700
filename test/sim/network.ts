import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import type { Scheduler } from "./scheduler.ts";

/** Where the metadata lies: a place that a region may be cut off from, as from another region. */
export const METADATA = 0;

/** Which region can reach which: a region that is down reaches nothing and is not reached. */
export class Network {
  readonly down = new Set<number>();
  /** `from-to`. */
  readonly cut = new Set<string>();

  reaches(from: number, to: number): boolean {
    return !this.down.has(from) && !this.down.has(to) && !this.cut.has(`${from}-${to}`);
  }

  heal(): void {
    this.down.clear();
    this.cut.clear();
  }
}

/** What a process is to those who ask for it: it may be asleep. */
export interface Sleeper {
  pausedUntil: number;
}

/**
 * A store as one process sees it, that may be cut off from it before the request or before the answer. A process that is
 * paused neither sends nor hears anything until it wakes: what it read before may be long over by then.
 */
export function reachable<T extends object>(
  store: T,
  scheduler: Scheduler,
  sleeper: Sleeper,
  isReachable: () => boolean,
): T {
  const unreachable = (outcome: "none" | "unknown") =>
    new KafkaError("KAFKA_STORAGE_ERROR", "unreachable", { outcome });
  const awake = async () => {
    while (sleeper.pausedUntil > scheduler.now) await scheduler.sleep(sleeper.pausedUntil - scheduler.now);
  };
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        await awake();
        if (!isReachable()) throw unreachable("none");
        const answer = await (member.apply(target, args) as Promise<unknown>);
        await awake();
        if (!isReachable()) throw unreachable("unknown");
        return answer;
      };
    },
  });
}
