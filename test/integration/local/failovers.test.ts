import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { temporaryFolder } from "../../fixtures/service.ts";
import { eventually, REGIONS, type ReadRecord, RegionCluster } from "./region-cluster.ts";

/** Some two minutes. `MILLRACE_FAILOVERS=100` for more, each told as it ends. */
const FAILOVERS = Number(process.env["MILLRACE_FAILOVERS"] || 20);
const SEED = Number(process.env["MILLRACE_SEED"] || Math.floor(Math.random() * 1e9));
const PER_FAILOVER_MS = 60_000;
const TOPIC = "t";
const PARTITIONS = [0, 1];
const PRODUCE_TIMEOUT_MS = 4_000;
const LOG_LINES = 200;
const SEEN_WITHIN_MS = 20_000;

interface Acknowledged {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
  /** When it was sent and answered, by performance.now(). */
  readonly sentAt: number;
  readonly answeredAt: number;
}

const folder = temporaryFolder();
let cluster: RegionCluster | undefined;
afterAll(async () => {
  await cluster?.service.stop("SIGKILL");
  folder.remove();
});

const random = seeded(SEED);
const anyOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
const acknowledged: Acknowledged[] = [];
let isOver = false;

/** Sends one record after the other, at any endpoint; one that fails is not sent again. */
async function produce(cluster: RegionCluster, name: string, partition: number): Promise<void> {
  for (let count = 0; !isOver; count++) {
    await send(cluster, partition, `${name}-${count}`);
    await sleep(20);
  }
}

/** Sends each record, with its sequence, until it is acknowledged: as Kafka's idempotent producer does. */
async function produceIdempotent(cluster: RegionCluster, name: string, partition: number): Promise<void> {
  const { body } = await cluster.call(REGIONS[0], "/producers", {});
  for (let sequence = 0; !isOver; sequence++) {
    const headers = {
      "producer-id": String(body.producer_id),
      "producer-epoch": String(body.producer_epoch),
      "producer-sequence": String(sequence),
    };
    while (!(await send(cluster, partition, `${name}-${sequence}`, headers))) {
      if (isOver) return;
      await sleep(50);
    }
  }
}

async function send(cluster: RegionCluster, partition: number, value: string, headers = {}): Promise<boolean> {
  const sentAt = performance.now();
  const path = `/topics/${TOPIC}/partitions/${partition}/records?acks=all&timeout_ms=${PRODUCE_TIMEOUT_MS}`;
  const sent = { value: { type: "STRING", data: value } };
  const { status, body } = await cluster.call(anyOf(REGIONS), path, sent, headers);
  if (status === 200) {
    acknowledged.push({ partition, offset: body.offset, value, sentAt, answeredAt: performance.now() });
  }
  return status === 200;
}

/** Kills the leader's store; answers how long nobody led, and how long nothing that was sent since was acknowledged. */
async function failOver(cluster: RegionCluster, partition: number) {
  const { leader } = await leadershipOf(cluster, partition);
  const killed = cluster.regionOf(leader);
  process.kill(cluster.storePid(killed)!, "SIGKILL");
  const killedAt = performance.now();
  const others = REGIONS.filter((region) => region !== killed);
  const isLed = async () => (await cluster.leadership(others[0]!, TOPIC, partition))?.leader !== leader;
  if (!(await eventually(isLed, PER_FAILOVER_MS))) await explain(cluster, `nobody leads ${partition} after ${killed}`);
  const electedMs = performance.now() - killedAt;
  const first = () => acknowledged.find((record) => record.partition === partition && record.sentAt > killedAt);
  if (!(await eventually(() => first() !== undefined, PER_FAILOVER_MS))) {
    await explain(cluster, `nothing is acknowledged in ${partition} after ${killed} was killed`);
  }
  const acceptedMs = first()!.answeredAt - killedAt;
  await sleep(random() * 1_000);
  const started = await cluster.control(killed, "start");
  expect([started.status, started.body]).toEqual([200, expect.objectContaining({ state: "running" })]);
  return { electedMs, acceptedMs };
}

