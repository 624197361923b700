import { describe, expect, it } from "vitest";
import { growInSyncReplicas, shrinkInSyncReplicas } from "../../../shared/broker/change-in-sync-replicas.ts";
import { deleteTopic } from "../../../shared/broker/delete-topic.ts";
import { electLeader } from "../../../shared/broker/elect-leader.ts";
import { electLeaders } from "../../../shared/broker/elect-leaders.ts";
import { keepLease } from "../../../shared/broker/keep-lease.ts";
import { loadLog } from "../../../shared/broker/log-view.ts";
import { offsetsForLeaderEpoch } from "../../../shared/broker/offsets-for-leader-epoch.ts";
import { removeDeletedTopics, SEAL_GRACE_MS } from "../../../shared/broker/remove-deleted-topics.ts";
import { logKey } from "../../../shared/log/log-item.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { Regions, seen } from "../../fixtures/regions.ts";

const LEASE_MS = 10_000;
const ALL = { acks: -1, timeoutMs: 5_000 } as const;

describe("an election", () => {
  it("keeps every acknowledged record at its offset, and begins its epoch behind them with a barrier", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    for (const value of ["a", "b", "c"]) await produce(world.broker(1), "t", [{ value }], ALL);
    world.region(1).isDown = true;
    const elected = await electLeader(world.broker(2), { topicId, partition: 0, leader: 2 });
    expect(elected).toMatchObject({ ok: true, value: { leader: 2, leaderEpoch: 1, joining: [] } });
    expect((await world.tables(topicId))[1]).toEqual(["0/0b", "1/0", "2/0", "3/0", "4/1b"]);
    await shrinkInSyncReplicas(world.broker(2), await world.registration(topicId), 1);
    expect(await produce(world.open(3), "t", [{ value: "d" }], ALL)).toEqual(["0:5"]);
    expect(await seen(world.open(2), "t")).toEqual(["1=a", "2=b", "3=c", "5=d"]);
    const state = await loadLog(world.broker(2), logKey(topicId, 0), await world.registration(topicId));
    expect(state.epochs).toEqual([
      { leaderEpoch: 0, startOffset: 0 },
      { leaderEpoch: 1, startOffset: 4 },
    ]);
  });

  it("takes a large batch along to the new leader's region, whose bucket does not have what was uploaded to the old one's", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t", 1, { "millrace.inline.max.bytes": "100" });
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    for (const leader of [2, 1, 3]) await electLeader(world.broker(2), { topicId, partition: 0, leader });
    // The writer of region 1 uploads for the leader it knows, meets a barrier of a newer epoch there, and asks again.
    const [place] = await produce(world.broker(1), "t", [{ value: "large".repeat(100) }], ALL);
    expect(place).toMatch(/^0:\d+$/);
    for (const { segmentStore } of [world.region(1), world.region(2), world.region(3)]) {
      const keys = (await segmentStore.listObjects(`${topicId}/`, { maxKeys: 10 })).map(({ key }) => key);
      expect(keys.length).toBeGreaterThan(0);
    }
    expect((await seen(world.open(2), "t")).at(-1)).toContain("=largelarge");
  });

  it("is followed by a writer with old metadata, which meets the fence and asks the new leader", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    await electLeader(world.broker(2), { topicId, partition: 0, leader: 2 });
    expect(await produce(world.broker(2), "t", [{ value: "b" }], ALL)).toEqual(["0:3"]);
    // Broker 1 has not read the metadata since.
    expect(await produce(world.broker(1), "t", [{ value: "c" }], ALL)).toEqual(["0:4"]);
    expect(await seen(world.open(3), "t")).toEqual(["1=a", "3=b", "4=c"]);
  });

  it("leaves what the old leader alone has as debris, which the new leader's log overwrites in its table", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    for (const id of [2, 3]) world.region(id).isDown = true;
    expect(await produce(world.broker(1), "t", [{ value: "alone" }], { acks: 1 })).toEqual(["0:2"]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const id of [2, 3]) world.region(id).isDown = false;
    world.region(1).isDown = true;
    await electLeader(world.broker(2), { topicId, partition: 0, leader: 2 });
    world.region(1).isDown = false;
    expect(await produce(world.open(2), "t", [{ value: "b" }], ALL)).toEqual(["0:3"]);
    expect(await world.tables(topicId)).toEqual([1, 2, 3].map(() => ["0/0b", "1/0", "2/1b", "3/1"]));
    expect(await seen(world.open(1), "t")).toEqual(["1=a", "3=b"]);
  });

  it("gives an idempotent producer that sends again no duplicate", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    const send = (broker: Parameters<typeof produce>[0], baseSequence: number, value: string) =>
      produce(broker, "t", [{ value, partition: 0 }], {
        ...ALL,
        producer: { producerId: 4, producerEpoch: 0, baseSequence },
      });
    expect(await send(world.broker(1), 0, "one")).toEqual(["0:1"]);
    expect(await send(world.broker(1), 1, "two")).toEqual(["0:2"]);
    await electLeader(world.broker(3), { topicId, partition: 0, leader: 3 });
    expect(await send(world.open(3), 1, "two")).toEqual(["0:2"]);
    expect(await send(world.broker(1), 1, "two")).toEqual(["0:2"]);
    expect(await send(world.broker(1), 2, "three")).toEqual(["0:4"]);
    expect(await seen(world.open(2), "t")).toEqual(["1=one", "2=two", "4=three"]);
  });

  it("refuses a broker that is not in sync, and one that is no replica", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    const elect = (leader: number) => electLeader(world.broker(1), { topicId, partition: 0, leader });
    expect(await elect(3)).toMatchObject({ ok: false, refusal: { code: "ELIGIBLE_LEADERS_NOT_AVAILABLE" } });
    expect(await elect(9)).toMatchObject({ ok: false, refusal: { code: "INVALID_REPLICA_ASSIGNMENT" } });
    expect((await world.registration(topicId)).leaderEpoch).toBe(0);
  });

  it("of the leader that leads already changes nothing", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await electLeader(world.broker(1), { topicId, partition: 0, leader: 1 });
    expect((await world.registration(topicId)).leaderEpoch).toBe(0);
  });

  it("is won by one where two regions take over at once", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    const instead = { leader: 1, leaderEpoch: 0 };
    const elect = (leader: number) => electLeader(world.broker(leader), { topicId, partition: 0, leader, instead });
    await Promise.all([elect(2), elect(3)]);
    const { leader, leaderEpoch } = await world.registration(topicId);
    expect([[2, 3].includes(leader), leaderEpoch]).toEqual([true, 1]);
    expect(await seen(world.open(1), "t")).toEqual(["1=a"]);
  });
});

