import { describe, expect, it } from "vitest";
import { shrinkInSyncReplicas } from "../../shared/broker/change-in-sync-replicas.ts";
import { electLeader } from "../../shared/broker/elect-leader.ts";
import { stayAlive } from "../../shared/broker/stay-alive.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import { produce, topicOf } from "../fixtures/broker.ts";
import { Regions, seen } from "../fixtures/regions.ts";
import { Scheduler } from "./scheduler.ts";

/** What a follower or a leader that is silent may cost, by the scheduler's clock and none other. */
const BOUND_MS = 5_000;
const LEASE_MS = 10_000;

/** A table that never answers. */
const silent = () => new Promise<never>(() => {});

/** Three regions under a scheduler, with one record in a topic's log. */
async function scheduled<T>(work: (world: Regions, scheduler: Scheduler, topicId: string) => Promise<T>): Promise<T> {
  const scheduler = new Scheduler(1);
  const parts = { clock: scheduler.clock(() => 0), random: scheduler.random };
  const world = new Regions(parts);
  const open = world.open.bind(world);
  world.open = (id, change) => open(id, { ...parts, ...change });
  let result: Promise<T> | undefined;
  const run = async () => {
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], { acks: -1, timeoutMs: 60_000 });
    result = work(world, scheduler, topicId);
    await result;
  };
  await scheduler.run(run(), 1_000_000);
  return result!;
}

const all = { acks: -1, timeoutMs: 60_000 } as const;

describe("what is silent holds up acks=all for seconds, not for the sum of all timeouts", () => {
  it("a follower that left the in-sync set while an append waited for it", async () => {
    const waitedMs = await scheduled(async (world, scheduler, topicId) => {
      world.region(3).before = silent;
      const appended = produce(world.broker(1), "t", [{ value: "b" }], all);
      await scheduler.sleep(2_500);
      await shrinkInSyncReplicas(world.broker(2), await world.registration(topicId), 3);
      const shrunkAt = scheduler.now;
      expect(await appended).toEqual(["0:2"]);
      return scheduler.now - shrunkAt;
    });
    expect(waitedMs).toBeLessThan(BOUND_MS / 2);
  });

  it("a follower that is silent when an epoch begins, and left the in-sync set since", async () => {
    const waitedMs = await scheduled(async (world, scheduler, topicId) => {
      world.region(3).before = silent;
      await electLeader(world.broker(2), { topicId, partition: 0, leader: 2 });
      const appended = produce(world.open(2), "t", [{ value: "b" }], all);
      await scheduler.sleep(10);
      await shrinkInSyncReplicas(world.broker(2), await world.registration(topicId), 3);
      const shrunkAt = scheduler.now;
      expect(await appended).toEqual(["0:3"]);
      return scheduler.now - shrunkAt;
    });
    expect(waitedMs).toBeLessThan(BOUND_MS);
  });

  it.each([
    ["has never seen the log", false, 5],
    ["has a put under way", true, 4],
  ] as const)(
    "a leader whose region is gone: appends of a writer that %s, and those behind them",
    async (_, isWarm, least) => {
      const { acknowledged, waitedMs } = await scheduled(async (world, scheduler) => {
        const writer = world.broker(2);
        if (isWarm) await produce(writer, "t", [{ value: "b" }], all);
        const expiresAt = scheduler.now + LEASE_MS;
        await world.metadataStore.putLease(1, expiresAt);
        world.region(1).before = silent;
        const untilMs = scheduler.now + 60_000;
        const alive = [2, 3].map((id) => stayAlive(world.broker(id), id, { leaseMs: LEASE_MS, untilMs }));
        const appends = Array.from({ length: 5 }, async (__, index) => {
          await scheduler.sleep(index * 2_000);
          return produce(writer, "t", [{ value: `v${index}` }], all);
        });
        const places = (await Promise.all(appends)).flat();
        const doneAt = scheduler.now;
        await Promise.all(alive);
        const acknowledged = places.filter((place) => place.startsWith("0:")).map((place) => place.slice(2));
        const offsets = (await seen(world.open(3), "t")).map((record) => record.split("=")[0]);
        expect(offsets).toEqual(expect.arrayContaining(acknowledged));
        return { acknowledged, waitedMs: doneAt - expiresAt };
      });
      // What was put to the old leader may be in its log, and is not appended twice.
      expect(acknowledged.length).toBeGreaterThanOrEqual(least);
      expect(waitedMs).toBeLessThan(BOUND_MS);
    },
  );
});

describe("a follower's checkpoint that cannot be read just then", () => {
  it("is read again, and what the follower holds for good is not put once more", async () => {
    const change = { checkpointEveryItems: 5 };
    const puts = await scheduled(async (world, scheduler, topicId) => {
      const writer = world.open(1, change);
      for (let count = 0; count < 40; count++) await produce(writer, "t", [{ value: `v${count}` }], all);
      // Stamps of old epochs say nothing any more: without the checkpoint, all would have to be put again.
      for (const leader of [2, 1, 2, 1]) await electLeader(world.open(leader), { topicId, partition: 0, leader });
      let failures = 0;
      let count = 0;
      world.region(3).before = async (operation) => {
        if (operation === "putItem") count++;
        if (operation !== "readCheckpoint" || failures++ > 0) return;
        throw new KafkaError("KAFKA_STORAGE_ERROR", "not just now");
      };
      const [place] = await produce(world.open(1), "t", [{ value: "last" }], all);
      expect(place).toMatch(/^0:\d+$/);
      expect(failures).toBeGreaterThan(1);
      await scheduler.sleep(1_000);
      return count;
    });
    // The last record, four barriers, and what came behind the last checkpoint.
    expect(puts).toBeLessThan(15);
  });
});