/** Throws with what there is to know of it. */
async function explain(cluster: RegionCluster, what: string): Promise<never> {
  const states = await cluster.states();
  const leaderships = await Promise.all(PARTITIONS.map((partition) => leadershipOf(cluster, partition)));
  const { output } = await cluster.service.stop("SIGKILL");
  const log = output.split("\n").slice(-LOG_LINES).join("\n");
  throw new Error(`${what}, seed ${SEED}: ${JSON.stringify({ states, leaderships })}\n${log}`);
}

async function leadershipOf(cluster: RegionCluster, partition: number) {
  const found = await Promise.all(REGIONS.map((region) => cluster.leadership(region, TOPIC, partition)));
  return found.find((leadership) => leadership !== undefined)!;
}

/** Somebody else must be able to lead, of each partition, or the next kill leaves it without a leader by definition. */
async function anotherIsInSync(cluster: RegionCluster): Promise<boolean> {
  const all = await Promise.all(PARTITIONS.map((partition) => leadershipOf(cluster, partition)));
  return all.every(({ inSync }) => inSync.length > 1);
}

it(
  `loses no acknowledged record and doubles none of an idempotent producer, while the leader's store is killed ${FAILOVERS} times`,
  async () => {
    cluster = await RegionCluster.start(folder.path);
    await cluster.call(REGIONS[0], "/topics", { topic_name: TOPIC, partitions_count: PARTITIONS.length });
    const producers = PARTITIONS.flatMap((partition) => [
      produce(cluster!, `plain-a${partition}`, partition),
      produce(cluster!, `plain-b${partition}`, partition),
      produceIdempotent(cluster!, `idempotent-${partition}`, partition),
    ]);
    expect(await eventually(() => acknowledged.length > 20)).toBe(true);
    const failovers: Awaited<ReturnType<typeof failOver>>[] = [];
    while (failovers.length < FAILOVERS) {
      if (!(await eventually(() => anotherIsInSync(cluster!), PER_FAILOVER_MS))) {
        await explain(cluster, "no follower comes back");
      }
      await sleep(random() * 1_500);
      failovers.push(await failOver(cluster, anyOf(PARTITIONS)));
      if (process.env["MILLRACE_FAILOVERS"])
        process.stdout.write(`failover ${failovers.length}: ${JSON.stringify(failovers.at(-1))}\n`);
    }
    isOver = true;
    await Promise.all(producers);
    report(failovers);

    for (const partition of PARTITIONS) {
      const own = acknowledged.filter((record) => record.partition === partition);
      expect(own.length).toBeGreaterThan(FAILOVERS);
      for (const region of REGIONS) {
        let records: ReadRecord[] = [];
        let lost: Acknowledged[] = own;
        const isAllSeen = async () => {
          records = await cluster!.readAll(region, TOPIC, partition);
          const byOffset = new Map(records.map(({ offset, value }) => [offset, value]));
          lost = own.filter(({ offset, value }) => byOffset.get(offset) !== value);
          return lost.length === 0;
        };
        // A region may know an older highWatermark for as long as it keeps topics in its cache.
        await eventually(isAllSeen, SEEN_WITHIN_MS);
        expect([region, partition, lost]).toEqual([region, partition, []]);
        const values = records.map(({ value }) => value);
        const doubled = values.filter((value, index) => values.indexOf(value) < index);
        expect([region, partition, doubled]).toEqual([region, partition, []]);
      }
    }
  },
  FAILOVERS * PER_FAILOVER_MS + 120_000,
);

function report(failovers: readonly { electedMs: number; acceptedMs: number }[]): void {
  const told = (times: number[]) => {
    const sorted = times.sort((one, other) => one - other).map((ms) => (ms / 1000).toFixed(1));
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    return `least ${sorted[0]}, median ${at(0.5)}, 90% ${at(0.9)}, most ${sorted.at(-1)} s (${sorted.join(" ")})`;
  };
  process.stdout.write(
    `${failovers.length} failovers, seed ${SEED}, lease 1.5 s, ${acknowledged.length} records acknowledged\n` +
      `  from kill -9 until another leads:            ${told(failovers.map(({ electedMs }) => electedMs))}\n` +
      `  until acks=all sent since is acknowledged:   ${told(failovers.map(({ acceptedMs }) => acceptedMs))}\n`,
  );
}

/** A generator of Tommy Ettinger's mulberry32 kind: the same seed, the same choices. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
