import { resetOffsets } from "../../shared/broker/groups/reset-offsets.ts";
import { ask, type GroupWorld } from "./group-clients.ts";
import { CLASSICS, CONSUMERS } from "./group-end.ts";

/** What administrators do with topics and groups while consumers go on. */
export interface Administration {
  /** Everybody is to leave, and to wait. */
  isPaused: boolean;
}

/**
 * Topics grow, one is added, one is deleted and made anew under its name; groups are deleted, which is refused while anybody is in them; in some
 * runs all consumers are stopped, and then offsets are reset, or the groups deleted. It is over after `durationMs`.
 */
export async function administrate(world: GroupWorld, state: Administration, durationMs: number): Promise<void> {
  const { scheduler, topics } = world;
  const partMs = durationMs / 4;
  const recreating = recreate(world, "w", durationMs);
  await scheduler.sleep(scheduler.integer(partMs));
  await topics.grow("t", 1 + scheduler.integer(2));
  await scheduler.sleep(scheduler.integer(partMs));
  await topics.create("v", 1 + scheduler.integer(2));
  for (const groupId of [CONSUMERS, CLASSICS]) await deleteOnce(world, groupId);
  if (scheduler.chance(0.6)) {
    const change = scheduler.chance(0.5) ? reset : deleteOnce;
    state.isPaused = true;
    scheduler.note("all are to stop");
    for (const groupId of [CONSUMERS, CLASSICS]) {
      for (let tries = 0; tries < 15; tries++) {
        await scheduler.sleep(2_000);
        if (await change(world, groupId)) break;
      }
    }
    state.isPaused = false;
  }
  await scheduler.sleep(scheduler.integer(partMs));
  await topics.grow("u", 1 + scheduler.integer(2));
  await recreating;
}

/** Deleted and made anew, at once or after a while, once or again. */
async function recreate({ scheduler, topics, history }: GroupWorld, name: string, durationMs: number): Promise<void> {
  for (let times = 1 + scheduler.integer(3); times > 0; times--) {
    await scheduler.sleep(scheduler.integer(durationMs / 4));
    await topics.delete(name);
    if (scheduler.chance(0.5)) await scheduler.sleep(scheduler.integer(20_000));
    await topics.create(name, 1 + scheduler.integer(3));
    history.counts.recreated++;
    scheduler.note(`${name} is made anew: ${topics.idOf(name)}`);
  }
}

async function reset(world: GroupWorld, groupId: string): Promise<boolean> {
  const { scheduler, history } = world;
  const to = scheduler.chance(0.5) ? ({ to: "earliest" } as const) : ({ to: "shift-by", count: -3 } as const);
  const done = await ask(world, (broker) => resetOffsets(broker, { groupId, reset: to, isDryRun: false }));
  scheduler.note(`reset of ${groupId}: ${done?.ok ? "done" : done?.refusal.code}`);
  if (done?.ok) history.counts.resets++;
  return done?.ok === true;
}

async function deleteOnce(world: GroupWorld, groupId: string): Promise<boolean> {
  const { scheduler, useCases } = world;
  // Several do so at once: what one of them does late must not be done to the group that comes next.
  const deletions = Array.from({ length: 3 }, () => ask(world, (broker) => useCases.deleteGroup(broker, groupId)));
  const done = await Promise.any(deletions);
  scheduler.note(`deletion of ${groupId}: ${done?.ok ? "done" : done?.refusal.code}`);
  return done?.ok === true || done?.refusal.code === "GROUP_ID_NOT_FOUND";
}
