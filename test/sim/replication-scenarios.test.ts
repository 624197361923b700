import { describe, expect, it } from "vitest";
import type { BrokerParts } from "../../shared/broker/broker.ts";
import { growInSyncReplicas, shrinkInSyncReplicas } from "../../shared/broker/change-in-sync-replicas.ts";
import { electLeader } from "../../shared/broker/elect-leader.ts";
import type { MetadataStore } from "../../shared/broker/metadata-store.ts";
import type { LogItem } from "../../shared/log/log-item.ts";
import { produce, topicOf } from "../fixtures/broker.ts";
import { Regions, seen } from "../fixtures/regions.ts";
import { PLANTED_REPLICATION_BUGS } from "./planted-replication-bugs.ts";
import type { ReplicationBug } from "./replicated.ts";
import { Scheduler } from "./scheduler.ts";

const ALL = { acks: -1, timeoutMs: 2_500 } as const;

/** The stores of all regions as a process sees them that is cut off from some, or that has a bug. */
function replicas(world: Regions, cutOff: readonly number[], bug: ReplicationBug = {}): Pick<BrokerParts, "replicas"> {
  const scheduler = new Scheduler(1);
  const all = world.regions.map(({ id, stores }) => {
    const logStore = new Proxy(stores.logStore, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          if (cutOff.includes(id)) throw world.unreachable(id);
          return member.apply(target, args);
        };
      },
    });
    return [id, { ...stores, logStore: bug.logStore?.(logStore, id, scheduler) ?? logStore }] as const;
  });
  return { replicas: new Map(all) };
}

/**
 * A writer of epoch 0 falls asleep between the replicas of its record x. Epoch 1 begins in region 2, which has not got x, and
 * overwrites it in region 3. Epoch 2 begins in region 1, which has x, and brings it to region 2. The writer wakes, and finds
 * x in region 2, where it was about to put it. Epoch 3 begins in region 3, which has x no more.
 */
async function sleepThroughElections(bug: ReplicationBug) {
  const world = new Regions();
  const topicId = await topicOf(world.broker(1), "t");
  const elect = (id: number, cutOff: readonly number[]) =>
    electLeader(world.open(id, replicas(world, cutOff)), { topicId, partition: 0, leader: id });
  const writer = world.open(1, replicas(world, [], bug));
  await produce(writer, "t", [{ value: "a" }], ALL);

  const asleep = Promise.withResolvers<void>();
  const awake = Promise.withResolvers<void>();
  world.region(2).before = async (operation, [, item]) => {
    const { baseOffset, stamp } = (item ?? {}) as Partial<LogItem>;
    if (operation !== "putItem" || baseOffset !== 2 || stamp !== 0) return;
    asleep.resolve();
    await awake.promise;
  };
  const written = produce(writer, "t", [{ value: "x" }], ALL);
  await asleep.promise;

  await elect(2, [1]);
  await produce(world.open(2, replicas(world, [1])), "t", [{ value: "y" }], { acks: 1 });
  await settle();
  await elect(1, [3]);
  await produce(world.open(1, replicas(world, [3])), "t", [{ value: "z" }], { acks: 1 });
  await settle();
  awake.resolve();
  const [answer] = await written;
  await elect(3, [1, 2]);
  expect(await produce(world.open(3), "t", [{ value: "end" }], ALL)).toEqual([expect.stringMatching(/^0:\d+$/)]);
  return { answer, log: await seen(world.open(1), "t") };
}

/**
 * Region 3 is let into the in-sync set. When it has all of the log, and before its name is in the set, region 2 is elected,
 * and a record is acknowledged that region 3 has not got. Then region 3 is elected, if it is in sync.
 */
async function electWhileJoining(bug: ReplicationBug) {
  const world = new Regions();
  const topicId = await topicOf(world.broker(1), "t");
  await produce(world.broker(1), "t", [{ value: "a" }], ALL);
  await shrinkInSyncReplicas(world.broker(1), await world.registration(topicId), 3);
  let isJoining = false;
  let answer: string | undefined;
  const inBetween: MetadataStore = new Proxy(world.metadataStore, {
    get: (target, name) => {
      const member = Reflect.get(target, name, target) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        if (name === "getPartitions" && isJoining && answer === undefined) {
          await electLeader(world.open(2), { topicId, partition: 0, leader: 2 });
          [answer] = await produce(world.open(2), "t", [{ value: "x" }], ALL);
        }
        if (name === "updatePartition") isJoining = true;
        return member.apply(target, args);
      };
    },
  });
  const metadataStore = bug.joinersMetadataStore?.(inBetween) ?? inBetween;
  await growInSyncReplicas(world.open(1, { metadataStore }), await world.registration(topicId), 3, 2_000);
  await electLeader(world.open(3), { topicId, partition: 0, leader: 3 });
  await produce(world.open(3), "t", [{ value: "end" }], ALL);
  return { answer, log: await seen(world.open(1), "t") };
}

/**
 * Record x is in region 1 alone when epoch 1 begins in region 2, whose replicator falls asleep before it puts its barrier over
 * x. Epoch 2 begins in region 1: x is in its log again, and z is acknowledged behind it. The replicator wakes.
 */
