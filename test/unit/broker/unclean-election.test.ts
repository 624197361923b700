import { describe, expect, it } from "vitest";
import { growInSyncReplicas, shrinkInSyncReplicas } from "../../../shared/broker/change-in-sync-replicas.ts";
import { electAnyLeader } from "../../../shared/broker/elect-any-leader.ts";
import { electLeader } from "../../../shared/broker/elect-leader.ts";
import { listTopics } from "../../../shared/broker/list-topics.ts";
import { offsetsForLeaderEpoch } from "../../../shared/broker/offsets-for-leader-epoch.ts";
import { logKey } from "../../../shared/log/log-item.ts";
import type { LogFields, Logger } from "../../../shared/runtime/logger.ts";
import { silentLogger } from "../../../shared/runtime/logger.ts";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { RecordedMetrics } from "../../fixtures/recorded-metrics.ts";
import { Regions, seen } from "../../fixtures/regions.ts";

const ALL = { acks: -1, timeoutMs: 5_000 } as const;
const UNCLEAN = { "unclean.leader.election.enable": "true" };

/** Regions that are down are gone: their leases have run out. */
const reachOf = (world: Regions) => ({ isGone: async (_: unknown, id: number) => world.region(id).isDown });

async function elect(world: Regions, topicId: string, by = 3, isUncleanAllowed = true) {
  const registration = await world.registration(topicId);
  return electAnyLeader(world.open(by), { registration, isUncleanAllowed, reach: reachOf(world) });
}

/**
 * Broker 3 has `a` and `b`, and left the in-sync set; brokers 1 and 2 have `lost-1` and `lost-2` too, acknowledged, and are gone.
 * `checkpointEveryItems`: 1 leaves checkpoints of all of that in their tables.
 */
async function lastReplicaStanding(change: { checkpointEveryItems?: number } = { checkpointEveryItems: 1 }) {
  const world = new Regions(change);
  const topicId = await topicOf(world.broker(1), "t", 1, UNCLEAN);
  for (const value of ["a", "b"]) await produce(world.broker(1), "t", [{ value }], ALL);
  await settle();
  world.region(3).isDown = true;
  await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
  const writer = world.open(1, change);
  for (const value of ["lost-1", "lost-2"]) await produce(writer, "t", [{ value }], ALL);
  await settle();
  world.region(3).isDown = false;
  for (const id of [1, 2]) world.region(id).isDown = true;
  return { world, topicId };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("an unclean election", () => {
  it("is not needed while the leader's region is not gone", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t", 1, UNCLEAN);
    expect(await elect(world, topicId)).toMatchObject({ ok: false, refusal: { code: "ELECTION_NOT_NEEDED" } });
  });

  it("takes a replica in sync while one answers, and loses nothing", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t", 1, UNCLEAN);
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    world.region(1).isDown = true;
    const elected = await elect(world, topicId);
    expect(elected).toMatchObject({ ok: true, value: { registration: { leader: 2, inSyncReplicas: [2] } } });
    expect(elected.ok && elected.value.unclean).toBeUndefined();
    expect(await seen(world.open(3), "t")).toEqual(["1=a"]);
  });

  it("is refused where the topic does not allow it, and where nobody answers", async () => {
    const { world, topicId } = await lastReplicaStanding();
    const before = await world.registration(topicId);
    const refusal = { code: "ELIGIBLE_LEADERS_NOT_AVAILABLE" };
    expect(await elect(world, topicId, 3, false)).toMatchObject({ ok: false, refusal });
    world.region(3).isDown = true;
    expect(await elect(world, topicId)).toMatchObject({ ok: false, refusal });
    expect(await world.registration(topicId)).toEqual(before);
  });

  it("begins the log anew where the replica's ends, alone in sync, and says from where on records may be lost", async () => {
    const { world, topicId } = await lastReplicaStanding();
    const told: (LogFields | undefined)[] = [];
    const logger: Logger = { ...silentLogger, warn: (_, fields) => void told.push(fields) };
    const metrics = new RecordedMetrics();
    const registration = await world.registration(topicId);
    const elector = world.open(3, { logger, metrics });
    const elected = await electAnyLeader(elector, { registration, isUncleanAllowed: true, reach: reachOf(world) });
    expect(elected).toMatchObject({
      ok: true,
      value: {
        registration: { leader: 3, leaderEpoch: 1, inSyncReplicas: [3], joining: [] },
        unclean: { keptBelow: 3, startOffset: 3 },
      },
    });
    expect(told).toContainEqual(
      expect.objectContaining({ keptBelow: 3, startOffset: 3, leaderEpoch: 1, gone: "1, 2" }),
    );
    expect(metrics.counts).toMatchObject({ LeaderElections: 1, UncleanLeaderElections: 1 });
    expect((await world.registration(topicId)).uncleanElections).toEqual([{ leaderEpoch: 1, keptBelow: 3 }]);
    expect(await produce(world.open(3), "t", [{ value: "c" }], ALL)).toEqual(["0:4"]);
    expect(await seen(world.open(3), "t")).toEqual(["1=a", "2=b", "4=c"]);
    const epoch = await offsetsForLeaderEpoch(world.open(3), { topic: "t", partition: 0, leaderEpoch: 1 });
    expect(epoch).toMatchObject({ ok: true, value: { leaderEpoch: 1, isUnclean: true } });
    const older = await offsetsForLeaderEpoch(world.open(3), { topic: "t", partition: 0, leaderEpoch: 0 });
    expect(older).toMatchObject({ ok: true, value: { leaderEpoch: 0, endOffset: 3, isUnclean: false } });
  });

  it("is one where several ask for it at once, and none after it", async () => {
    const { world, topicId } = await lastReplicaStanding();
    const registration = await world.registration(topicId);
    const ask = () => electAnyLeader(world.open(3), { registration, isUncleanAllowed: true, reach: reachOf(world) });
    for (const elected of await Promise.all([ask(), ask(), ask()])) {
      expect(elected).toMatchObject({ ok: true, value: { registration: { leader: 3, leaderEpoch: 1 } } });
    }
    expect(await world.registration(topicId)).toMatchObject({ leaderEpoch: 1, uncleanElections: [{ leaderEpoch: 1 }] });
    await electLeader(world.open(3), { topicId, partition: 0, leader: 3, instead: { leader: 3, leaderEpoch: 1 } });
    expect(await ask()).toMatchObject({ ok: false, refusal: { code: "ELECTION_NOT_NEEDED" } });
    expect((await world.registration(topicId)).leaderEpoch).toBe(2);
  });

  it("chooses the newest epoch first, and the longest log of those", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t", 1, UNCLEAN);
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    world.region(2).isDown = true;
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 2);
    await produce(world.open(1), "t", [{ value: "b" }], ALL);
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    world.region(2).isDown = false;
    world.region(1).isDown = true;
    // Broker 3 has one record more than broker 2.
    const elected = await elect(world, topicId, 2);
    expect(elected).toMatchObject({ ok: true, value: { registration: { leader: 3, inSyncReplicas: [3] } } });
    expect(await seen(world.open(2), "t")).toEqual(["1=a", "2=b"]);
  });
});

