import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { coordinatorAt } from "./coordinate.ts";

/** How often the sweep comes by itself: each minute while groups are in use, each hour while there only is something that will expire. */
export type SweepPace = "minute" | "hour" | "never";

/**
 * The port to what begins the sweep of this region's groups where no process runs that could: two clocks, each on or off. Bounded in time; turning
 * one on that is on changes nothing, nor does turning one off that is off. Errors: KafkaError, after which it may be on or off.
 */
export interface SweepClock {
  turnOn(clock: "minute" | "hour"): Promise<void>;
  turnOff(clock: "minute" | "hour"): Promise<void>;
}

const MINUTE_MS = 60_000;
const LIST_TIMEOUT_MS = 5_000;
/** Groups that begin while the clock is being stopped, again and again, leave it going. */
const MAX_LOOKS = 3;

/**
 * Sets the clock of this region by the groups that have their home in it: when one begins or comes to its end, and after each sweep. No group that
 * began is left without a sweep: its listing is written before anybody starts the clock for it, and whoever slows the clock looks at the listings once
 * more afterwards. Repeated after a crash it does the same. `current`: the pace of the clock that brought a sweep: nothing is to be changed if it
 * is the right one. Errors: KafkaError of the group store or the clock.
 */
export async function keepSweepClock(broker: Broker, sweepClock: SweepClock, current?: SweepPace): Promise<SweepPace> {
  let pace = await neededPace(broker);
  if (pace === current) return pace;
  for (let look = 1; ; look++) {
    await setPace(sweepClock, pace);
    if (pace === "minute") return pace;
    const needed = await neededPace(broker);
    if (needed === pace) return pace;
    pace = look < MAX_LOOKS ? needed : "minute";
  }
}

/** The slower clock goes before the faster one is off: in between there is one too many. */
async function setPace(sweepClock: SweepClock, pace: SweepPace): Promise<void> {
  // While there are sweeps each minute, one more each hour makes no difference.
  if (pace === "minute") return sweepClock.turnOn("minute");
  if (pace === "hour") await sweepClock.turnOn("hour");
  else await sweepClock.turnOff("hour");
  await sweepClock.turnOff("minute");
}

async function neededPace(broker: Broker): Promise<SweepPace> {
  const { groupStore, clock } = coordinatorAt(broker, broker.brokerId ?? 1);
  const list = (options: { readonly sweepBefore?: number }) =>
    withTimeout(clock, LIST_TIMEOUT_MS, "listing groups", groupStore.listGroups({ limit: 1, ...options }));
  if ((await list({ sweepBefore: clock.now() + MINUTE_MS })).length > 0) return "minute";
  return (await list({})).length > 0 ? "hour" : "never";
}
