import { describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { createTopic } from "../../../shared/broker/create-topic.ts";
import { electAnyLeader } from "../../../shared/broker/elect-any-leader.ts";
import { electLeader } from "../../../shared/broker/elect-leader.ts";
import { fetch } from "../../../shared/broker/fetch.ts";
import {
  EARLIEST_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsets,
  MAX_TIMESTAMP,
} from "../../../shared/broker/list-offsets.ts";
import { offsetsForLeaderEpoch } from "../../../shared/broker/offsets-for-leader-epoch.ts";
import { Replicator } from "../../../shared/broker/replicator.ts";
import { logKey } from "../../../shared/log/log-item.ts";
import { decodeRecords } from "../../../shared/record/decode-batch.ts";
import { batchHeaders } from "../../../shared/record/read-batch-header.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { Regions, seen } from "../../fixtures/regions.ts";

const ALL = { acks: -1, timeoutMs: 5_000 } as const;
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Topic `t`, led by region 1, with these values acknowledged by all regions and checkpoints of all of them. */
async function replicated(values: readonly string[], configs: Record<string, string> = {}) {
  const world = new Regions({ checkpointEveryItems: 1 });
  const topicId = await topicOf(world.broker(1), "t", 1, configs);
  for (const value of values) await produce(world.broker(1), "t", [{ value }], ALL);
  await settle();
  return { world, topicId };
}

/** Operations on the log tables of the regions from here on, by region. */
function counted(world: Regions): () => number[] {
  const counts = world.regions.map(() => 0);
  for (const [index, region] of world.regions.entries()) {
    region.before = async () => {
      counts[index]!++;
    };
  }
  return () => counts;
}

async function fetched(broker: Broker, offset: number, terms: { minBytes?: number; maxWaitMs?: number } = {}) {
  const request = { topic: "t", partition: 0, offset, maxBytes: 1 << 20, minBytes: 1, maxWaitMs: 0, ...terms };
  const result = await fetch(broker, request);
  if (!result.ok) return result.refusal.code;
  const { batches, nextOffset, highWatermark } = result.value;
  const values = batchHeaders(batches).flatMap(({ header, at }) =>
    header.isControl ? [] : decodeRecords(batches, at, header).map(({ value }) => Buffer.from(value!).toString()),
  );
  return { values, nextOffset, highWatermark };
}

describe("a fetch in a follower's region", () => {
  it("of what the region's checkpoint covers asks no other region", async () => {
    const { world } = await replicated(["a", "b", "c"]);
    const count = counted(world);
    const reader = world.open(2);
    expect(await fetched(reader, 0)).toEqual({ values: ["a", "b", "c"], nextOffset: 4, highWatermark: 4 });
    expect(await fetched(reader, 2)).toMatchObject({ values: ["b", "c"] });
    const [one, two, three] = count();
    expect([one, three]).toEqual([0, 0]);
    // The checkpoint once; a page for each fetch, and a look that nothing comes behind it.
    expect(two).toBe(5);
  });

  it.each([
    ["a follower's", 2],
    ["the leader's", 1],
  ])("goes to the end of the log as it is, and not as a process in %s region knew it long ago", async (_, id) => {
    const world = new Regions();
    await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    const reader = world.open(id);
    expect(await fetched(reader, 0)).toEqual({ values: ["a"], nextOffset: 2, highWatermark: 2 });
    for (const value of ["b", "c"]) await produce(world.broker(3), "t", [{ value }], ALL);
    // Enough to answer with is known already; that there is more is told.
    const less = await fetched(reader, 0);
    expect(less).toMatchObject({ highWatermark: 4 });
    expect(await fetched(reader, 0, { minBytes: 1_000 })).toEqual({
      values: ["a", "b", "c"],
      nextOffset: 4,
      highWatermark: 4,
    });
    expect(await seen(reader, "t")).toEqual(["1=a", "2=b", "3=c"]);
    await produce(world.broker(3), "t", [{ value: "d" }], ALL);
    expect(await fetched(reader, 3)).toMatchObject({ highWatermark: 5 });
  });

  it("of what it has seen to be committed here reads that here, and looks at the leader's log once", async () => {
    const world = new Regions();
    await topicOf(world.broker(1), "t");
    for (const value of ["a", "b", "c"]) await produce(world.broker(1), "t", [{ value }], ALL);
    const reader = world.open(2);
    expect(await fetched(reader, 0)).toMatchObject({ values: ["a", "b", "c"], highWatermark: 4 });
    const count = counted(world);
    for (const offset of [0, 1, 2, 3]) await fetched(reader, offset);
    const [one, , three] = count();
    expect([one, three]).toEqual([0, 0]);
  });

  it("at the log's end asks no other region while nothing comes, and sees what comes", async () => {
    const { world } = await replicated(["a"]);
    const reader = world.open(2);
    expect(await fetched(reader, 2)).toMatchObject({ values: [], nextOffset: 2 });
    const count = counted(world);
    expect(await fetched(reader, 2, { maxWaitMs: 150 })).toMatchObject({ values: [], nextOffset: 2, highWatermark: 2 });
    const [one, two, three] = count();
    expect([one, three]).toEqual([0, 0]);
    expect(two).toBeGreaterThan(1);
    const polled = fetched(reader, 2, { maxWaitMs: 10_000 });
    await produce(world.broker(3), "t", [{ value: "b" }], ALL);
    expect(await polled).toMatchObject({ values: ["b"], nextOffset: 3 });
  });

  it("shows nothing that lies here and is not committed", async () => {
    const { world, topicId } = await replicated(["a"]);
    world.region(3).isDown = true;
    await produce(world.broker(1), "t", [{ value: "not on all" }], { acks: 1 });
    await settle();
    expect((await world.tables(topicId))[1]).toEqual(["0/0b", "1/0", "2/0"]);
    const reader = world.open(2);
    for (const leaderIsDown of [false, true]) {
      world.region(1).isDown = leaderIsDown;
      expect(await fetched(reader, 0)).toMatchObject({ values: ["a"], highWatermark: 2 });
      expect(await fetched(reader, 2)).toMatchObject({ values: [], nextOffset: 2, highWatermark: 2 });
    }
  });

  it("goes on in the leader's log within one answer, if more is asked for than lies here", async () => {
    const { world, topicId } = await replicated(["a", "b"]);
    const reader = world.open(2);
    await fetched(reader, 0);
    // Region 2 is silent until its follower's feed has given up on it, and leaves the in-sync set.
    world.region(2).isDown = true;
    const registration = await world.registration(topicId);
    await world.metadataStore.updatePartition({
      ...registration,
      inSyncReplicas: [1, 3],
      partitionEpoch: registration.partitionEpoch + 1,
    });
    await produce(world.open(1), "t", [{ value: "c" }], ALL);
    world.region(2).isDown = false;
    reader.topics.invalidate("t");
    expect(await fetched(reader, 0, { minBytes: 1_000, maxWaitMs: 200 })).toMatchObject({ values: ["a", "b", "c"] });
  });

  it("does not show what a fenced leader left in this region's table", async () => {
    const world = new Regions({ checkpointEveryItems: 1 });
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    await electLeader(world.broker(2), { topicId, partition: 0, leader: 2 });
    await produce(world.open(2), "t", [{ value: "b" }], ALL);
    for (const id of [1, 3]) world.region(id).isDown = true;
    const alone = world.open(2);
    for (const value of ["lost-1", "lost-2", "lost-3"]) await produce(alone, "t", [{ value }], { acks: 1 });
    for (const id of [1, 3]) world.region(id).isDown = false;
    world.region(2).isDown = true;
    await electLeader(world.broker(1), { topicId, partition: 0, leader: 1 });
    world.region(2).isDown = false;
    const batch = Array.from({ length: 5 }, (_, index) => ({ value: `c${index}`, partition: 0 }));
    await produce(world.open(1, { checkpointEveryItems: 1 }), "t", batch, ALL);
    await settle();
    // 4 to 6 are what the fenced leader had; the barrier took 4, and the batch covers the rest.
    expect((await world.tables(topicId))[1]).toEqual(["0/0b", "1/0", "2/1b", "3/1", "4/2b", "5/2", "6/1"]);
    const reader = world.open(2);
    for (const id of [1, 3]) world.region(id).isDown = true;
    expect(await fetched(reader, 0)).toMatchObject({
      values: ["a", "b", "c0", "c1", "c2", "c3", "c4"],
      nextOffset: 10,
    });
    expect(await fetched(reader, 6)).toMatchObject({ nextOffset: 10 });
    expect(await seen(reader, "t", 6)).toEqual(["6=c1", "7=c2", "8=c3", "9=c4"]);
  });

  it("asks the leader for what this region's table lacks, or where it does not answer", async () => {
    const { world, topicId } = await replicated(["a", "b"]);
    await world.region(2).logStore.deleteItems(logKey(topicId, 0), 2, 10);
    expect(await fetched(world.open(2), 0)).toMatchObject({ values: ["a", "b"] });
    world.region(2).isDown = true;
    expect(await fetched(world.open(2), 0)).toMatchObject({ values: ["a", "b"] });
  });

  it("takes no word from before an unclean election for what this region holds", async () => {
    const { world, topicId } = await replicated(["a"], { "unclean.leader.election.enable": "true" });
    const registration = await world.registration(topicId);
    const next = { ...registration, inSyncReplicas: [1, 2], partitionEpoch: registration.partitionEpoch + 1 };
    await world.metadataStore.updatePartition(next);
    world.region(3).isDown = true;
    const writer = world.open(1, { checkpointEveryItems: 1 });
    for (const value of ["lost-1", "lost-2"]) await produce(writer, "t", [{ value }], ALL);
    await settle();
    const reader = world.open(2);
    expect(await fetched(reader, 0)).toMatchObject({ values: ["a", "lost-1", "lost-2"] });
    for (const id of [1, 2]) world.region(id).isDown = true;
    world.region(3).isDown = false;
    const reach = { isGone: async (_: unknown, id: number) => world.region(id).isDown };
    const elected = { registration: await world.registration(topicId), isUncleanAllowed: true, reach };
    expect(await electAnyLeader(world.open(3), elected)).toMatchObject({ ok: true });
    await produce(world.open(3), "t", [{ value: "after" }], ALL);
    world.region(2).isDown = false;
    reader.topics.invalidate("t");
    for (const broker of [reader, world.open(2)]) expect(await seen(broker, "t")).toEqual(["1=a", "3=after"]);
    await new Replicator(world.broker(3), 3, 30_000).run();
    for (const broker of [reader, world.open(2)]) expect(await seen(broker, "t")).toEqual(["1=a", "3=after"]);
  });

  it("finds an offset by timestamp here, if a record so young lies here", async () => {
    const world = new Regions({ checkpointEveryItems: 1 });
    await topicOf(world.broker(1), "t");
    for (const timestamp of [1_000, 2_000, 3_000]) await produce(world.broker(1), "t", [{ timestamp }], ALL);
    await settle();
    const count = counted(world);
    const reader = world.open(2);
    const at = async (timestamp: number) => {
      const listed = await listOffsets(reader, { topic: "t", partition: 0, timestamp });
      return listed.ok ? listed.value.offset : listed.refusal.code;
    };
    expect([await at(500), await at(1_500), await at(3_000), await at(EARLIEST_TIMESTAMP)]).toEqual([1, 2, 3, 0]);
    expect([count()[0], count()[2]]).toEqual([0, 0]);
    expect([await at(3_500), await at(LATEST_TIMESTAMP)]).toEqual([-1, 4]);
    expect(count()[0]).toBeGreaterThan(0);
  });
});

describe("a partition of one replica that another region leads", () => {
  it("is read there alone, and not at all while that region is gone", async () => {
    const world = new Regions();
    await createTopic(world.broker(1), { name: "t", partitionCount: 1, replicationFactor: 1 });
    await produce(world.broker(3), "t", [{ value: "a", timestamp: 1_000 }]);
    expect(await fetched(world.broker(2), 0)).toMatchObject({ values: ["a"], nextOffset: 1, highWatermark: 1 });
    for (const timestamp of [LATEST_TIMESTAMP, MAX_TIMESTAMP, 500]) {
      const listed = await listOffsets(world.broker(2), { topic: "t", partition: 0, timestamp });
      expect([timestamp, listed.ok && listed.value.offset]).toEqual([
        timestamp,
        timestamp === LATEST_TIMESTAMP ? 1 : 0,
      ]);
    }
    const asked = { topic: "t", partition: 0, leaderEpoch: 0 };
    expect(await offsetsForLeaderEpoch(world.broker(2), asked)).toMatchObject({ ok: true, value: { endOffset: 1 } });
    world.region(1).isDown = true;
    expect(await fetched(world.open(2), 0)).toBe("KAFKA_STORAGE_ERROR");
  });
});

describe("while the leader's region is gone", () => {
  it("what a region holds is read there, large batches too, and above it nothing comes, without an error", async () => {
    const { world } = await replicated(["a", "large".repeat(100)], { "millrace.inline.max.bytes": "100" });
    world.region(1).isDown = true;
    for (const id of [2, 3]) {
      const reader = world.open(id);
      const all = await fetched(reader, 0);
      expect(all).toMatchObject({ values: ["a", "large".repeat(100)], nextOffset: 3, highWatermark: 3 });
      expect(await fetched(reader, 3, { maxWaitMs: 50 })).toEqual({ values: [], nextOffset: 3, highWatermark: 3 });
      // A consumer that was told of more by another process waits as well.
      expect(await fetched(reader, 5)).toEqual({ values: [], nextOffset: 5, highWatermark: 3 });
    }
  });

  it("a wait at the log's end goes on with the next leader", async () => {
    let ahead = 0;
    const clock = { ...systemClock, now: () => Date.now() + ahead };
    const { world, topicId } = await replicated(["a"]);
    const reader = world.open(2, { clock });
    await fetched(reader, 2);
    world.region(1).isDown = true;
    const polled = fetched(reader, 2, { maxWaitMs: 25_000 });
    await electLeader(world.broker(3), { topicId, partition: 0, leader: 3, gone: [1] });
    // What the reader knows of the topic gets old.
    ahead = 6_000;
    expect(await produce(world.open(3), "t", [{ value: "b" }], ALL)).toEqual(["0:3"]);
    const { nextOffset } = (await polled) as { nextOffset: number };
    expect(nextOffset).toBeGreaterThan(2);
    expect(await seen(reader, "t")).toEqual(["1=a", "3=b"]);
  });
});
