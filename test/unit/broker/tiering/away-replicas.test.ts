import { describe, expect, it } from "vitest";
import { growInSyncReplicas } from "../../../../shared/broker/change-in-sync-replicas.ts";
import { electAnyLeader } from "../../../../shared/broker/elect-any-leader.ts";
import { Replicator } from "../../../../shared/broker/replicator.ts";
import { produce } from "../../../fixtures/broker.ts";
import { seen } from "../../../fixtures/regions.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, numbered } from "./kept-logs.ts";
import { COLD, expected, KeptRegions } from "./kept-regions.ts";

describe("a replicated log whose hot part has moved on while a replica was away", () => {
  it("fills a replica that was away while the log went on without it, though its leader's hot log begins further up", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create(COLD);
      await world.append(numbered(3));
      await world.lose(3);
      // A replicator that tried in vain, and goes on trying.
      const replicator = new Replicator(world.process(1), 1);
      for (let day = 0; day < 12; day++) {
        await world.append([`v${3 + day}`]);
        await replicator.run(clock.now() + 5_000);
        await world.pass(DAY_MS, 6 * HOUR_MS);
        await world.expire();
      }
      expect((await world.buckets())[2]).toBe(0);
      world.region(3).isDown = false;
      await replicator.run(clock.now() + 30_000);
      await world.pass(30 * MINUTE_MS, 10 * MINUTE_MS);
      for (let run = 0; run < 3; run++) {
        await clock.sleep(10_000);
        await replicator.run(clock.now() + 30_000);
      }
      expect((await world.registration(world.topicId)).inSyncReplicas).toEqual([1, 2, 3]);
      expect(new Set(await world.buckets()).size).toBe(1);
      // It may lead now, and has all.
      await world.elect(3);
      for (const id of [1, 2]) {
        await world.lose(id, 3);
      }
      const values = await seen(world.process(3), "t", 1);
      expect(values.map((value) => value.split("=")[1])).toEqual(numbered(15));
    }));

  it("fills a replica that was away though nobody appends: the hot log begins within a segment then", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create(COLD);
      await world.append(numbered(3));
      await world.lose(3);
      await world.append(numbered(6).slice(3));
      await world.pass(12 * DAY_MS, 6 * HOUR_MS);
      await world.expire();
      world.region(3).isDown = false;
      const replicator = new Replicator(world.process(1), 1);
      for (let run = 0; run < 3; run++) {
        await world.keep();
        await replicator.run(clock.now() + 30_000);
      }
      expect((await world.registration(world.topicId)).inSyncReplicas).toEqual([1, 2, 3]);
      await world.elect(3);
      expect(await world.append(["v6"], 3)).toEqual(["0:9"]);
      const values = await seen(world.process(3), "t", 1);
      expect(values.map((value) => value.split("=")[1])).toEqual(numbered(7));
    }));

  it("goes on where a replica leads it that came into sync when the hot log had moved on, before any upkeep", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create(COLD);
      await world.append(numbered(3));
      await world.lose(3);
      await world.append(["v3"]);
      await world.pass(3 * HOUR_MS);
      world.region(3).isDown = false;
      await growInSyncReplicas(world.process(1), await world.registration(world.topicId), 3, 10_000);
      await world.elect(3);
      await clock.sleep(10 * DAY_MS);
      await world.expire();
      const [place] = await produce(world.process(3), "t", [{ value: "v4" }]);
      expect(Number(place?.slice(2))).toBeGreaterThan(4);
      const values = await seen(world.process(3), "t", 1);
      expect(values.map((value) => value.split("=")[1])).toEqual(numbered(5));
    }));

  it("is never taken to end where its hot items were deleted: another replica's checkpoint is, where the leader has none", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create(COLD);
      await world.append(numbered(4));
      await world.pass(10 * DAY_MS, 6 * HOUR_MS);
      await world.expire();
      const { logStore } = world.region(1);
      const [read, put] = [logStore.readCheckpoint.bind(logStore), logStore.putCheckpoint.bind(logStore)];
      let isLost = true;
      logStore.readCheckpoint = async (log) => (isLost ? undefined : read(log));
      for (const id of [2, 3]) world.region(id).isDown = true;
      expect(await produce(world.process(1), "t", [{ value: "lost" }], { acks: 1 })).toEqual(["KAFKA_STORAGE_ERROR"]);
      for (const id of [2, 3]) world.region(id).isDown = false;
      logStore.putCheckpoint = async (log, checkpoint) => {
        isLost = false;
        await put(log, checkpoint);
      };
      expect(await produce(world.process(1), "t", [{ value: "v4" }])).toEqual(["0:5"]);
      expect(await seen(world.process(2), "t", 1)).toEqual(expected(5));
    }));

  it("is hot from where an unclean election begins it anew, though it had been cold further up", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create({ ...COLD, "unclean.leader.election.enable": "true" });
      await world.append(numbered(3));
      await world.lose(3);
      await world.append(numbered(20).slice(3));
      await world.pass(3 * HOUR_MS);
      expect(await world.stretches()).toEqual(["0-20"]);
      for (const id of [1, 2]) world.region(id).isDown = true;
      world.region(3).isDown = false;
      const registration = await world.registration(world.topicId);
      const reach = { isGone: async (_: unknown, id: number) => id !== 3 };
      expect(await electAnyLeader(world.broker(3), { registration, isUncleanAllowed: true, reach })).toMatchObject({
        ok: true,
        value: { unclean: { startOffset: 4 } },
      });
      expect(await produce(world.process(3), "t", [{ value: "anew" }])).toEqual(["0:5"]);
      const left = ["1=v0", "2=v1", "3=v2", "5=anew"];
      expect(await seen(world.process(3), "t", 1)).toEqual(left);
      for (const id of [1, 2]) world.region(id).isDown = false;
      const replicator = new Replicator(world.process(3), 3);
      for (let day = 0; day < 12; day++) {
        await replicator.run(clock.now() + 30_000);
        await world.pass(DAY_MS, 6 * HOUR_MS);
        await world.expire();
        await produce(world.process(3), "t", [{ value: `d${day}` }]);
      }
      expect((await world.registration(world.topicId)).inSyncReplicas.toSorted()).toEqual([1, 2, 3]);
      for (const id of [1, 2, 3]) expect((await seen(world.process(id), "t", 1)).slice(0, 4)).toEqual(left);
    }));
});
