import { startDynoxide } from "../local/dynoxide.ts";
import { createTopic } from "../shared/broker/create-topic.ts";
import { openBroker } from "../shared/broker/open-broker.ts";
import { produceRecords } from "../shared/broker/produce-records.ts";
import { type Upkeep, upkeepLogs } from "../shared/broker/tiering/upkeep.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { DynamoDbSegmentRegistry } from "../shared/storage/dynamodb/dynamodb-segment-registry.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { KIB, MIB } from "./bill.ts";
import { BENCH_TABLES, countedBroker } from "./counted-broker.ts";
import { meter, type Units } from "./metered-units.ts";
import { PRICES } from "./prices.ts";
import { table } from "./rounds.ts";

/**
 * What does the upkeep of logs cost on AWS, for each partition and run, and how many partitions does a run get through? Counted on the embedded
 * DynamoDB, billed by list prices. As in bill.ts a request to DynamoDB takes 6 ms of a function of 1 GB; four partitions are looked after at once.
 */
const PARTITIONS = 20;
const REQUEST_MS = 6;
const PARTITIONS_AT_ONCE = 4;
const HOUR_MS = 3_600_000;
const RUN_MS = 14 * 60_000;
const MONTH_HOURS = 730;
const SEGMENT_BYTES = MIB;

interface Shape {
  readonly what: string;
  readonly items: number;
  readonly itemBytes: number;
}

const SHAPES: readonly Shape[] = [
  { what: "nothing due, empty", items: 0, itemBytes: 0 },
  { what: "nothing due, 100 items of 1 KiB wait", items: 100, itemBytes: KIB },
  { what: "nothing due, 50 items of 16 KiB wait", items: 50, itemBytes: 16 * KIB },
  { what: "a segment of 1 MiB is due, in items of 16 KiB", items: 66, itemBytes: 16 * KIB },
];

export async function run(): Promise<void> {
  const rows = [
    ["a partition", "requests", "read units", "write units", "a run", "each hour, a month", "partitions a run"],
  ];
  for (const shape of SHAPES) rows.push(row(shape, await measured(shape)));
  table("The upkeep of a partition, by a run", rows);
}

/** The hour's run after the one that looked first; where a segment is due the first. */
async function measured({ items, itemBytes }: Shape): Promise<Units> {
  const dynamoDb = await startDynoxide(undefined);
  try {
    const { client, broker: counted } = countedBroker(dynamoDb.endpoint);
    await createTables(client, BENCH_TABLES);
    let aheadMs = 0;
    const clock = { now: () => systemClock.now() + aheadMs, sleep: systemClock.sleep };
    const segmentRegistry = new DynamoDbSegmentRegistry(client, BENCH_TABLES.metadata);
    const broker = openBroker({ ...counted, clock, segmentRegistry });
    const keep = async (): Promise<Upkeep> => {
      const kept = await upkeepLogs(broker, { untilMs: clock.now() + RUN_MS });
      if (kept.failed + kept.left > 0) throw new Error(`the upkeep failed: ${JSON.stringify(kept)}`);
      return kept;
    };
    const configs = { "segment.bytes": String(SEGMENT_BYTES) };
    const made = await createTopic(broker, { name: "t", partitionCount: PARTITIONS, configs });
    if (!made.ok) throw new Error(made.refusal.message);
    const units = meter(client);
    // Items that are written after it have a TTL, and wait.
    await keep();
    const value = Buffer.alloc(itemBytes);
    for (let item = 0; item < items; item++) {
      const records = Array.from({ length: PARTITIONS }, (_, partition) => ({
        partition,
        key: null,
        value,
        headers: [],
      }));
      await produceRecords(broker, { topic: "t", acks: -1, timeoutMs: 20_000, records });
    }
    aheadMs += HOUR_MS;
    units.taken();
    const { segmentsTiered } = await keep();
    if (segmentsTiered !== (items * itemBytes > SEGMENT_BYTES ? PARTITIONS : 0)) throw new Error("other than it says");
    return units.taken();
  } finally {
    await dynamoDb.stop();
  }
}

function row({ what }: Shape, taken: Units): string[] {
  const [requests, read, written] = [taken.requests, taken.read, taken.written].map((all) => all / PARTITIONS) as [
    number,
    number,
    number,
  ];
  const ms = (requests * REQUEST_MS) / PARTITIONS_AT_ONCE;
  const dollars =
    read * PRICES.dynamoDbReadUnit + written * PRICES.dynamoDbWriteUnit + (ms / 1_000) * PRICES.lambdaGbSecond;
  return [
    what,
    requests.toFixed(1),
    read.toFixed(1),
    written.toFixed(1),
    `$${dollars.toFixed(7)}`,
    `$${(dollars * MONTH_HOURS).toFixed(4)}`,
    Math.floor(RUN_MS / ms).toLocaleString("en-US"),
  ];
}