describe("after an unclean election", () => {
  it("a region that comes back drops what was lost, and a checkpoint of it, and is in sync with the new log", async () => {
    const { world, topicId } = await lastReplicaStanding();
    const before = await world.region(1).logStore.readCheckpoint(logKey(topicId, 0));
    expect(before?.logEndOffset).toBe(5);
    await elect(world, topicId);
    await produce(world.open(3), "t", [{ value: "c" }], ALL);
    for (const id of [1, 2]) world.region(id).isDown = false;
    for (const id of [1, 2]) {
      await growInSyncReplicas(world.open(3), await world.registration(topicId), id, 5_000);
    }
    expect(await world.registration(topicId)).toMatchObject({ leader: 3, inSyncReplicas: [3, 1, 2] });
    await settle();
    const tables = await world.tables(topicId);
    expect(tables[0]!.slice(0, 6)).toEqual(tables[2]!.slice(0, 6));
    expect(tables[1]).toEqual(tables[2]);
    // The one that came back leads, by its own checkpoint and table.
    await electLeader(world.open(1), { topicId, partition: 0, leader: 1 });
    const [place] = await produce(world.open(1), "t", [{ value: "d" }], ALL);
    expect(place).toMatch(/^0:\d+$/);
    const values = (await seen(world.open(2), "t")).map((record) => record.split("=")[1]);
    expect(values).toEqual(["a", "b", "c", "d"]);
  });

  it("a region that comes back and is elected reads its log by the new leader's checkpoint, not by its own of what was lost", async () => {
    const { world, topicId } = await lastReplicaStanding();
    await elect(world, topicId);
    for (const id of [1, 2]) world.region(id).isDown = false;
    const before = await world.region(1).logStore.readCheckpoint(logKey(topicId, 0));
    expect(before).toMatchObject({ committedIn: 0, logEndOffset: 5 });
    // By a process that writes no checkpoint of its own accord.
    await growInSyncReplicas(
      world.open(3, { checkpointEveryItems: 1_000 }),
      await world.registration(topicId),
      1,
      5_000,
    );
    const kept = await world.region(1).logStore.readCheckpoint(logKey(topicId, 0));
    expect(kept).toMatchObject({ committedIn: 1, logEndOffset: 4 });
    await electLeader(world.open(1), { topicId, partition: 0, leader: 1 });
    const [place] = await produce(world.open(1), "t", [{ value: "c" }], ALL);
    expect(place).toMatch(/^0:\d+$/);
    const values = (await seen(world.open(2), "t")).map((record) => record.split("=")[1]);
    expect(values).toEqual(["a", "b", "c"]);
  });

  it("a reader that saw what was lost is out of range behind the new end, and reads the new log from where it begins", async () => {
    const { world, topicId } = await lastReplicaStanding();
    for (const id of [1, 2]) world.region(id).isDown = false;
    const reader = world.open(2);
    expect(await seen(reader, "t")).toEqual(["1=a", "2=b", "3=lost-1", "4=lost-2"]);
    for (const id of [1, 2]) world.region(id).isDown = true;
    await elect(world, topicId);
    reader.topics.invalidate("t");
    expect(await seen(reader, "t", 5)).toEqual(["OFFSET_OUT_OF_RANGE"]);
    await produce(world.open(3), "t", [{ value: "c" }], ALL);
    expect(await seen(reader, "t")).toEqual(["1=a", "2=b", "4=c"]);
  });

  it("a reader believes nothing of what older epochs told to be committed before the new epoch's barrier stands", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t", 1, UNCLEAN);
    for (const value of ["a", "b", "c"]) await produce(world.broker(1), "t", [{ value }], ALL);
    const item = await world.region(3).logStore.readItemAtOrBelow(logKey(topicId, 0), 3);
    expect(item?.highWatermark).toBeGreaterThan(1);
    for (const id of [1, 2]) world.region(id).isDown = true;
    // Whoever elected it died before its epoch began.
    const before = await world.registration(topicId);
    await world.metadataStore.updatePartition({
      ...before,
      leader: 3,
      leaderEpoch: 1,
      inSyncReplicas: [3],
      partitionEpoch: before.partitionEpoch + 1,
      uncleanElections: [{ leaderEpoch: 1, keptBelow: 0 }],
    });
    const reader = world.open(3);
    expect(await seen(reader, "t")).toEqual([]);
    expect(await produce(world.open(3), "t", [{ value: "d" }], ALL)).toEqual(["0:5"]);
    expect(await seen(reader, "t")).toEqual(["1=a", "2=b", "3=c", "5=d"]);
  });

  it("a writer of the older epoch that the election did not fence is not acknowledged, and its record is nowhere", async () => {
    const { world, topicId } = await lastReplicaStanding();
    // To it all regions answer; whoever elects cannot reach two of them.
    const writer = world.open(1);
    for (const id of [1, 2]) world.region(id).isDown = false;
    await writer.topics.get("t");
    const cutOff = { isGone: async (_: unknown, id: number) => id !== 3 };
    const registration = await world.registration(topicId);
    await electAnyLeader(world.open(3), { registration, isUncleanAllowed: true, reach: cutOff });
    expect(await produce(writer, "t", [{ value: "zombie" }], ALL)).toEqual(["NOT_LEADER_OR_FOLLOWER"]);
    expect((await world.tables(topicId))[0]).toContain("5/0");
    expect(await produce(world.open(3), "t", [{ value: "c" }], ALL)).toEqual(["0:4"]);
    expect(await seen(world.open(2), "t")).toEqual(["1=a", "2=b", "4=c"]);
  });

  it("an idempotent producer whose last batches were lost is told so, and goes on under a new id", async () => {
    const world = new Regions({ checkpointEveryItems: 1 });
    const topicId = await topicOf(world.broker(1), "t", 1, UNCLEAN);
    const send = (producerId: number, baseSequence: number) =>
      produce(world.open(3), "t", [{ value: `${baseSequence}`, partition: 0 }], {
        ...ALL,
        producer: { producerId, producerEpoch: 0, baseSequence },
      });
    await send(4, 0);
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    await send(4, 1);
    for (const id of [1, 2]) world.region(id).isDown = true;
    await elect(world, topicId);
    expect(await send(4, 2)).toEqual(["OUT_OF_ORDER_SEQUENCE_NUMBER"]);
    expect(await send(4, 1)).toEqual([expect.stringMatching(/^0:/)]);
    expect(await send(5, 0)).toEqual([expect.stringMatching(/^0:/)]);
  });

  it("is in the description of the topic's partitions for good", async () => {
    const { world, topicId } = await lastReplicaStanding();
    await elect(world, topicId);
    const [topic] = await listTopics(world.open(2));
    expect(topic!.partitions[0]!.uncleanElections).toEqual([{ leaderEpoch: 1, keptBelow: 3 }]);
  });
});
