import { describe, expect, it } from "vitest";
import { shrinkInSyncReplicas } from "../../../shared/broker/change-in-sync-replicas.ts";
import { electLeader } from "../../../shared/broker/elect-leader.ts";
import { fetch } from "../../../shared/broker/fetch.ts";
import { LATEST_TIMESTAMP, listOffsets, MAX_TIMESTAMP } from "../../../shared/broker/list-offsets.ts";
import { Replicator } from "../../../shared/broker/replicator.ts";
import { EPOCHS_KEPT } from "../../../shared/log/leader-epochs.ts";
import { logKey } from "../../../shared/log/log-item.ts";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { Regions, seen } from "../../fixtures/regions.ts";

const ALL = { acks: -1, timeoutMs: 2_000 } as const;
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
const fetchAt = (offset: number) => ({
  topic: "t",
  partition: 0,
  offset,
  maxBytes: 1 << 20,
  minBytes: 1,
  maxWaitMs: 0,
});

describe("the highWatermark", () => {
  it("hides what a follower in sync does not have yet, and shows it when it has it", async () => {
    const world = new Regions();
    await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "all", timestamp: 1_000 }], ALL);
    for (const broker of world.brokers) expect(await seen(broker, "t")).toEqual(["1=all"]);
    world.region(3).isDown = true;
    expect(await produce(world.broker(1), "t", [{ value: "leader only", timestamp: 2_000 }], { acks: 1 })).toEqual([
      "0:2",
    ]);
    for (const broker of [world.broker(1), world.broker(2)]) {
      expect(await seen(broker, "t")).toEqual(["1=all"]);
      const fetched = await fetch(broker, fetchAt(2));
      expect(fetched).toMatchObject({ ok: true, value: { highWatermark: 2, nextOffset: 2 } });
    }
    world.region(3).isDown = false;
    await produce(world.broker(1), "t", [{ value: "all again" }], ALL);
    expect(await seen(world.broker(2), "t")).toEqual(["1=all", "2=leader only", "3=all again"]);
  });

  it("bounds the offsets that are listed: the latest, the largest timestamp, and by timestamp", async () => {
    const world = new Regions();
    await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "all", timestamp: 1_000 }], ALL);
    await seen(world.broker(2), "t");
    world.region(3).isDown = true;
    await produce(world.broker(1), "t", [{ value: "leader only", timestamp: 2_000 }], { acks: 1 });
    const offset = async (timestamp: number) => {
      const listed = await listOffsets(world.broker(2), { topic: "t", partition: 0, timestamp });
      return listed.ok ? listed.value.offset : listed.refusal.code;
    };
    expect(await offset(LATEST_TIMESTAMP)).toBe(2);
    expect(await offset(MAX_TIMESTAMP)).toBe(1);
    expect(await offset(1_500)).toBe(-1);
    expect(await offset(500)).toBe(1);
  });

  it("is told by the next append to a reader that comes while a follower in sync is away", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "acknowledged" }], ALL);
    await produce(world.broker(1), "t", [{ value: "the last" }], ALL);
    world.region(3).isDown = true;
    // The last is seen as soon as the region that is gone has left the in-sync set.
    expect(await seen(world.open(2), "t")).toEqual(["1=acknowledged"]);
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    expect(await seen(world.open(2), "t")).toEqual(["1=acknowledged", "2=the last"]);
  });

  it("goes on when the follower that was away leaves the in-sync set", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "all" }], ALL);
    world.region(3).isDown = true;
    await produce(world.broker(1), "t", [{ value: "two" }], { acks: 1 });
    await settle();
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    expect(await seen(world.open(2), "t")).toEqual(["1=all", "2=two"]);
  });

  it("of an old leader is not answered to a consumer that is beyond it: that one's offset is in range", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "before" }], ALL);
    const old = world.broker(1);
    expect(await seen(old, "t")).toEqual(["1=before"]);
    // Region 1 is cut off; its process has read the metadata just now.
    world.region(1).isDown = true;
    await electLeader(world.broker(2), { topicId, partition: 0, leader: 2 });
    await shrinkInSyncReplicas(world.broker(2), await world.registration(topicId), 1);
    const other = world.open(2);
    for (const value of ["a", "b", "c"]) await produce(other, "t", [{ value }], ALL);
    expect((await seen(other, "t", 2)).at(-1)).toBe("5=c");
    world.region(1).isDown = false;
    const fetched = await fetch(old, fetchAt(6));
    expect(fetched.ok ? "in range" : fetched.refusal.code).not.toBe("OFFSET_OUT_OF_RANGE");
  });

  it("hides nothing from a reader after elections in which nobody appended, once the replicator has been there", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "acknowledged" }], ALL);
    for (const leader of [2, 3]) await electLeader(world.broker(1), { topicId, partition: 0, leader });
    await new Replicator(world.broker(3), 3).run();
    expect(await seen(world.open(2), "t")).toEqual(["1=acknowledged"]);
  });

  it("lets the oldest records be read however many epochs came since", async () => {
    const world = new Regions({ checkpointEveryItems: 1 });
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "oldest" }], ALL);
    for (let epoch = 1; epoch <= EPOCHS_KEPT + 1; epoch++) {
      await electLeader(world.broker(1), { topicId, partition: 0, leader: (epoch % 3) + 1 });
      world.broker(1).topics.invalidate("t");
      expect(await produce(world.broker(1), "t", [{ value: `${epoch}` }], ALL)).toEqual([`0:${2 * epoch + 1}`]);
    }
    expect((await seen(world.open(1), "t")).slice(0, 2)).toEqual(["1=oldest", "3=1"]);
  }, 120_000);
});

