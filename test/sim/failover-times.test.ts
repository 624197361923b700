import { describe, expect, it } from "vitest";
import type { Broker } from "../../shared/broker/broker.ts";
import { keepLease, renewEveryMs } from "../../shared/broker/keep-lease.ts";
import type { MetadataStore } from "../../shared/broker/metadata-store.ts";
import { stayAlive } from "../../shared/broker/stay-alive.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import { produce, topicOf } from "../fixtures/broker.ts";
import { Regions } from "../fixtures/regions.ts";
import { Scheduler } from "./scheduler.ts";

/** What the lease lasts by default, and what a failover may last beyond it, by the scheduler's clock and none other. */
const LEASE_MS = 10_000;
const BOUND_MS = 4_750;
/** Where the region's table refuses at once, as that of a process that was killed does. */
const REFUSED_BOUND_MS = 2_500;
const SEEDS = 40;
/** From one region to another, and an answer's way. */
const MAX_DELAY_MS = 120;
const PARTITIONS = 3;
const TIMEOUT_MS = 20_000;
const CLIENT_PAUSE_MS = 25;

type Death = "refuses" | "is silent";

interface Times {
  /** From the lease's end until another leads every partition that it led. */
  readonly electedMs: number;
  /** Until each client of each region has had its first answer, by acks. */
  readonly answeredMs: Readonly<Record<"1" | "-1", number>>;
  /** Reads of leases by the writers of one region: while all was well, and since its leader was silent, for each second of that. */
  readonly leaseReads: { readonly before: number; readonly perSecond: number };
}

/** Metadata as far as the tables are, whose reads of leases are counted. */
function watched(store: MetadataStore, delay: () => Promise<void>, counts: { leases: number }): MetadataStore {
  return new Proxy(store, {
    get: (target, name) => {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        if (name === "getLeases") counts.leases++;
        await delay();
        return member.apply(target, args) as unknown;
      };
    },
  });
}

/** Region 1 goes at any time between two renewals of its lease; in both others clients send one record after the other. */
async function failOver(seed: number, death: Death): Promise<Times> {
  const scheduler = new Scheduler(seed);
  const parts = { clock: scheduler.clock(() => 0), random: scheduler.random, leaseMs: LEASE_MS };
  const world = new Regions(parts);
  const delay = () => scheduler.sleep(1 + scheduler.integer(MAX_DELAY_MS));
  for (const region of world.regions) region.before = delay;
  const run = async (): Promise<Times> => {
    await topicOf(world.broker(1), "t", PARTITIONS);
    const topicId = (await world.metadataStore.getTopic("t"))!.topicId;
    const untilMs = scheduler.now + 60_000;
    const alive = [2, 3].map((id) => stayAlive(world.broker(id), id, { leaseMs: LEASE_MS, untilMs }));
    const expiresAt = await keepLease(world.broker(1), 1, LEASE_MS);
    const led = (await world.metadataStore.getPartitions(topicId)).filter(({ leader }) => leader === 1);
    expect(led).toHaveLength(1);
    const { partition } = led[0]!;
    const counts = [2, 3].map(() => ({ leases: 0 }));
    const writers = [2, 3].map((id, index) =>
      world.open(id, { ...parts, metadataStore: watched(world.metadataStore, delay, counts[index]!) }),
    );
    for (const writer of writers)
      await produce(writer, "t", [{ partition, value: "before" }], { timeoutMs: TIMEOUT_MS });
    await scheduler.sleep(scheduler.integer(renewEveryMs(LEASE_MS)));
    const before = Math.max(...counts.map(({ leases }) => leases));
    const goneAt = scheduler.now;
    world.region(1).before = async () => {
      await delay();
      if (death === "is silent") await new Promise<never>(() => {});
      throw new KafkaError("KAFKA_STORAGE_ERROR", "the region is gone");
    };
    const client = async (writer: Broker, name: string, acks: 1 | -1): Promise<number> => {
      for (let count = 0; ; count++) {
        const terms = { acks, timeoutMs: TIMEOUT_MS };
        const [place] = await produce(writer, "t", [{ partition, value: `${name}-${count}` }], terms);
        if (place!.includes(":")) return scheduler.now - expiresAt;
        await scheduler.sleep(CLIENT_PAUSE_MS);
      }
    };
    const elected = async () => {
      for (;;) {
        const [{ leader } = { leader: 1 }] = (await world.metadataStore.getPartitions(topicId)).slice(partition);
        if (leader !== 1) return scheduler.now - expiresAt;
        await scheduler.sleep(10);
      }
    };
    const by = async (acks: 1 | -1) =>
      Math.max(...(await Promise.all(writers.map((writer, at) => client(writer, `${at}${acks}`, acks)))));
    const [electedMs, one, all] = await Promise.all([elected(), by(1), by(-1)]);
    const perSecond = (Math.max(...counts.map(({ leases }) => leases)) * 1_000) / (scheduler.now - goneAt);
    await Promise.all(alive);
    return { electedMs, answeredMs: { "1": one, "-1": all }, leaseReads: { before, perSecond } };
  };
  let times: Times | undefined;
  await scheduler.run(
    run().then((result) => {
      times = result;
    }),
    1_000_000,
  );
  return times!;
}

describe("a failover at default settings", () => {
  it.each([
    ["refuses", REFUSED_BOUND_MS],
    ["is silent", BOUND_MS],
  ] as const)(
    "where the region that is gone %s serves every client within %i ms of the lease's end",
    async (death, boundMs) => {
      const all: Times[] = [];
      for (let seed = 1; seed <= SEEDS; seed++) all.push(await failOver(seed, death));
      if (process.env["MILLRACE_VERBOSE"]) process.stdout.write(`${death}: ${JSON.stringify(all)}\n`);
      const most = (of: (times: Times) => number) => Math.max(...all.map(of));
      expect(most(({ leaseReads }) => leaseReads.before)).toBe(0);
      expect(most(({ leaseReads }) => leaseReads.perSecond)).toBeLessThanOrEqual(1.1);
      expect(most(({ electedMs }) => electedMs)).toBeLessThan(boundMs);
      expect(most(({ answeredMs }) => answeredMs["1"])).toBeLessThan(boundMs);
      expect(most(({ answeredMs }) => answeredMs["-1"])).toBeLessThan(boundMs);
    },
  );
});
