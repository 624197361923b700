import type { Broker } from "../broker.ts";
import { type Upkeep, type UpkeepOptions, upkeepLogs } from "./upkeep.ts";

/**
 * The port to what begins the upkeep each hour where no process runs that could. Turning it on when it is on changes nothing, nor does turning it off
 * when it is off. Bounded in time. Errors: KafkaError, after which it may be on or off.
 */
export interface UpkeepClock {
  turnOn(): Promise<void>;
  turnOff(): Promise<void>;
}

/**
 * The upkeep, and its clock: on while time alone makes something due, off when it does not. Nothing that is appended is left without a clock: a log
 * that is idle says so to its writers, who ring (upkeep-bell.ts), for longer than they go by an older word, before the clock stops for it; and whoever
 * stops it looks once more, because another run may just have set it going. `isOn`: it was the clock that began this run.
 */
export async function upkeepByClock(
  broker: Broker,
  clock: UpkeepClock | undefined,
  options: UpkeepOptions & { readonly isOn?: boolean },
): Promise<Upkeep> {
  const done = await upkeepLogs(broker, options);
  if (clock === undefined) return done;
  if (done.needsClock) {
    if (options.isOn !== true) await clock.turnOn();
    return done;
  }
  await clock.turnOff();
  const { needsClock } = await upkeepLogs(broker, { untilMs: options.untilMs });
  if (needsClock) await clock.turnOn();
  return { ...done, needsClock };
}