describe("checkpoints of a replicated log", () => {
  it("are written however short-lived the processes are that append", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    for (let process = 0; process < 12; process++) {
      const broker = world.open(1, { checkpointEveryItems: 10 });
      for (let count = 0; count < 5; count++) await produce(broker, "t", [{}], ALL);
    }
    await settle();
    const read = ({ logStore }: (typeof world.regions)[number]) => logStore.readCheckpoint(logKey(topicId, 0));
    for (const region of world.regions) expect((await read(region))?.logEndOffset ?? 0).toBeGreaterThan(30);
  });

  it("are of what is committed alone, and in the tables alone that hold it", async () => {
    const world = new Regions({ checkpointEveryItems: 1 });
    const topicId = await topicOf(world.broker(1), "t");
    for (let count = 0; count < 3; count++) await produce(world.broker(1), "t", [{}], ALL);
    world.region(3).isDown = true;
    for (let count = 0; count < 3; count++) await produce(world.broker(1), "t", [{}], { acks: 1 });
    await settle();
    const ends = async () =>
      Promise.all(
        world.regions.map(async ({ logStore }) => (await logStore.readCheckpoint(logKey(topicId, 0)))?.logEndOffset),
      );
    expect(await ends()).toEqual([4, 4, 4]);
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    world.broker(1).topics.invalidate("t");
    await produce(world.broker(1), "t", [{}], ALL);
    await settle();
    expect(await ends()).toEqual([8, 8, 4]);
  });
});

describe("the replicator", () => {
  it("carries to a follower what no writer did", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{}], ALL);
    world.region(3).isDown = true;
    for (const value of ["a", "b"]) await produce(world.broker(1), "t", [{ value }], { acks: 1 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    world.region(3).isDown = false;
    await new Replicator(world.open(1), 1).run();
    const tables = await world.tables(topicId);
    expect(tables[2]).toEqual(tables[0]);
    expect(await seen(world.open(2), "t")).toEqual(["1=v", "2=a", "3=b"]);
  });

  it("fills a hole below a follower's last item", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{}], ALL);
    world.region(3).isDown = true;
    for (const value of ["a", "b"]) await produce(world.broker(1), "t", [{ value }], { acks: 1 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    world.region(3).isDown = false;
    // Puts to a follower go out at once, in any order: one of them was lost, the one behind it was not.
    const last = await world.region(1).logStore.readItemAtOrBelow(`${topicId}#0`, 9);
    await world.region(3).logStore.putItem(`${topicId}#0`, last!);
    await new Replicator(world.open(1), 1).run();
    const tables = await world.tables(topicId);
    expect(tables[2]).toEqual(tables[0]);
  });
});
