import { describe, expect, it } from "vitest";
import type { Broker } from "../../../../shared/broker/broker.ts";
import { growInSyncReplicas, shrinkInSyncReplicas } from "../../../../shared/broker/change-in-sync-replicas.ts";
import { createTopic } from "../../../../shared/broker/create-topic.ts";
import { electAnyLeader } from "../../../../shared/broker/elect-any-leader.ts";
import { electLeader } from "../../../../shared/broker/elect-leader.ts";
import { Replicator } from "../../../../shared/broker/replicator.ts";
import { deleteRecords } from "../../../../shared/broker/tiering/delete-records.ts";
import { upkeepLogs } from "../../../../shared/broker/tiering/upkeep.ts";
import { logKey } from "../../../../shared/log/log-item.ts";
import { holdersOf } from "../../../../shared/log/segment/segment-metadata.ts";
import type { Clock } from "../../../../shared/runtime/clock.ts";
import { MemorySegmentRegistry } from "../../../../shared/storage/memory/memory-segment-registry.ts";
import { produce } from "../../../fixtures/broker.ts";
import { Regions, seen } from "../../../fixtures/regions.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, numbered } from "./kept-logs.ts";

/** Three regions whose logs are kept. */
class KeptRegions extends Regions {
  readonly clock: Clock;
  readonly segmentRegistry: MemorySegmentRegistry;
  topicId = "";

  constructor(clock: Clock, segmentRegistry = new MemorySegmentRegistry()) {
    super({ clock, segmentRegistry });
    this.clock = clock;
    this.segmentRegistry = segmentRegistry;
  }

  /** One more process in a region. */
  process(id: number): Broker {
    return this.open(id, { clock: this.clock, segmentRegistry: this.segmentRegistry });
  }

  async create(configs: Record<string, string>): Promise<void> {
    const created = await createTopic(this.broker(1), { name: "t", partitionCount: 1, replicationFactor: 3, configs });
    if (!created.ok) throw new Error(created.refusal.message);
    this.topicId = created.value.topicId;
    await this.keep();
  }

  async append(values: readonly string[], id = 1, acks: 1 | -1 = -1): Promise<string[]> {
    const offsets: string[] = [];
    for (const value of values) offsets.push(...(await produce(this.broker(id), "t", [{ value }], { acks })));
    return offsets;
  }

  /** A run in each region that is up. */
  async keep(): Promise<void> {
    for (const { id, isDown } of this.regions) {
      if (!isDown) await upkeepLogs(this.broker(id), { untilMs: this.clock.now() + 10 * MINUTE_MS });
    }
  }

  async pass(ms: number, everyMs = HOUR_MS): Promise<void> {
    for (let passed = 0; passed < ms; passed += everyMs) {
      await this.clock.sleep(everyMs);
      await this.keep();
    }
  }

  async expire(): Promise<void> {
    for (const { logStore } of this.regions) {
      await logStore.deleteExpiredItems(Math.floor(this.clock.now() / 1000), Number.MAX_SAFE_INTEGER);
    }
  }

  segments() {
    return this.segmentRegistry.listSegments(logKey(this.topicId, 0), { limit: 100 });
  }

  async stretches(): Promise<string[]> {
    return (await this.segments()).flatMap(({ state, baseOffset, content }) =>
      state === "COPY_SEGMENT_FINISHED" ? [`${baseOffset}-${content?.lastOffset}`] : [],
    );
  }

  /** Segments' `.log`s in each region's bucket. */
  async buckets(): Promise<number[]> {
    const lists = this.regions.map(({ segmentStore }) =>
      segmentStore.listObjects(`${this.topicId}/`, { maxKeys: 1000 }),
    );
    return (await Promise.all(lists)).map((objects) => objects.filter(({ key }) => key.endsWith(".log")).length);
  }
}

const COLD = { "segment.ms": String(HOUR_MS), "local.retention.ms": String(HOUR_MS), "retention.ms": "-1" };
/** The barrier of epoch 0 takes offset 0. */
const expected = (count: number) => numbered(count).map((value, index) => `${index + 1}=${value}`);

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
      await electLeader(world.broker(2), { topicId: world.topicId, partition: 0, leader: 2 });
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
      await electLeader(world.broker(2), { topicId: world.topicId, partition: 0, leader: 2 });
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

  it("fills a replica that was away while the log went on without it, though its leader's hot log begins further up", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create(COLD);
      await world.append(numbered(3));
      world.region(3).isDown = true;
      await shrinkInSyncReplicas(world.broker(1), await world.registration(world.topicId), 3);
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
      await electLeader(world.broker(3), { topicId: world.topicId, partition: 0, leader: 3 });
      for (const id of [1, 2]) {
        world.region(id).isDown = true;
        await shrinkInSyncReplicas(world.broker(3), await world.registration(world.topicId), id);
      }
      const values = await seen(world.process(3), "t", 1);
      expect(values.map((value) => value.split("=")[1])).toEqual(numbered(15));
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
      await electLeader(world.broker(2), { topicId: world.topicId, partition: 0, leader: 2 });
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
      await electLeader(world.broker(3), { topicId: world.topicId, partition: 0, leader: 3 });
      expect(await world.append(["v5"], 3)).toEqual(["0:7"]);
    }));

  it("goes on where a replica leads it that came into sync when the hot log had moved on, before any upkeep", () =>
    inVirtualTime(async (clock) => {
      const world = new KeptRegions(clock);
      await world.create(COLD);
      await world.append(numbered(3));
      world.region(3).isDown = true;
      await shrinkInSyncReplicas(world.broker(1), await world.registration(world.topicId), 3);
      await world.append(["v3"]);
      await world.pass(3 * HOUR_MS);
      world.region(3).isDown = false;
      await growInSyncReplicas(world.process(1), await world.registration(world.topicId), 3, 10_000);
      await electLeader(world.broker(3), { topicId: world.topicId, partition: 0, leader: 3 });
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
      world.region(3).isDown = true;
      await shrinkInSyncReplicas(world.broker(1), await world.registration(world.topicId), 3);
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
