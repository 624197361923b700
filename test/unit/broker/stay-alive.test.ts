import { describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { keepLease } from "../../../shared/broker/keep-lease.ts";
import { LONG_LEASE_MS, stayAlive } from "../../../shared/broker/stay-alive.ts";
import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import { type Clock, systemClock } from "../../../shared/runtime/clock.ts";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { RecordedMetrics } from "../../fixtures/recorded-metrics.ts";
import { Regions } from "../../fixtures/regions.ts";
import { inVirtualTime } from "../../fixtures/virtual-time.ts";

const LEASE_MS = 10_000;

async function world(clock: Clock, change: { metrics?: RecordedMetrics } = {}) {
  const regions = new Regions({ clock });
  const topicId = await topicOf(regions.broker(1), "t");
  await produce(regions.broker(1), "t", [{}], { acks: -1, timeoutMs: 5_000 });
  const broker: Broker = regions.open(2, { clock, ...change });
  const puts: number[] = [];
  const { putLease } = regions.metadataStore;
  regions.metadataStore.putLease = async (id, expiresAt) => {
    puts.push(clock.now());
    await putLease.call(regions.metadataStore, id, expiresAt);
  };
  const minute = (leaseMs = LEASE_MS) => stayAlive(broker, 2, { leaseMs, untilMs: clock.now() + 60_000 });
  return { regions, topicId, puts, minute, broker };
}

describe("a region that stays alive", () => {
  it("renews its lease long before it runs out, until the time is up", () =>
    inVirtualTime(async (clock) => {
      const { regions, puts, minute } = await world(clock);
      const { renewals } = await minute();
      expect(renewals).toBe(puts.length);
      expect(puts.length).toBeGreaterThan(12);
      for (const [index, at] of puts.slice(1).entries()) expect(at - puts[index]!).toBeLessThan(LEASE_MS * 0.7);
      expect((await regions.metadataStore.getLeases()).get(2)).toBeGreaterThan(clock.now());
    }));

  it("renews once where the lease outlives the time until the next call", () =>
    inVirtualTime(async (clock) => {
      const { puts, minute } = await world(clock);
      expect(await minute(LONG_LEASE_MS)).toEqual({ renewals: 1, elected: 0 });
      expect(puts).toHaveLength(1);
    }));

  it("takes over within seconds from one whose lease runs out meanwhile, and tells of what nobody can lead", () =>
    inVirtualTime(async (clock) => {
      const metrics = new RecordedMetrics();
      const { regions, topicId, minute } = await world(clock, { metrics });
      const alone = await topicOf(regions.broker(1), "alone");
      await regions.metadataStore.updatePartition({
        ...(await regions.registration(alone)),
        leader: 1,
        inSyncReplicas: [1],
        partitionEpoch: 1,
      });
      await keepLease(regions.broker(1), 1, LEASE_MS);
      const expiredAt = clock.now() + LEASE_MS;
      regions.region(1).isDown = true;
      const watched = (async () => {
        while ((await regions.registration(topicId)).leader === 1) await clock.sleep(200);
        return clock.now() - expiredAt;
      })();
      const [{ elected }, afterMs] = await Promise.all([minute(), watched]);
      expect(elected).toBe(1);
      expect(afterMs).toBeLessThan(5_000);
      expect((await regions.registration(topicId)).leader).toBe(2);
      expect(metrics.gauges).toMatchObject({ OfflinePartitions: 1 });
    }));

  it("is taken over from where its own table does not answer, though its functions run and reach the metadata", () =>
    inVirtualTime(async (clock) => {
      const { regions, topicId, minute } = await world(clock);
      const untilMs = clock.now() + 60_000;
      const hung = stayAlive(regions.broker(1), 1, { leaseMs: LEASE_MS, untilMs });
      const silent = (async () => {
        await clock.sleep(5_000);
        regions.region(1).before = () => clock.sleep(120_000);
        const since = clock.now();
        while ((await regions.registration(topicId)).leader === 1 && clock.now() < untilMs) await clock.sleep(200);
        return clock.now() - since;
      })();
      const [{ renewals }, , afterMs] = await Promise.all([hung, minute(), silent]);
      expect(afterMs).toBeLessThan(LEASE_MS + 5_000);
      expect((await regions.registration(topicId)).leader).toBe(2);
      expect(renewals).toBeLessThan(5);
    }));

  it("goes on when stores fail, and elects nobody while it cannot say itself that it is alive", () =>
    inVirtualTime(async (clock) => {
      const metrics = new RecordedMetrics();
      const { regions, topicId, minute } = await world(clock, { metrics });
      await keepLease({ ...regions.broker(1), clock: { ...systemClock, now: () => 1 } }, 1, LEASE_MS);
      regions.region(1).isDown = true;
      const { putLease } = regions.metadataStore;
      let failures = 0;
      regions.metadataStore.putLease = () => {
        failures++;
        return Promise.reject(new KafkaError("UNKNOWN_SERVER_ERROR", "no permission"));
      };
      expect(await minute()).toEqual({ renewals: 0, elected: 0 });
      expect(failures).toBeGreaterThan(10);
      expect((await regions.registration(topicId)).leader).toBe(1);
      expect(metrics.counts.Errors).toBeGreaterThan(10);

      regions.metadataStore.putLease = putLease;
      const { getLeases } = regions.metadataStore;
      let reads = 0;
      regions.metadataStore.getLeases = () =>
        reads++ < 20
          ? Promise.reject(new KafkaError("KAFKA_STORAGE_ERROR", "gone"))
          : getLeases.call(regions.metadataStore);
      expect((await minute()).elected).toBe(1);
    }));

  it("does not lose its lease to an election that hangs, nor to a write that does", () =>
    inVirtualTime(async (clock) => {
      const { regions, puts, minute } = await world(clock);
      await keepLease({ ...regions.broker(1), clock: { ...systemClock, now: () => 1 } }, 1, LEASE_MS);
      regions.metadataStore.listTopics = () => new Promise(() => {});
      const { putLease } = regions.metadataStore;
      let writes = 0;
      regions.metadataStore.putLease = (id, expiresAt) =>
        ++writes % 3 === 0 ? new Promise(() => {}) : putLease.call(regions.metadataStore, id, expiresAt);
      await minute();
      for (const [index, at] of puts.slice(1).entries()) expect(at - puts[index]!).toBeLessThan(LEASE_MS);
      expect((await regions.metadataStore.getLeases()).get(2)).toBeGreaterThan(clock.now());
    }));

  it("reads the metadata again only now and then while a region stays gone, and not at all while its table answers", () =>
    inVirtualTime(async (clock) => {
      const { regions, topicId, minute } = await world(clock);
      await keepLease({ ...regions.broker(1), clock: { ...systemClock, now: () => 1 } }, 1, LEASE_MS);
      const { listTopics } = regions.metadataStore;
      let lists = 0;
      regions.metadataStore.listTopics = (options) => {
        lists++;
        return listTopics.call(regions.metadataStore, options);
      };
      expect(await minute()).toMatchObject({ elected: 0 });
      expect(lists).toBe(0);
      regions.region(1).isDown = true;
      expect(await minute()).toMatchObject({ elected: 1 });
      expect(lists).toBeGreaterThan(5);
      expect(lists).toBeLessThan(20);
      expect((await regions.registration(topicId)).inSyncReplicas).toEqual([2, 3]);
    }));
});