describe("a leader's region that is gone", () => {
  /** As if the lease of region 1 had run out and those of the others not. */
  async function gone(world: Regions) {
    await keepLease(
      { ...world.broker(1), clock: { ...systemClock, now: () => Date.now() - LEASE_MS - 1 } },
      1,
      LEASE_MS,
    );
    for (const id of [2, 3]) await keepLease(world.broker(id), id, LEASE_MS);
    world.region(1).isDown = true;
  }

  it("is taken over from by a region in sync, and only if its table does not answer", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    await gone(world);
    world.region(1).isDown = false;
    expect(await electLeaders(world.broker(2), 2)).toBe(0);
    world.region(1).isDown = true;
    expect(await electLeaders(world.broker(2), 2)).toBe(1);
    expect(await electLeaders(world.broker(3), 3)).toBe(0);
    expect(await world.registration(topicId)).toMatchObject({ leader: 2, leaderEpoch: 1 });
  });

  it("is not waited for by acks=all once another took over", async () => {
    const world = new Regions();
    await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    await gone(world);
    await electLeaders(world.broker(2), 2);
    expect(await produce(world.open(2), "t", [{ value: "b" }], { acks: -1, timeoutMs: 2_000 })).toEqual(["0:3"]);
    expect(await seen(world.open(3), "t")).toEqual(["1=a", "3=b"]);
  });
});

