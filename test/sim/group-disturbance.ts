import type { GroupHistory } from "./group-history.ts";
import type { GroupProcess } from "./group-process.ts";
import type { Network } from "./network.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Disturbed {
  readonly scheduler: Scheduler;
  readonly history: GroupHistory;
  /** It ends then. */
  readonly isCalm: () => boolean;
  readonly isNight: () => boolean;
}

/** Processes are killed, and others come in their place, or paused. */
export async function disturbProcesses(
  { scheduler, isCalm, isNight }: Disturbed,
  processes: readonly GroupProcess[],
): Promise<void> {
  for (;;) {
    await scheduler.sleep(300 + scheduler.integer(6_000));
    if (isCalm()) return;
    if (isNight()) continue;
    const victim = scheduler.integer(processes.length);
    const isKilled = scheduler.chance(0.5);
    scheduler.note(`process ${victim} is ${isKilled ? "killed" : "paused"}`);
    if (isKilled) processes[victim]!.kill();
    else processes[victim]!.pausedUntil = scheduler.now + scheduler.integer(scheduler.chance(0.5) ? 2_000 : 30_000);
  }
}

/** A region is gone for a while, or cut off from another one. */
export async function disturbRegions(
  { scheduler, history, isCalm }: Disturbed,
  network: Network,
  regionCount: number,
): Promise<void> {
  while (regionCount > 1) {
    await scheduler.sleep(1_000 + scheduler.integer(25_000));
    if (isCalm()) return;
    const [region, other] = [1 + scheduler.integer(regionCount), 1 + scheduler.integer(regionCount)];
    const isDown = scheduler.chance(0.5);
    scheduler.note(isDown ? `region ${region} is gone` : `region ${region} does not reach ${other}`);
    history.counts.outages++;
    if (isDown) network.down.add(region);
    else if (region !== other) network.cut.add(`${region}-${other}`);
    await scheduler.sleep(scheduler.integer(scheduler.chance(0.5) ? 5_000 : 40_000));
    network.heal();
  }
}
