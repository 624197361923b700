import { startDynoxide } from "../local/dynoxide.ts";
import type { Broker } from "../shared/broker/broker.ts";
import { createTopic } from "../shared/broker/create-topic.ts";
import { consumerGroupHeartbeat } from "../shared/broker/groups/consumer-group-heartbeat.ts";
import { type Poll, type Polled, type PollPosition, poll } from "../shared/broker/groups/poll.ts";
import { sweepGroups } from "../shared/broker/groups/sweep-groups.ts";
import { openBroker } from "../shared/broker/open-broker.ts";
import { produceRecords } from "../shared/broker/produce-records.ts";
import type { Clock } from "../shared/runtime/clock.ts";
import { DynamoDbGroupStore } from "../shared/storage/dynamodb/dynamodb-group-store.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { bill, NOTHING, SERVICES, times } from "./bill.ts";
import { BENCH_TABLES, countedBroker } from "./counted-broker.ts";
import { meter, type Units } from "./metered-units.ts";
import { table } from "./rounds.ts";

/** What does a consumer of a group cost, that has nothing to do and that has much? Counted on the embedded DynamoDB, billed by the list. */
const GROUP_TABLE = "bench-group";
const PARTITIONS = 4;
const HOUR_SECONDS = 3600;
const MONTH_HOURS = 730;
/** Time goes so many times faster here: a poll that waits 20 s takes one. */
const HASTE = 20;
const ROUNDS = 20;
/** Assumed, as in bill.ts: a request with one request to DynamoDB, and each further one. */
const [REQUEST_MS, FURTHER_REQUEST_MS] = [10, 6];
const LOG_BYTES = 750;
const MEMORY_GB = 1;

const begunAt = Date.now();
const hasty: Clock = {
  now: () => begunAt + (Date.now() - begunAt) * HASTE,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = setTimeout(resolve, ms / HASTE);
      signal?.addEventListener("abort", () => resolve(clearTimeout(timer) as undefined), { once: true });
    }),
};

class BenchConsumer {
  readonly #broker: Broker;
  #next: Pick<Poll, "memberEpoch" | "positions" | "sequence"> & { memberId?: string } = {
    memberEpoch: 0,
    positions: [],
    sequence: 0,
  };

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get member() {
    return { groupId: "g", memberId: this.#next.memberId!, memberEpoch: this.#next.memberEpoch };
  }

  /** Answers how many records it was handed batches of. */
  async poll(maxWaitMs: number): Promise<number> {
    const polled = await poll(this.#broker, {
      groupId: "g",
      topics: ["t"],
      rebalanceTimeoutMs: 300_000,
      clientId: "bench",
      clientHost: "/",
      commits: true,
      autoOffsetReset: "earliest",
      maxBytes: 1 << 20,
      maxWaitMs,
      ...this.#next,
    });
    if (!polled.ok) throw new Error(polled.refusal.message);
    const { memberId, memberEpoch } = polled.value;
    const positions = readOn(polled.value);
    this.#next = { memberId, memberEpoch, positions, sequence: (this.#next.sequence ?? 0) + 1 };
    return polled.value.found.length;
  }
}

function readOn({ positions, found }: Polled): PollPosition[] {
  const ends = new Map(
    found.flatMap(({ position, fetched }) => (fetched.ok ? [[position.partition, fetched.value.nextOffset]] : [])),
  );
  return positions.map((each) => ({ ...each, offset: ends.get(each.partition) ?? each.offset ?? 0 }));
}

interface Shape {
  readonly what: string;
  /** Between the beginnings of two turns. */
  readonly everySeconds: number;
  /** Of them so many in a waiting function. */
  readonly waitsSeconds: number;
  /** A schedule's, not API Gateway's. */
  readonly isScheduled?: true;
  turn(): Promise<unknown>;
}

