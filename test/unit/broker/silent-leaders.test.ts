import { describe, expect, it } from "vitest";
import { keepLease } from "../../../shared/broker/keep-lease.ts";
import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { RecordedMetrics } from "../../fixtures/recorded-metrics.ts";
import { Regions, seen } from "../../fixtures/regions.ts";
import { inVirtualTime } from "../../fixtures/virtual-time.ts";

const LEASE_MS = 10_000;
const ALL = { acks: -1, timeoutMs: 8_000 } as const;

const FAILED = expect.stringMatching(/^(KAFKA_STORAGE_ERROR|REQUEST_TIMED_OUT)$/);
const hang = () => new Promise<void>(() => {});

/** Region 1 leads and had a record; its lease has run out, those of the others have not. */
async function expired(world: Regions): Promise<string> {
  const { clock } = world.broker(1);
  const topicId = await topicOf(world.broker(1), "t");
  await produce(world.broker(1), "t", [{ value: "a" }], ALL);
  const early = { ...clock, now: () => clock.now() - LEASE_MS - 1 };
  await keepLease({ ...world.broker(1), clock: early }, 1, LEASE_MS);
  for (const id of [2, 3]) await keepLease(world.broker(id), id, LEASE_MS);
  return topicId;
}

describe("a produce whose leader's region is gone", () => {
  it("elects another leader and is appended there, at any region's endpoint, whether the region refuses or is silent", () =>
    inVirtualTime(async (clock) => {
      for (const endpoint of [2, 3]) {
        for (const isSilent of [false, true]) {
          const world = new Regions({ clock });
          const topicId = await expired(world);
          if (isSilent) world.region(1).before = hang;
          else world.region(1).isDown = true;
          expect(await produce(world.open(endpoint, { clock }), "t", [{ value: "b" }], ALL)).toEqual(["0:3"]);
          const { leader, leaderEpoch, inSyncReplicas } = await world.registration(topicId);
          expect([leader, leaderEpoch, inSyncReplicas]).toEqual([2, 1, [2, 3]]);
          expect(await seen(world.open(3, { clock }), "t")).toEqual(["1=a", "3=b"]);
        }
      }
    }));

  it("leaves a writer that hangs on the old leader to itself: appends behind it go on with the new one", () =>
    inVirtualTime(async (clock) => {
      const world = new Regions({ clock });
      await expired(world);
      const writer = world.open(3, { clock });
      await produce(writer, "t", [{ value: "b" }], ALL);
      world.region(1).before = hang;
      const results = await Promise.all(
        ["c", "d", "e"].map((value) => produce(writer, "t", [{ value, key: value }], { ...ALL, timeoutMs: 15_000 })),
      );
      // What was in the put that nobody answered may be in the old leader's log.
      for (const [result] of results) expect(result).toMatch(/^(0:\d+|NOT_LEADER_OR_FOLLOWER)$/);
      expect(await produce(writer, "t", [{ value: "f" }], ALL)).toEqual([expect.stringMatching(/^0:\d+$/)]);
      expect((await seen(world.open(2, { clock }), "t")).at(-1)).toMatch(/=f$/);
    }));

  it("does not append a second time what may be in the old leader's log", () =>
    inVirtualTime(async (clock) => {
      const world = new Regions({ clock });
      await expired(world);
      const writer = world.open(2, { clock });
      await produce(writer, "t", [{ value: "b" }], ALL);
      world.region(1).before = async (operation) => {
        if (operation === "putItem") await hang();
        throw world.unreachable(1);
      };
      expect(await produce(writer, "t", [{ value: "c" }], { acks: 1, timeoutMs: 8_000 })).toEqual([
        "NOT_LEADER_OR_FOLLOWER",
      ]);
      expect(await produce(writer, "t", [{ value: "d" }], ALL)).toEqual(["0:4"]);
      expect(await seen(world.open(3, { clock }), "t")).toEqual(["1=a", "2=b", "4=d"]);
    }));

  it("elects nobody while the region's lease runs, or its table answers, or nobody else is in sync", () =>
    inVirtualTime(async (clock) => {
      const world = new Regions({ clock });
      const topicId = await expired(world);
      await keepLease(world.broker(1), 1, LEASE_MS);
      world.region(1).isDown = true;
      expect(await produce(world.open(2, { clock }), "t", [{}], { ...ALL, timeoutMs: 4_000 })).toEqual([FAILED]);
      expect((await world.registration(topicId)).leader).toBe(1);

      const answering = new Regions({ clock });
      const other = await expired(answering);
      answering.region(1).before = async (operation) => {
        if (/^(put|replace)/.test(operation)) throw answering.unreachable(1);
      };
      expect(await produce(answering.open(2, { clock }), "t", [{}], { ...ALL, timeoutMs: 4_000 })).toEqual([FAILED]);
      expect((await answering.registration(other)).leader).toBe(1);

      const alone = new Regions({ clock });
      const third = await expired(alone);
      await alone.metadataStore.updatePartition({
        ...(await alone.registration(third)),
        inSyncReplicas: [1],
        partitionEpoch: 1,
      });
      alone.region(1).isDown = true;
      expect(await produce(alone.open(2, { clock }), "t", [{}], { acks: 1, timeoutMs: 4_000 })).toEqual([FAILED]);
      expect((await alone.registration(third)).leader).toBe(1);
    }));

  it("reads leases and registrations once a second, however many appends fail of however many partitions", () =>
    inVirtualTime(async (clock) => {
      const world = new Regions({ clock });
      const partitions = Array.from({ length: 12 }, (_, partition) => partition);
      await topicOf(world.broker(1), "t", partitions.length);
      for (const id of [1, 2, 3]) await keepLease(world.broker(id), id, LEASE_MS);
      world.region(1).isDown = true;
      const counts: Record<"getLeases" | "getPartitions", number> = { getLeases: 0, getPartitions: 0 };
      const writer = world.open(2, { clock });
      await writer.topics.get("t");
      for (const name of ["getLeases", "getPartitions"] as const) {
        const read = world.metadataStore[name].bind(world.metadataStore) as (...args: never[]) => never;
        Object.assign(world.metadataStore, {
          [name]: (...args: never[]) => {
            counts[name]++;
            return read(...args);
          },
        });
      }
      const appends = partitions.flatMap((partition) =>
        Array.from({ length: 20 }, () => produce(writer, "t", [{ partition }], { acks: 1, timeoutMs: 4_000 })),
      );
      const failed = (await Promise.all(appends)).flat().filter((place) => !place.includes(":"));
      expect(failed).toHaveLength((20 * partitions.length) / 3);
      for (const count of [counts.getLeases, counts.getPartitions]) {
        expect(count).toBeGreaterThanOrEqual(1);
        expect(count).toBeLessThanOrEqual(5);
      }
    }));
});

