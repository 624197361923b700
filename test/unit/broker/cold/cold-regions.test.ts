import { describe, expect, it } from "vitest";
import { electLeader } from "../../../../shared/broker/elect-leader.ts";
import { fetch } from "../../../../shared/broker/fetch.ts";
import { LATEST_TIMESTAMP, listOffsets } from "../../../../shared/broker/list-offsets.ts";
import { offsetsForLeaderEpoch } from "../../../../shared/broker/offsets-for-leader-epoch.ts";
import { logKey } from "../../../../shared/log/log-item.ts";
import { MemorySegmentRegistry } from "../../../../shared/storage/memory/memory-segment-registry.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { Regions, seen } from "../../../fixtures/regions.ts";
import { itemsOf, moveLocalStart, tierUpTo } from "../../../fixtures/tiered-log.ts";

const ALL = { acks: -1, timeoutMs: 5_000 } as const;

/** Topic `t` in three regions: a barrier at 0 and twelve records, those below 7 in segments in these regions' buckets alone. */
async function replicated(buckets: readonly number[]) {
  const segmentRegistry = new MemorySegmentRegistry();
  const world = new Regions({ segmentRegistry });
  const topicId = await topicOf(world.broker(1), "t");
  for (let offset = 1; offset <= 12; offset++) await produce(world.broker(1), "t", [{ value: `v${offset}` }], ALL);
  const [brokerId, ...copies] = buckets;
  const change = { brokerId: brokerId!, copies };
  const open = (id: number) => world.open(id, { segmentRegistry });
  const segments = await tierUpTo(open(1), topicId, 7, { buckets, change });
  for (const id of [2, 3]) await world.region(id).logStore.deleteItems(logKey(topicId, 0), 7, 1_000);
  const reads = new Map(world.regions.map(({ id }) => [id, 0]));
  for (const { id, segmentStore } of world.regions) {
    const get = segmentStore.getObject.bind(segmentStore);
    segmentStore.getObject = (key, range) => {
      reads.set(id, reads.get(id)! + 1);
      return get(key, range);
    };
  }
  return { world, topicId, open, segments, reads: () => [...reads.values()] };
}

const values = Array.from({ length: 12 }, (_, at) => `${at + 1}=v${at + 1}`);

describe("the cold part of a replicated log", () => {
  it("is read from the own region's bucket where it lies there", async () => {
    const { open, reads } = await replicated([1, 2]);
    expect(await seen(open(2), "t")).toEqual(values);
    expect(reads()).toEqual([0, 1, 0]);
  });

  it("is read from its copier's bucket elsewhere", async () => {
    const { open, reads } = await replicated([1, 2]);
    expect(await seen(open(3), "t")).toEqual(values);
    expect(reads()).toEqual([1, 0, 0]);
  });

  it("has no highWatermark below where the hot log begins, however long a region has not looked", async () => {
    const { open, world, topicId } = await replicated([1, 2]);
    const follower = open(2);
    const read = () => fetch(follower, { topic: "t", partition: 0, offset: 1, maxBytes: 1, minBytes: 1, maxWaitMs: 0 });
    expect(await read()).toMatchObject({ ok: true, value: { highWatermark: 13 } });
    await produce(world.broker(1), "t", [{ value: "v13" }, { value: "v14" }], ALL);
    await moveLocalStart(open(1), logKey(topicId, 0), 15);
    await follower.cold.tiering.refresh(logKey(topicId, 0));
    expect(await read()).toMatchObject({ ok: true, value: { highWatermark: 15, localLogStartOffset: 15 } });
  });

  it("is read from another bucket where one lost it, or is gone", async () => {
    const { open, reads, world } = await replicated([1, 2]);
    const keys = (await world.region(2).segmentStore.listObjects("", { maxKeys: 1_000 })).map(({ key }) => key);
    await world.region(2).segmentStore.deleteObjects(keys);
    expect(await seen(open(2), "t")).toEqual(values);
    expect(reads()).toEqual([1, 1, 0]);
    const other = await replicated([1, 2]);
    other.world.region(1).isDown = true;
    expect((await seen(other.open(3), "t")).slice(0, 6)).toEqual(values.slice(0, 6));
  });

  it("is read while the leader's region is gone, and the highWatermark is told as far as it is known", async () => {
    const { open, world } = await replicated([1, 2]);
    const reader = open(2);
    await seen(reader, "t");
    world.region(1).isDown = true;
    expect(await seen(reader, "t")).toEqual(values);
    const found = await listOffsets(open(2), { topic: "t", partition: 0, timestamp: 1 });
    expect(found).toMatchObject({ ok: true, value: { offset: 1 } });
  });

  it("stays where it is when another region leads, and its end is that of the log", async () => {
    const { open, world, topicId } = await replicated([1, 2]);
    world.region(1).isDown = true;
    await electLeader(open(2), { topicId, partition: 0, leader: 2, gone: [1] });
    await produce(open(2), "t", [{ value: "new" }], ALL);
    const reader = open(3);
    expect(await seen(reader, "t")).toEqual([...values, "14=new"]);
    expect(await listOffsets(reader, { topic: "t", partition: 0, timestamp: LATEST_TIMESTAMP })).toMatchObject({
      value: { offset: 15 },
    });
  });

  it("tells where the epochs in it end, though the log's fold remembers them no more", async () => {
    const { open, topicId, segments, world } = await replicated([1]);
    const [first] = segments;
    const epoch = (await itemsOf(open(1), logKey(topicId, 0), 1)).at(-1)!.leaderEpoch;
    // As after a thousand elections: the checkpoint begins with an epoch of later.
    const log = logKey(topicId, 0);
    for (const { logStore } of world.regions) {
      const checkpoint = (await logStore.readCheckpoint(log))!;
      const committedIn = checkpoint.committedIn!;
      await logStore.putCheckpoint(log, {
        ...checkpoint,
        epochs: [{ leaderEpoch: epoch + 5, startOffset: 9 }],
        committedIn: committedIn + 1,
      });
    }
    expect(first!.content.leaderEpochs).toEqual([{ leaderEpoch: epoch, startOffset: 0 }]);
    const asked = { topic: "t", partition: 0, leaderEpoch: epoch };
    await raise(world, topicId);
    expect(await offsetsForLeaderEpoch(open(1), asked)).toMatchObject({
      ok: true,
      value: { leaderEpoch: epoch, endOffset: 9 },
    });
  });
});

async function raise(world: Regions, topicId: string) {
  const registration = await world.registration(topicId);
  const { partitionEpoch, leaderEpoch } = registration;
  await world.metadataStore.updatePartition({
    ...registration,
    leaderEpoch: leaderEpoch + 5,
    partitionEpoch: partitionEpoch + 1,
  });
}