describe("the in-sync set", () => {
  it("shrinks within an epoch, never by the leader, and not by an old epoch's word", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    const before = await world.registration(topicId);
    expect(await shrinkInSyncReplicas(world.broker(1), before, 1)).toEqual(before);
    const shrunk = await shrinkInSyncReplicas(world.broker(1), before, 3);
    expect(shrunk).toMatchObject({ inSyncReplicas: [1, 2], leaderEpoch: 0 });
    await electLeader(world.broker(1), { topicId, partition: 0, leader: 2 });
    expect(await shrinkInSyncReplicas(world.broker(1), before, 1)).toMatchObject({ inSyncReplicas: [1, 2] });
  });

  it("grows by a replica that has all of the log through a new epoch's barrier", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    world.region(3).isDown = true;
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    for (const value of ["b", "c"]) await produce(world.open(1), "t", [{ value }], ALL);
    world.region(3).isDown = false;
    const grown = await growInSyncReplicas(world.broker(1), await world.registration(topicId), 3, 5_000);
    expect(grown).toMatchObject({ leader: 1, leaderEpoch: 1, inSyncReplicas: [1, 2, 3], joining: [] });
    const tables = await world.tables(topicId);
    expect(tables[2]).toEqual(["0/0b", "1/0", "2/0", "3/0", "4/1b"]);
    expect(tables[0]).toEqual(tables[2]);
    const barrier = await world.region(1).logStore.readItemAtOrBelow(logKey(topicId, 0), 4);
    expect(barrier?.waitFor?.toSorted()).toEqual([1, 2, 3]);
  });

  it("does not grow by a replica that does not come to the barrier in time: it stays joining, and is waited for", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    world.region(3).before = () => new Promise(() => {});
    const growing = growInSyncReplicas(world.broker(1), await world.registration(topicId), 3, 100);
    await expect(growing).rejects.toMatchObject({ code: expect.stringMatching(/TIMED_OUT|STORAGE/) });
    expect(await world.registration(topicId)).toMatchObject({ leaderEpoch: 1, inSyncReplicas: [1, 2], joining: [3] });
    world.region(3).before = undefined;
    const carriedOn = await growInSyncReplicas(world.broker(2), await world.registration(topicId), 3, 5_000);
    expect(carriedOn).toMatchObject({ leaderEpoch: 1, inSyncReplicas: [1, 2, 3], joining: [] });
  });

  it("does not take in by a join what an election in between has overtaken", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
    let elected: Promise<unknown> | undefined;
    world.region(3).before = async () => {
      elected ??= electLeader(world.broker(2), { topicId, partition: 0, leader: 2 });
      await elected;
    };
    await growInSyncReplicas(world.broker(1), await world.registration(topicId), 3, 5_000).catch(() => undefined);
    expect(await world.registration(topicId)).toMatchObject({ leaderEpoch: 2, inSyncReplicas: [1, 2], joining: [] });
  });
});

describe("a deleted topic of three replicas", () => {
  it("takes no append by an older view, keeps its leader, and leaves nothing in any region", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t", 1, { "millrace.inline.max.bytes": "100" });
    await produce(world.broker(1), "t", [{ value: "large".repeat(100) }], ALL);
    expect(await deleteTopic(world.broker(2), "t")).toEqual({ ok: true, value: undefined });
    expect(await produce(world.broker(1), "t", [{ value: "late" }], ALL)).toEqual(["UNKNOWN_TOPIC_OR_PARTITION"]);
    expect(await seen(world.broker(3), "t")).toEqual(["UNKNOWN_TOPIC_OR_PARTITION"]);
    await electLeader(world.broker(2), { topicId, partition: 0, leader: 2 });
    expect(await world.registration(topicId)).toMatchObject({ leader: 1, leaderEpoch: 0, isEnded: true });
    const later = { ...world.broker(2), clock: { ...systemClock, now: () => Date.now() + SEAL_GRACE_MS + 1 } };
    for (let run = 0; run < 5; run++) await removeDeletedTopics(later, { maxItems: 1_000 });
    expect(await world.tables(topicId)).toEqual([[], [], []]);
    for (const { segmentStore } of world.regions) {
      expect(await segmentStore.listObjects(`${topicId}/`, { maxKeys: 10 })).toEqual([]);
    }
    expect(await world.metadataStore.getPartitions(topicId)).toEqual([]);
  });

  it("takes no append of an epoch that had not begun when it was deleted", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    // Elected, and whoever elected it died before its epoch began.
    const before = await world.registration(topicId);
    await world.metadataStore.updatePartition({ ...before, leaderEpoch: 1, partitionEpoch: 1 });
    const writer = world.open(2);
    await writer.topics.get("t");
    await deleteTopic(world.broker(3), "t");
    expect(await produce(writer, "t", [{ value: "late" }], ALL)).toEqual(["UNKNOWN_TOPIC_OR_PARTITION"]);
  });
});

describe("where an epoch ends", () => {
  it("is told by the leader's log, as in Kafka, though a follower does not answer and the highWatermark is not known", async () => {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    for (const value of ["a", "b", "c"]) await produce(world.broker(1), "t", [{ value }], ALL);
    await electLeader(world.broker(2), { topicId, partition: 0, leader: 2 });
    await produce(world.broker(2), "t", [{ value: "d" }], { acks: 1 });
    world.region(3).isDown = true;
    const endOf = (leaderEpoch: number) =>
      offsetsForLeaderEpoch(world.open(2), { topic: "t", partition: 0, leaderEpoch });
    expect(await endOf(0)).toMatchObject({ ok: true, value: { leaderEpoch: 0, endOffset: 4 } });
    expect(await endOf(1)).toMatchObject({ ok: true, value: { leaderEpoch: 1, endOffset: 6 } });
  });
});
