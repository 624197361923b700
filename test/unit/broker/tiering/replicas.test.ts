import { describe, expect, it } from "vitest";
import { shrinkInSyncReplicas } from "../../../../shared/broker/change-in-sync-replicas.ts";
import { deleteRecords } from "../../../../shared/broker/tiering/delete-records.ts";
import { upkeepLogs } from "../../../../shared/broker/tiering/upkeep.ts";
import { holdersOf } from "../../../../shared/log/segment/segment-metadata.ts";
import { seen } from "../../../fixtures/regions.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, numbered } from "./kept-logs.ts";
import { COLD, expected, KeptRegions } from "./kept-regions.ts";

describe("a replicated log", () => {
  it("is kept by its leader's region alone, in the bucket of every replica in sync", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create(COLD);
      await world.append(numbered(5));
      await world.pass(3 * HOUR_MS);
      const [segment, ...others] = await world.segments();
      expect(others).toEqual([]);
      expect(holdersOf(segment!)).toEqual([1, 2, 3]);
      expect(await world.buckets()).toEqual([1, 1, 1]);
    }));

  it("loses nothing that is cold with a region", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create(COLD);
      await world.append(numbered(5));
      await world.pass(10 * DAY_MS, 6 * HOUR_MS);
      await world.append(["v5"]);
      await world.expire();
      await world.pass(3 * HOUR_MS);
      world.region(1).isDown = true;
      await world.elect(2);
      await shrinkInSyncReplicas(world.broker(2), await world.registration(world.topicId), 1);
      const again = await world.append(["v6"], 2);
      expect(again).toEqual(["0:8"]);
      const values = await seen(world.process(3), "t", 1);
      expect(values.map((value) => value.split("=")[1])).toEqual(numbered(7));
    }));

  it("copies the same once when its leader fails in the middle, and leaves nothing behind", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create(COLD);
      await world.append(numbered(5));
      await clock.sleep(2 * HOUR_MS);
      // The first region is lost while it writes: its registration stands, its object is half there.
      const store = world.region(1).segmentStore;
      const putObjectInParts = store.putObjectInParts.bind(store);
      store.putObjectInParts = async () => {
        world.region(1).isDown = true;
        return new Promise(() => {});
      };
      void upkeepLogs(world.broker(1), { untilMs: clock.now() + 10 * MINUTE_MS });
      await clock.sleep(1_000);
      await world.elect(2);
      await shrinkInSyncReplicas(world.broker(2), await world.registration(world.topicId), 1);
      await world.append(["v5"], 2);
      await world.pass(3 * HOUR_MS, 10 * MINUTE_MS);
      // The barrier of the new epoch lies between.
      expect(await world.stretches()).toEqual(["0-7"]);
      store.putObjectInParts = putObjectInParts;
      world.region(1).isDown = false;
      await world.pass(2 * HOUR_MS, 30 * MINUTE_MS);
      expect((await world.segments()).length).toBe(1);
      expect(await world.buckets()).toEqual([1, 1, 1]);
      const values = await seen(world.process(3), "t", 1);
      expect(values.map((value) => value.split("=")[1])).toEqual(numbered(6));
    }));

  it("keeps the last item of an idle log in every table", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create({ "retention.ms": String(DAY_MS) });
      await world.append(numbered(3));
      await world.pass(20 * DAY_MS, 12 * HOUR_MS);
      await world.expire();
      const tables = await world.tables(world.topicId);
      for (const table of tables) expect(table).toEqual(expect.arrayContaining(["0/0b", "3/0"]));
      await world.elect(2);
      expect(await world.append(["next"], 2)).toEqual(["0:5"]);
    }));

  it("has its records deleted for every region", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create({});
      await world.append(numbered(5));
      expect(await deleteRecords(world.process(2), { topic: "t", partition: 0, beforeOffset: 4 })).toMatchObject({
        ok: true,
      });
      for (const id of [1, 2, 3]) {
        expect(await seen(world.process(id), "t", 4)).toEqual(expected(5).slice(3));
        expect(await seen(world.process(id), "t", 3)).toEqual(["OFFSET_OUT_OF_RANGE"]);
      }
      await world.elect(3);
      expect(await world.append(["v5"], 3)).toEqual(["0:7"]);
    }));
});