async function wakeBehindTheSeal(bug: ReplicationBug) {
  const world = new Regions();
  const topicId = await topicOf(world.broker(1), "t");
  await produce(world.broker(1), "t", [{ value: "a" }], ALL);
  await produce(world.open(1, replicas(world, [2, 3])), "t", [{ value: "x" }], { acks: 1 });
  const asleep = Promise.withResolvers<void>();
  const awake = Promise.withResolvers<void>();
  world.region(1).before = async (operation, [, item]) => {
    const { baseOffset, stamp } = (item ?? {}) as Partial<LogItem>;
    if (operation !== "putItem" || baseOffset !== 2 || stamp !== 1) return;
    asleep.resolve();
    await awake.promise;
  };
  const replicator = world.open(2);
  await electLeader(replicator, { topicId, partition: 0, leader: 2 });
  await produce(replicator, "t", [{ value: "y" }], { acks: 1 });
  await asleep.promise;
  const next = world.open(1, replicas(world, [], bug));
  await electLeader(next, { topicId, partition: 0, leader: 1 });
  const [answer] = await produce(next, "t", [{ value: "z" }], ALL);
  awake.resolve();
  await settle();
  const instead = { leader: 1, leaderEpoch: 2 };
  await electLeader(world.open(1), { topicId, partition: 0, leader: 1, instead });
  await produce(world.open(1), "t", [{ value: "end" }], ALL);
  return { answer, log: await seen(world.open(1), "t") };
}

/**
 * Region 1 is cut off, and region 2 leads, commits, and writes checkpoints, without it. A writer of region 1 that has heard of
 * nothing begins to append.
 */
async function appendBehindNewerCheckpoints(bug: ReplicationBug) {
  const world = new Regions();
  const topicId = await topicOf(world.broker(1), "t");
  await produce(world.broker(1), "t", [{ value: "a" }], ALL);
  const writer = world.open(1, replicas(world, [], bug));
  await writer.topics.get("t");
  const leader = world.open(2, { ...replicas(world, [1]), checkpointEveryItems: 1 });
  await electLeader(leader, { topicId, partition: 0, leader: 2 });
  await shrinkInSyncReplicas(leader, await world.registration(topicId), 1);
  for (const value of ["b", "c", "d"]) await produce(leader, "t", [{ value }], ALL);
  await settle();
  const [answer] = await produce(writer, "t", [{ value: "x" }], ALL);
  return { answer, log: await seen(world.open(3), "t") };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

interface Result {
  readonly answer: string | undefined;
  readonly log: readonly string[];
}

const acknowledgedAndLost = ({ answer, log }: Result, value = "x") =>
  answer?.startsWith("0:") === true && !log.includes(`${answer.slice(2)}=${value}`);

describe("what takes more steps in a row than seeds come to", () => {
  it("is not acknowledged by a writer that slept through three elections, and finds its own item with a newer stamp", async () => {
    const result = await sleepThroughElections({});
    expect(result.answer).toBe("NOT_LEADER_OR_FOLLOWER");
    expect(result.log.map((record) => record.split("=")[1])).toEqual(["a", "y", "end"]);
  });

  const own = "an own item with a newer stamp that counts as written";
  it(`catches a planted bug: ${own}`, async () => {
    const result = await sleepThroughElections(PLANTED_REPLICATION_BUGS[own]!);
    expect(acknowledgedAndLost(result), JSON.stringify(result)).toBe(true);
  });

  it("is not lost by a join that an election has overtaken", async () => {
    const result = await electWhileJoining({});
    expect(result.answer).toMatch(/^0:\d+$/);
    expect(acknowledgedAndLost(result), JSON.stringify(result)).toBe(false);
  });

  const join = "a join completed without a look at its epoch";
  it(`catches a planted bug: ${join}`, async () => {
    const result = await electWhileJoining(PLANTED_REPLICATION_BUGS[join]!);
    expect(acknowledgedAndLost(result), JSON.stringify(result)).toBe(true);
  });

  it("is not overwritten by a replicator that slept while the record was sealed", async () => {
    const result = await wakeBehindTheSeal({});
    expect(result.answer).toBe("0:4");
    expect(result.log.map((record) => record.split("=")[1])).toEqual(["a", "x", "z", "end"]);
  });

  const seal = "a leader that does not seal";
  it(`catches a planted bug: ${seal}`, async () => {
    const result = await wakeBehindTheSeal(PLANTED_REPLICATION_BUGS[seal]!);
    expect(acknowledgedAndLost(result, "z"), JSON.stringify(result)).toBe(true);
  });

  it("is not acknowledged for what a newer epoch committed in its place", async () => {
    const result = await appendBehindNewerCheckpoints({});
    expect(acknowledgedAndLost(result), JSON.stringify(result)).toBe(false);
    expect(result.log.slice(0, 4)).toEqual(["1=a", "3=b", "4=c", "5=d"]);
  });

  const checkpoint = "a checkpoint used whatever epoch committed it";
  it(`catches a planted bug: ${checkpoint}`, async () => {
    const result = await appendBehindNewerCheckpoints(PLANTED_REPLICATION_BUGS[checkpoint]!);
    expect(acknowledgedAndLost(result), JSON.stringify(result)).toBe(true);
  });
});