describe("a region that cannot read the metadata for a lease's length", () => {
  /** A process of region 1 on a clock that can be put forward, and metadata that can be lost. */
  async function opened() {
    const world = new Regions();
    const topicId = await topicOf(world.broker(1), "t");
    await produce(world.broker(1), "t", [{ value: "a" }], ALL);
    const time = { aheadMs: 0 };
    const metrics = new RecordedMetrics();
    const clock = { ...systemClock, now: () => Date.now() + time.aheadMs };
    const broker = world.open(1, { clock, metrics, leaseMs: LEASE_MS });
    await broker.topics.get("t");
    const lose = () => {
      const gone = () => Promise.reject(new KafkaError("KAFKA_STORAGE_ERROR", "the metadata cannot be reached"));
      Object.assign(world.metadataStore, { getTopic: gone, getPartitions: gone, getLeases: gone });
    };
    return { world, topicId, broker, time, lose };
  }
  const later = { acks: 1, timeoutMs: 60_000 } as const;

  it("puts nothing into the leader's table, though that answers", async () => {
    const { world, topicId, broker, time, lose } = await opened();
    lose();
    // Its log was read, and then it slept.
    world.region(1).before = async (operation) => {
      if (operation === "readItems") time.aheadMs = LEASE_MS + 1_000;
    };
    expect(await produce(broker, "t", [{ value: "b" }], later)).toEqual(["KAFKA_STORAGE_ERROR"]);
    expect((await world.tables(topicId))[0]).toEqual(["0/0b", "1/0"]);
  });

  it("does not acknowledge what its own table alone took", async () => {
    const { world, topicId, broker, time, lose } = await opened();
    lose();
    world.region(1).before = async (operation) => {
      if (operation === "putItem") time.aheadMs = LEASE_MS + 1_000;
    };
    expect(await produce(broker, "t", [{ value: "b" }], later)).toEqual(["KAFKA_STORAGE_ERROR"]);
    expect((await world.tables(topicId))[0]).toEqual(["0/0b", "1/0", "2/0"]);
  });

  it("goes on when it can read them again: who leads was only asked for", async () => {
    const { world, broker, time } = await opened();
    world.region(1).before = async (operation) => {
      if (operation === "readItems") time.aheadMs = LEASE_MS + 1_000;
    };
    expect(await produce(broker, "t", [{ value: "b" }], later)).toEqual(["0:2"]);
    world.region(1).before = async (operation) => {
      if (operation === "putItem") time.aheadMs += LEASE_MS + 1_000;
    };
    expect(await produce(broker, "t", [{ value: "c" }], later)).toEqual(["0:3"]);
  });

  it("refuses a produce when its time is over, with any acks, though the metadata do not answer for longer", () =>
    inVirtualTime(async (clock) => {
      const world = new Regions({ clock });
      await topicOf(world.broker(1), "t");
      world.metadataStore.getTopic = hang as never;
      for (const acks of [0, 1, -1] as const) {
        const writer = world.open(1, { clock });
        const begunAt = clock.now();
        await expect(produce(writer, "t", [{}], { acks, timeoutMs: 2_000 })).rejects.toMatchObject({
          code: "REQUEST_TIMED_OUT",
        });
        expect(clock.now() - begunAt).toBeLessThanOrEqual(2_000);
      }
    }));
});
