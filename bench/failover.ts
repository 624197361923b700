import { setTimeout as sleep } from "node:timers/promises";
import { type LocalRegions, REGIONS, startLocalRegions } from "./local-regions.ts";
import { quantile, table } from "./rounds.ts";

/**
 * How long is a partition without a leader when its leader's region is killed, with the settings as they come (a lease of
 * 10 s)? The leader's store and functions are killed as by kill -9; clients in both regions that are left send one record
 * after the other, with acks=1 and with acks=all. `MILLRACE_FAILOVERS=20` is the default, and takes some seven minutes.
 */
const FAILOVERS = Number(process.env["MILLRACE_FAILOVERS"] || 20);
const PER_FAILOVER_MS = 120_000;
const LOOK_EVERY_MS = 25;
/** A kill comes anywhere between two renewals of the lease. */
const RENEWAL_MS = 3_000;
const ACKS = ["1", "all"] as const;
const TOPIC = "t";

/** Milliseconds since the kill. */
interface Failover {
  readonly expired: number;
  readonly elected: number;
  /** By acks: the first of all clients that got an answer, and the last to get its first. */
  readonly first: Readonly<Record<string, number>>;
  readonly last: Readonly<Record<string, number>>;
}

export async function run(): Promise<void> {
  const log = process.env["MILLRACE_VERBOSE"] ? (line: string) => console.error(line) : () => {};
  const regions = await startLocalRegions(log);
  try {
    await regions.v3(REGIONS[0], "/topics", { topic_name: TOPIC, partitions_count: 1 });
    const failovers: Failover[] = [];
    while (failovers.length < FAILOVERS) {
      await until(
        "all replicas are in sync",
        async () => (await partition(regions, REGIONS[0])).in_sync_replicas.length === 3,
      );
      await sleep(Math.random() * RENEWAL_MS);
      failovers.push(await failOver(regions));
      console.error(`failover ${failovers.length}: ${JSON.stringify(failovers.at(-1))}`);
    }
    report(failovers);
  } finally {
    await regions.stop();
  }
}

async function failOver(regions: LocalRegions): Promise<Failover> {
  const { leader_id: leader } = await partition(regions, REGIONS[0]);
  const killed = REGIONS[leader - 1]!;
  const others = REGIONS.filter((region) => region !== killed);
  let isOver = false;
  const killedAt = performance.now();
  const since = () => Math.round(performance.now() - killedAt);
  await regions.call(others[0]!, `/local/regions/${killed}/stop`, {});
  const clients = ACKS.flatMap((acks) => others.map((region) => ({ acks, region })));
  const served = clients.map(async ({ acks, region }) => {
    for (let count = 0; !isOver; count++) {
      const record = { value: { type: "STRING", data: `${region} ${acks} ${count}` } };
      const { status } = await regions.v3(region, `/topics/${TOPIC}/partitions/0/records?acks=${acks}`, record);
      if (status === 200) return { acks, ms: since() };
      await sleep(LOOK_EVERY_MS);
    }
    throw new Error(`a client in ${region} was not served`);
  });
  // Told of by until(), and not before somebody asks.
  const answers = Promise.all(served);
  answers.catch(() => {});
  const [expired, elected] = await Promise.all([
    timeOf(
      "the lease runs out",
      since,
      async () => (await regions.v3(others[0]!, `/brokers/${leader}`)).body.is_fenced,
    ),
    timeOf("another leads", since, async () => (await partition(regions, others[0]!)).leader_id !== leader),
  ]);
  const timer = setTimeout(() => {
    isOver = true;
  }, PER_FAILOVER_MS);
  const times = await answers;
  clearTimeout(timer);
  const by = (acks: string) => times.filter((time) => time.acks === acks).map(({ ms }) => ms);
  const started = await regions.call(others[0]!, `/local/regions/${killed}/start`, {});
  if (started.status !== 200) throw new Error(`${killed} does not start: ${JSON.stringify(started.body)}`);
  return {
    expired,
    elected,
    first: Object.fromEntries(ACKS.map((acks) => [acks, Math.min(...by(acks))])),
    last: Object.fromEntries(ACKS.map((acks) => [acks, Math.max(...by(acks))])),
  };
}

interface Partition {
  readonly leader_id: number;
  readonly in_sync_replicas: readonly number[];
}

async function partition(regions: LocalRegions, at: string): Promise<Partition> {
  const { status, body } = await regions.v3(at, `/topics/${TOPIC}/partitions/0`);
  if (status !== 200) throw new Error(`the partition cannot be described in ${at}: ${status} ${JSON.stringify(body)}`);
  return body;
}

async function timeOf(what: string, since: () => number, holds: () => Promise<boolean>): Promise<number> {
  await until(what, holds);
  return since();
}

/** What it throws counts as not yet. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + PER_FAILOVER_MS; performance.now() < end; await sleep(LOOK_EVERY_MS)) {
    if (await holds().catch(() => false)) return;
  }
  throw new Error(`it did not come to pass within ${PER_FAILOVER_MS} ms that ${what}`);
}

function report(failovers: readonly Failover[]): void {
  const row = (what: string, times: readonly number[]) => {
    const seconds = (share: number) => (quantile(times, share) / 1000).toFixed(2);
    return [what, seconds(0), seconds(0.5), seconds(0.9), seconds(1)];
  };
  const of = (time: (failover: Failover) => number) => failovers.map(time);
  table(`${failovers.length} failovers by kill -9 of the leader's region, default settings, seconds`, [
    ["", "least", "median", "90%", "most"],
    row(
      "kill until the lease has run out",
      of(({ expired }) => expired),
    ),
    row(
      "kill until another leads",
      of(({ elected }) => elected),
    ),
    row(
      "lease run out until another leads",
      of(({ expired, elected }) => elected - expired),
    ),
    ...ACKS.flatMap((acks) => [
      row(
        `lease run out until acks=${acks} is answered`,
        of(({ expired, first }) => first[acks]! - expired),
      ),
      row(
        `lease run out until acks=${acks} is answered to every client`,
        of(({ expired, last }) => last[acks]! - expired),
      ),
    ]),
  ]);
}

if (import.meta.main) await run();
