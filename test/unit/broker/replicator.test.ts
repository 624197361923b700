import { describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { shrinkInSyncReplicas } from "../../../shared/broker/change-in-sync-replicas.ts";
import { electLeader } from "../../../shared/broker/elect-leader.ts";
import { FollowerLag } from "../../../shared/broker/follower-lag.ts";
import { Replicator } from "../../../shared/broker/replicator.ts";
import { type LogKey, logKey } from "../../../shared/log/log-item.ts";
import { type Clock, systemClock } from "../../../shared/runtime/clock.ts";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { RecordedMetrics } from "../../fixtures/recorded-metrics.ts";
import { Regions } from "../../fixtures/regions.ts";
import { inVirtualTime } from "../../fixtures/virtual-time.ts";

const ALL = { acks: -1, timeoutMs: 5_000 } as const;
const LAG_MS = 30_000;
const NOTHING = { behind: 0, shrunk: 0, grown: 0, left: 0 };

/** Operations on every region's log table, in order, from now on. */
function counted(world: Regions): string[] {
  const operations: string[] = [];
  for (const region of world.regions) {
    region.before = async (operation) => {
      operations.push(`${region.id} ${operation}`);
    };
  }
  return operations;
}

/** Appends that the leader alone gets: as of a process that is frozen with its answer. */
async function appendAlone(world: Regions, topic: string, count: number): Promise<void> {
  for (const id of [2, 3]) world.region(id).isDown = true;
  const { clock } = world.broker(1);
  const writer = world.open(1, { clock });
  for (let index = 0; index < count; index++) await produce(writer, topic, [{ value: `${index}` }], { acks: 1 });
  // Its feeds give up.
  await clock.sleep(600);
  for (const id of [2, 3]) world.region(id).isDown = false;
}

async function world(clock: Clock, topics = 1): Promise<{ world: Regions; logs: LogKey[]; topicIds: string[] }> {
  const made = new Regions({ clock });
  const topicIds: string[] = [];
  for (let index = 0; index < topics; index++) {
    topicIds.push(await made.topicLedByFirst(`t${index}`));
    await produce(made.broker(1), `t${index}`, [{}], ALL);
  }
  return { world: made, logs: topicIds.map((topicId) => logKey(topicId, 0)), topicIds };
}

const at = (offset: number, ...logs: LogKey[]) => new Map(logs.map((log) => [log, offset]));

describe("a bell", () => {
  it("carries to the followers what it is about, and leaves other logs alone", () =>
    inVirtualTime(async (clock) => {
      const { world: regions, logs, topicIds } = await world(clock, 2);
      for (const topic of ["t0", "t1"]) await appendAlone(regions, topic, 3);
      await new Replicator(regions.open(1, { clock }), 1).runFor(at(4, logs[0]!));
      const [one, other] = await Promise.all(topicIds.map((topicId) => regions.tables(topicId)));
      expect(one![1]).toEqual(one![0]);
      expect(one![2]).toEqual(one![0]);
      expect(other![1]!.length).toBeLessThan(other![0]!.length);
    }));

  it("about a log whose followers are complete costs a read of each table, no write, and then nothing until it goes on", () =>
    inVirtualTime(async (clock) => {
      const { world: regions, logs } = await world(clock);
      const replicator = new Replicator(regions.open(1, { clock }), 1);
      await replicator.runFor(at(1, logs[0]!));
      await produce(regions.broker(1), "t0", [{}], ALL);
      const operations = counted(regions);
      await replicator.runFor(at(2, logs[0]!));
      const tables = operations.splice(0).toSorted();
      // The probe of each follower is good for some seconds and for all logs.
      expect(tables).toEqual(["1 readItems", "2 readItems", "3 readItems"]);
      await replicator.runFor(at(2, logs[0]!));
      expect(operations).toEqual([]);
    }));

  it("is not for a region that does not lead, nor about a topic that is gone", () =>
    inVirtualTime(async (clock) => {
      const { world: regions, logs } = await world(clock);
      const operations = counted(regions);
      await new Replicator(regions.open(2, { clock }), 2).runFor(at(1, logs[0]!));
      await new Replicator(regions.open(1, { clock }), 1).runFor(
        at(1, logKey("066e9d84-a943-448b-8edc-1cab37536d70", 0)),
      );
      expect(operations).toEqual([]);
    }));

  it("that finds its epoch over goes on in the next one", () =>
    inVirtualTime(async (clock) => {
      const { world: regions, logs, topicIds } = await world(clock);
      const replicator = new Replicator(regions.open(1, { clock }), 1);
      await replicator.runFor(at(1, logs[0]!));
      await electLeader(regions.broker(2), { topicId: topicIds[0]!, partition: 0, leader: 2 });
      await electLeader(regions.broker(2), { topicId: topicIds[0]!, partition: 0, leader: 1 });
      // What it read of the metadata is old now.
      await replicator.runFor(at(3, logs[0]!));
      await replicator.runFor(at(3, logs[0]!));
      const tables = await regions.tables(topicIds[0]!);
      expect(tables[0]).toEqual(["0/0b", "1/0", "2/2b"]);
      expect(tables.slice(1)).toEqual([tables[0], tables[0]]);
    }));
});

describe("a scheduled run", () => {
  it("reads a partition's leader once where nothing is to do, whatever the followers", () =>
    inVirtualTime(async (clock) => {
      const { world: regions } = await world(clock, 3);
      const replicator = new Replicator(regions.open(1, { clock }), 1);
      expect(await replicator.run()).toEqual(NOTHING);
      const operations = counted(regions);
      expect(await replicator.run()).toEqual(NOTHING);
      expect(operations).toEqual(["1 readItems", "1 readItems", "1 readItems"]);
    }));

  it("is not held up by a follower that is silent: it is asked once, and the others are filled", () =>
    inVirtualTime(async (clock) => {
      const { world: regions, topicIds } = await world(clock, 20);
      for (const [index] of topicIds.entries()) {
        regions.region(2).isDown = true;
        regions.region(3).isDown = true;
        await produce(regions.open(1, { clock }), `t${index}`, [{}], { acks: 1 });
      }
      await clock.sleep(600);
      regions.region(2).isDown = false;
      regions.region(3).isDown = false;
      let asked = 0;
      regions.region(3).before = () => {
        asked++;
        return new Promise(() => {});
      };
      const run = await new Replicator(regions.open(1, { clock }), 1).run(clock.now() + 20_000);
      expect(run.behind).toBe(20);
      expect(asked).toBeLessThanOrEqual(3);
      for (const topicId of topicIds) {
        const tables = await regions.tables(topicId);
        expect(tables[1]).toEqual(tables[0]);
      }
    }));

  it("ends in time, and what it left is the next one's", () =>
    inVirtualTime(async (clock) => {
      const { world: regions, topicIds } = await world(clock, 2);
      for (const topic of ["t0", "t1"]) await appendAlone(regions, topic, 2);
      const replicator = new Replicator(regions.open(1, { clock }), 1);
      expect(await replicator.run(clock.now())).toEqual({ ...NOTHING, left: 4 });
      expect(await replicator.run(clock.now() + 20_000)).toEqual(NOTHING);
      for (const topicId of topicIds) {
        const tables = await regions.tables(topicId);
        expect(tables[2]).toEqual(tables[0]);
      }
    }));

  it("does not take a follower for behind because the leader's own table fails", () =>
    inVirtualTime(async (clock) => {
      const { world: regions, topicIds } = await world(clock);
      const metrics = new RecordedMetrics();
      const replicator = new Replicator(regions.open(1, { clock, metrics }), 1, 1);
      regions.region(1).isDown = true;
      expect(await replicator.run(clock.now() + 3_000)).toEqual(NOTHING);
      expect((await regions.registration(topicIds[0]!)).inSyncReplicas).toEqual([1, 2, 3]);
      expect(metrics.counts.IsrShrinks).toBeUndefined();
    }));

  it("writes checkpoints where only short-lived processes append with acks=1, so that the next one need not verify it all", () =>
    inVirtualTime(async (clock) => {
      const { world: regions, logs } = await world(clock);
      await appendAlone(regions, "t0", 12);
      await new Replicator(regions.open(1, { clock, checkpointEveryItems: 10 }), 1).run();
      for (const { logStore } of regions.regions) {
        expect(await logStore.readCheckpoint(logs[0]!)).toMatchObject({ logEndOffset: 14, committedIn: 0 });
      }
    }));

  it("writes no checkpoint of what a replica that is waited for does not hold", () =>
    inVirtualTime(async (clock) => {
      const { world: regions, logs } = await world(clock);
      await appendAlone(regions, "t0", 12);
      regions.region(3).isDown = true;
      await new Replicator(regions.open(1, { clock, checkpointEveryItems: 10 }), 1).run();
      for (const id of [1, 2]) expect(await regions.region(id).logStore.readCheckpoint(logs[0]!)).toBeUndefined();
    }));

  it("does not let a follower join that has all and does not answer: it would be waited for", () =>
    inVirtualTime(async (clock) => {
      const { world: regions, topicIds } = await world(clock);
      const replicator = new Replicator(regions.open(1, { clock }), 1);
      await replicator.run();
      await shrinkInSyncReplicas(regions.broker(1), await regions.registration(topicIds[0]!), 3);
      regions.region(3).isDown = true;
      expect(await replicator.run()).toMatchObject({ behind: 1, grown: 0 });
      expect(await regions.registration(topicIds[0]!)).toMatchObject({ leaderEpoch: 0, joining: [] });
      regions.region(3).isDown = false;
      await clock.sleep(3_100);
      expect(await replicator.run()).toMatchObject({ behind: 0, grown: 1 });
      expect((await regions.registration(topicIds[0]!)).inSyncReplicas).toEqual([1, 2, 3]);
    }));
});

describe("what a replicator tells of its followers", () => {
  /** A replicator whose clock can be put forward, and a follower that cannot be written to. */
  async function behind(real: Clock) {
    const { world: regions, topicIds, logs } = await world(real);
    const time = { aheadMs: 0 };
    const metrics = new RecordedMetrics();
    const clock = { ...real, now: () => real.now() + time.aheadMs };
    const broker: Broker = regions.open(1, { clock, metrics });
    const replicator = new Replicator(broker, 1, LAG_MS);
    await replicator.run();
    await appendAlone(regions, "t0", 3);
    regions.region(3).before = async (operation) => {
      if (operation === "putItem") throw regions.unreachable(3);
    };
    return { regions, topicId: topicIds[0]!, log: logs[0]!, time, metrics, replicator };
  }

  it("is how many offsets and how long each of them is behind, and the largest without a name", () =>
    inVirtualTime(async (clock) => {
      const { time, metrics, replicator } = await behind(clock);
      await replicator.run();
      expect(metrics.gauges).toMatchObject({ ReplicaLag: 3, "ReplicaLag 3": 3, "ReplicaLag 2": 0 });
      time.aheadMs = 20_000;
      await replicator.run();
      expect(metrics.gauges["ReplicaLagTime 3"]).toBeGreaterThanOrEqual(20_000);
      expect(metrics.gauges["ReplicaLagTime"]).toBe(metrics.gauges["ReplicaLagTime 3"]);
      expect(metrics.gauges).toMatchObject({ "ReplicaLagTime 2": 0, UnderReplicatedPartitions: 0 });
    }));

  it("is that one left the in-sync set when it was behind for too long, and came back", () =>
    inVirtualTime(async (clock) => {
      const { regions, topicId, time, metrics, replicator } = await behind(clock);
      await replicator.run();
      time.aheadMs = LAG_MS - 5_000;
      expect(await replicator.run()).toMatchObject({ behind: 1, shrunk: 0 });
      time.aheadMs = LAG_MS + 1_000;
      expect(await replicator.run()).toMatchObject({ behind: 1, shrunk: 1 });
      expect((await regions.registration(topicId)).inSyncReplicas).toEqual([1, 2]);
      expect(metrics.counts).toMatchObject({ IsrShrinks: 1 });
      expect(metrics.gauges).toMatchObject({ UnderReplicatedPartitions: 1, UnderMinIsrPartitions: 0 });
      regions.region(3).before = undefined;
      time.aheadMs += 10_000;
      expect(await replicator.run()).toMatchObject({ behind: 0, grown: 1 });
      expect(metrics.counts).toMatchObject({ IsrShrinks: 1, IsrExpands: 1 });
      expect(metrics.gauges).toMatchObject({ UnderReplicatedPartitions: 0, ReplicaLag: 0, ReplicaLagTime: 0 });
    }));

  it("counts partitions with fewer in sync than min.insync.replicas", () =>
    inVirtualTime(async (clock) => {
      const regions = new Regions({ clock });
      const topicId = await topicOf(regions.broker(1), "t", 1, { "min.insync.replicas": "3" });
      await produce(regions.broker(1), "t", [{}], ALL);
      await shrinkInSyncReplicas(regions.broker(1), await regions.registration(topicId), 3);
      regions.region(3).isDown = true;
      const metrics = new RecordedMetrics();
      await new Replicator(regions.open(1, { clock, metrics }), 1, LAG_MS).run();
      expect(metrics.gauges).toMatchObject({ UnderReplicatedPartitions: 1, UnderMinIsrPartitions: 1 });
    }));
});

describe("the time for which a follower is behind", () => {
  const log = logKey("066e9d84-a943-448b-8edc-1cab37536d70", 0);

  it("is counted over looks without a break, and anew after a pause in which somebody else may have seen it caught up", () => {
    let now = 0;
    const lag = new FollowerLag({ ...systemClock, now: () => now }, LAG_MS);
    lag.saw(log, 2, false);
    now = 60_000;
    lag.saw(log, 2, false);
    expect(lag.behindMs(log, 2)).toBe(60_000);
    now = 600_000;
    lag.saw(log, 2, false);
    expect(lag.behindMs(log, 2)).toBe(0);
    now = 610_000;
    expect([lag.behindMs(log, 2), lag.behindMs(log, 3)]).toEqual([10_000, 0]);
    lag.saw(log, 2, true);
    expect(lag.behindMs(log, 2)).toBe(0);
  });
});
