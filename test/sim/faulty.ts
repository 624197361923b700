import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Faults {
  /** Chances, each of one operation. */
  readonly fail: number;
  readonly throttle: number;
  /** Applied, but the answer is lost. */
  readonly loseAnswer: number;
  /** The answer is lost, and a write is applied only some time afterwards. */
  readonly applyLate: number;
  /** Never answered; whether it is applied is another chance. */
  readonly hang: number;
  readonly maxDelayMs: number;
}

export const NO_FAULTS: Faults = { fail: 0, throttle: 0, loseAnswer: 0, applyLate: 0, hang: 0, maxDelayMs: 0 };

const LATE_MS = 20_000;

/**
 * A store whose operations take time and go wrong in all the ways a network and a service have: refused, throttled,
 * applied with the answer lost, applied late, never answered.
 */
export function faulty<T extends object>(store: T, scheduler: Scheduler, faults: () => Faults): T {
  const operate = async (name: string, apply: () => Promise<unknown>): Promise<unknown> => {
    const { fail, throttle, loseAnswer, applyLate, hang, maxDelayMs } = faults();
    const isWrite = /^(put|add|replace|create|update|delete|next|remove|write|commit)/.test(name);
    await scheduler.sleep(scheduler.integer(maxDelayMs + 1));
    const lost = () => new KafkaError("KAFKA_STORAGE_ERROR", "the answer was lost", { outcome: "unknown" });
    if (scheduler.chance(fail)) throw new KafkaError("KAFKA_STORAGE_ERROR", "refused");
    if (scheduler.chance(throttle)) throw new KafkaError("THROTTLING_QUOTA_EXCEEDED", "throttled");
    if (isWrite && scheduler.chance(applyLate)) {
      // What it fails with by then is told to nobody.
      void scheduler
        .sleep(scheduler.integer(LATE_MS))
        .then(apply)
        .catch(() => undefined);
      throw lost();
    }
    if (scheduler.chance(hang)) {
      if (scheduler.chance(0.5)) await apply();
      return new Promise(() => {});
    }
    const result = await apply();
    if (isWrite && scheduler.chance(loseAnswer)) throw lost();
    await scheduler.sleep(scheduler.integer(maxDelayMs + 1));
    return result;
  };
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function" || typeof name !== "string") return member;
      return (...args: unknown[]) => operate(name, () => member.apply(target, args) as Promise<unknown>);
    },
  });
}
