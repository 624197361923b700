import { describe, expect, it } from "vitest";
import { shrinkInSyncReplicas } from "../../../shared/broker/change-in-sync-replicas.ts";
import { electLeader } from "../../../shared/broker/elect-leader.ts";
import { logKey } from "../../../shared/log/log-item.ts";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { Regions, seen } from "../../fixtures/regions.ts";

const ALL = { acks: -1, timeoutMs: 2_000 } as const;
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("producing to three replicas", () => {
  it("begins the log with a barrier that names all in sync, and takes offset 0 with it", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    expect(await produce(world.broker(1), "t", [{ value: "a" }], ALL)).toEqual(["0:1"]);
    expect(await world.tables(topicId)).toEqual([
      ["0/0b", "1/0"],
      ["0/0b", "1/0"],
      ["0/0b", "1/0"],
    ]);
    const first = await world.region(3).logStore.readItemAtOrBelow(logKey(topicId, 0), 0);
    expect(first?.waitFor).toEqual([1, 2, 3]);
  });

  it("with acks=all is one put in each region and no other write, append after append", async () => {
    const world = new Regions();
    await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{}], ALL);
    const writes = world.watch();
    for (let count = 1; count <= 50; count++) {
      expect(await produce(world.broker(1), "t", [{ value: `${count}` }], ALL)).toEqual([`0:${count + 1}`]);
      expect(writes()).toEqual([1, 2, 3].map(() => Array.from({ length: count }, () => "putItem")));
    }
  });

  it("with acks=all from another region is no more than that either", async () => {
    const world = new Regions();
    await topicOf(world.broker(1), "t");
    await produce(world.broker(3), "t", [{}], ALL);
    const writes = world.watch();
    await produce(world.broker(3), "t", [{}, {}, {}], ALL);
    expect(writes()).toEqual([["putItem"], ["putItem"], ["putItem"]]);
  });

  it("with acks=all reads nothing on the way while its view is young", async () => {
    const world = new Regions();
    await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{}], ALL);
    const operations: string[] = [];
    for (const region of world.regions) {
      region.before = async (operation) => {
        operations.push(operation);
      };
    }
    await produce(world.broker(1), "t", [{}], ALL);
    expect(operations).toEqual(["putItem", "putItem", "putItem"]);
  });

  it("with acks=all puts what arrives together into one item, in each region", async () => {
    const world = new Regions();
    await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{}], ALL);
    const writes = world.watch();
    await Promise.all(Array.from({ length: 20 }, () => produce(world.broker(1), "t", [{}], ALL)));
    expect(writes().map(({ length }) => length)).toEqual([1, 1, 1]);
  });

  it("with acks=1 is answered before the followers have it, which get it all the same", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{}], ALL);
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    for (const id of [2, 3]) world.region(id).before = () => held;
    expect(await produce(world.broker(1), "t", [{ value: "soon" }], { acks: 1 })).toEqual(["0:2"]);
    expect((await world.tables(topicId)).map(({ length }) => length)).toEqual([3, 2, 2]);
    release();
    await settle();
    expect((await world.tables(topicId)).map(({ length }) => length)).toEqual([3, 3, 3]);
  });

  it("with acks=all is not answered before every follower in sync has it", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{}], ALL);
    world.region(3).isDown = true;
    const refused = await produce(world.broker(1), "t", [{ value: "late" }], { acks: -1, timeoutMs: 100 });
    expect(refused).toEqual(["REQUEST_TIMED_OUT"]);
    world.region(3).isDown = false;
    expect(await produce(world.broker(1), "t", [{ value: "next" }], ALL)).toEqual(["0:3"]);
    expect(new Set((await world.tables(topicId)).map((table) => table.join())).size).toBe(1);
  });

  it("with acks=all goes on without a follower that leaves the in-sync set while it is waited for", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{}], ALL);
    world.region(3).isDown = true;
    const waiting = produce(world.broker(1), "t", [{ value: "waits" }], { acks: -1, timeoutMs: 10_000 });
    await settle();
    await shrinkInSyncReplicas(world.broker(2), await world.registration(topicId), 3);
    expect(await waiting).toEqual(["0:2"]);
  });
});

describe("min.insync.replicas with three replicas", () => {
  const configs = { "min.insync.replicas": "3" };

  it("refuses acks=all before the append where too few are in sync, and acks=1 not", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t", 1, configs);
    await produce(world.broker(1), "t", [{}], ALL);
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    const other = world.open(1);
    const writes = world.watch();
    expect(await produce(other, "t", [{}], ALL)).toEqual(["NOT_ENOUGH_REPLICAS"]);
    expect(writes()).toEqual([[], [], []]);
    expect(await produce(other, "t", [{}], { acks: 1 })).toEqual(["0:2"]);
  });

  it("says after the append that there were too few, where they became too few meanwhile", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t", 1, configs);
    await produce(world.broker(1), "t", [{}], ALL);
    world.region(3).isDown = true;
    const waiting = produce(world.broker(1), "t", [{ value: "kept" }], { acks: -1, timeoutMs: 10_000 });
    await settle();
    await shrinkInSyncReplicas(world.broker(2), await world.registration(topicId), 3);
    expect(await waiting).toEqual(["NOT_ENOUGH_REPLICAS_AFTER_APPEND"]);
    expect(await seen(world.open(1), "t")).toEqual(["1=v", "2=kept"]);
  });
});

describe("large batches on three replicas", () => {
  it("are copied to the followers' segment stores before their item counts, and read there after a failover", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t", 1, { "millrace.inline.max.bytes": "100" });
    const value = "large".repeat(1_000);
    expect(await produce(world.broker(1), "t", [{ value }], ALL)).toEqual(["0:1"]);
    const listed = await Promise.all(
      world.regions.map(async ({ segmentStore }) => {
        const objects = await segmentStore.listObjects(`${topicId}/`, { maxKeys: 10 });
        return objects.map(({ key, sizeInBytes }) => ({ key, sizeInBytes }));
      }),
    );
    expect(listed[0]).toHaveLength(1);
    expect(listed[1]).toEqual(listed[0]);
    expect(listed[2]).toEqual(listed[0]);
    world.region(1).isDown = true;
    await electLeader(world.broker(2), { topicId, partition: 0, leader: 2 });
    await shrinkInSyncReplicas(world.broker(2), await world.registration(topicId), 1);
    expect(await seen(world.open(3), "t")).toEqual([`1=${value.slice(0, 20)}`]);
  });
});