export async function run(): Promise<void> {
  const dynoxide = await startDynoxide(undefined);
  const { client, broker: counted } = countedBroker(dynoxide.endpoint);
  await createTables(client, { ...BENCH_TABLES, group: GROUP_TABLE });
  const broker = openBroker({ ...counted, clock: hasty, groupStore: new DynamoDbGroupStore(client, GROUP_TABLE) });
  const { taken } = meter(client);
  await createTopic(broker, { name: "t", partitionCount: PARTITIONS });
  const consumer = new BenchConsumer(broker);
  await consumer.poll(0);
  await consumer.poll(0);

  const shapes: Shape[] = [
    {
      what: "heartbeats alone (an SDK that fetches by itself)",
      everySeconds: 5,
      waitsSeconds: 0,
      turn: () => consumerGroupHeartbeat(broker, { ...consumer.member, clientId: "bench", clientHost: "/" }),
    },
    { what: "idle, asks every 5 s", everySeconds: 5, waitsSeconds: 0, turn: () => consumer.poll(0) },
    { what: "idle, asks every 30 s", everySeconds: 30, waitsSeconds: 0, turn: () => consumer.poll(0) },
    { what: "idle, waits: timeout_ms=20000", everySeconds: 20, waitsSeconds: 20, turn: () => consumer.poll(20_000) },
    {
      what: "busy: 100 KiB a second in one partition, asks every second",
      everySeconds: 1,
      waitsSeconds: 0,
      turn: async () => {
        const value = Buffer.alloc(100 * 1024);
        const record = { key: null, value, headers: [], partition: 0 };
        await produceRecords(broker, { topic: "t", acks: -1, timeoutMs: 20_000, records: [record] });
        taken();
        if ((await consumer.poll(0)) === 0) throw new Error("the record was not handed out");
      },
    },
    {
      what: "the sweep over this group",
      everySeconds: 60,
      waitsSeconds: 0,
      isScheduled: true,
      turn: () => sweep(broker),
    },
  ];
  const rows: (string | number)[][] = [
    [
      "one consumer, four partitions",
      "turns / h",
      "DynamoDB requests / h",
      "RRU / h",
      "WRU / h",
      ...SERVICES,
      "$ / month",
    ],
  ];
  for (const { what, everySeconds, waitsSeconds, isScheduled, turn } of shapes) {
    const rounds = waitsSeconds > 0 ? 3 : ROUNDS;
    let units: Units = { requests: 0, read: 0, written: 0 };
    for (let round = 0; round < rounds; round++) {
      taken();
      await turn();
      const used = taken();
      units = {
        requests: units.requests + used.requests,
        read: units.read + used.read,
        written: units.written + used.written,
      };
    }
    const perHour = HOUR_SECONDS / everySeconds;
    const each = { requests: units.requests / rounds, read: units.read / rounds, written: units.written / rounds };
    const ms = REQUEST_MS + Math.max(0, each.requests - 1) * FURTHER_REQUEST_MS;
    const usage = {
      ...NOTHING,
      requests: 1,
      gbSeconds: (waitsSeconds > 0 ? waitsSeconds : ms / 1000) * MEMORY_GB,
      read: each.read,
      written: each.written,
      logBytes: LOG_BYTES,
    };
    const [gateway, ...others] = bill(times(usage, perHour * MONTH_HOURS));
    const month = [isScheduled ? 0 : gateway, ...others];
    const hourly = [each.requests, each.read, each.written].map((value) => Math.round(value * perHour));
    rows.push([
      what,
      Math.round(perHour),
      ...hourly,
      ...[...month, month.reduce((total, part) => total + part, 0)].map((value) => value.toFixed(2)),
    ]);
  }
  table("What a consumer of a group takes", rows);
  client.destroy();
  await dynoxide.stop();
}

function sweep(broker: Broker): Promise<unknown> {
  return sweepGroups(broker, { untilMs: broker.clock.now() + 50_000 });
}

if (import.meta.main) await run();
