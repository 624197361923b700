import { CONTENDED_INLINE_MAX_BYTES } from "../shared/broker/partition-writer.ts";
import {
  ALONE,
  appendUsage,
  bill,
  type Contention,
  DEFAULT_INLINE_MAX_BYTES,
  emptyFetchUsage,
  fetchUsage,
  GIB,
  ITEM_OVERHEAD,
  KIB,
  MIB,
  NOTHING,
  plus,
  SERVICES,
  times,
  type Usage,
} from "./bill.ts";
import { writeUnits } from "./item-size.ts";
import { DATA_OUT_GB, PRICES, tiered } from "./prices.ts";
import { table } from "./rounds.ts";

/** What does a deployment cost, by the request, the GiB and the month, beside Kinesis and MSK Serverless? */
const MONTH_HOURS = 730;
const MONTH_SECONDS = MONTH_HOURS * 3600;
const METRICS = 12;
/** A consumer asks a partition for what is new so often, or for each MiB. */
const POLL_SECONDS = 5;
/** As functions cache a topic: two items read. */
const TOPIC_CACHE_SECONDS = 5;

/** Keyed batches of 16 KiB over Lambda environments, as bench/environments.ts counts them: all of them objects. */
const LOADS: readonly Load[] = [
  { rate: 10, partitions: 8, environments: 2, keyed: { puts: 1.7, reads: 0.25, lostUnits: 0.7, readUnits: 0.25 } },
  { rate: 100, partitions: 8, environments: 10, keyed: { puts: 2.79, reads: 0.88, lostUnits: 1.79, readUnits: 1.02 } },
  { rate: 1000, partitions: 64, environments: 32, keyed: { puts: 2.96, reads: 1, lostUnits: 1.96, readUnits: 1.95 } },
];

interface Load {
  /** Batches a second. */
  readonly rate: number;
  readonly partitions: number;
  readonly environments: number;
  readonly keyed: Contention;
}

const sum = (parts: readonly number[]) => parts.reduce((total, part) => total + part, 0);
const whole = (value: number) => Math.round(value).toLocaleString("en");
const dollars = (value: number) => `$${whole(value)}`;
const cents = (value: number) => `$${value.toFixed(2)}`;

export async function run(): Promise<void> {
  byBatch();
  for (const load of LOADS) byMonth(load);
  byConsumer();
}

function byBatch(): void {
  const rows = [["batch", ...SERVICES, "a million", "a GiB", "of it the log", "all inline", "a GiB read"]];
  for (const bytes of [KIB, 4 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 256 * KIB, MIB]) {
    const parts = bill(times(appendUsage(bytes), 1e6));
    const perGib = GIB / bytes / 1e6;
    // Items end at 400 KB: a larger batch takes several.
    const inlineBytes = Math.ceil(bytes / (390 * KIB)) * ITEM_OVERHEAD + bytes;
    const allInline = (GIB / bytes) * writeUnits(inlineBytes) * PRICES.dynamoDbWriteUnit;
    const read = sum(bill(times(fetchUsage(MIB, bytes), GIB / MIB)));
    const log = (parts[2] + parts[3]) * perGib;
    rows.push([
      `${bytes / KIB} KiB`,
      ...[...parts, sum(parts), sum(parts) * perGib, log, allInline, read].map((value) => cents(value)),
    ]);
  }
  table("Dollars for a million produce requests, and for a GiB in 1 MiB fetches; one writer a partition", rows);
  const gb = GIB / 1e9;
  console.log(
    `  Beside it, a GiB in and out: Kinesis on demand ${cents(gb * (PRICES.kinesisGbIn + PRICES.kinesisGbOut))}, ` +
      `MSK Serverless ${cents(gb * (PRICES.mskServerlessGbIn + PRICES.mskServerlessGbOut))}, and both by the hour.`,
  );
}

function byMonth({ rate, partitions, environments, keyed }: Load): void {
  const bytes = rate * 16 * KIB * MONTH_SECONDS;
  const gib = bytes / GIB;
  const month = (what: string, batchBytes: number, inlineMaxBytes: number, contention: Contention) => {
    const appends = times(appendUsage(batchBytes, inlineMaxBytes, contention), bytes / batchBytes);
    const fetches = Math.max(bytes / MIB, (partitions * MONTH_SECONDS) / POLL_SECONDS);
    const reading = times(fetchUsage(bytes / fetches, batchBytes, inlineMaxBytes), fetches);
    const topics = { ...NOTHING, read: (environments * 2 * MONTH_SECONDS) / TOPIC_CACHE_SECONDS };
    const parts = bill(plus(plus(appends, reading), topics));
    const table = PRICES.dynamoDbGbMonth + PRICES.dynamoDbRecoveryGbMonth;
    const kept = gib * (batchBytes <= inlineMaxBytes ? table : PRICES.s3GbMonth);
    return [what, ...parts.map(dollars), ...totals(sum(parts) + METRICS * PRICES.customMetricMonth, kept)];
  };
  const totals = (total: number, kept: number) => [dollars(total), cents(total / gib), dollars(kept)];
  const other = (what: string, { total, kept }: { total: number; kept: number }) => [
    what,
    ...SERVICES.map(() => ""),
    ...totals(total, kept),
  ];
  table(`A month of ${rate} x 16 KiB a second on ${partitions} partitions: ${whole(gib)} GiB, read once`, [
    ["", ...SERVICES, "all, with metrics", "a GiB", "to keep it a month"],
    month("16 KiB keyed", 16 * KIB, CONTENDED_INLINE_MAX_BYTES, keyed),
    month("16 KiB, one writer a partition", 16 * KIB, DEFAULT_INLINE_MAX_BYTES, ALONE),
    month("that with inline.max.bytes at 8 KiB", 16 * KIB, 8 * KIB, ALONE),
    month("the same bytes keyed, 1 MiB a request", MIB, CONTENDED_INLINE_MAX_BYTES, keyed),
    other("Kinesis, the cheaper on-demand mode", kinesis(bytes / 1e9)),
    other("MSK Serverless", mskServerless(bytes / 1e9, partitions)),
  ]);
  console.log(`  Read from the internet, data out is ${dollars(tiered(gib, DATA_OUT_GB))} more, with any of them.`);
}

function kinesis(gb: number): { total: number; kept: number } {
  const standard = gb * (PRICES.kinesisGbIn + PRICES.kinesisGbOut) + MONTH_HOURS * PRICES.kinesisStreamHour;
  const leastGb = (PRICES.kinesisAdvantageLeastBytesPerSecond * MONTH_SECONDS) / 1e9;
  const advantage = Math.max(gb, leastGb) * (PRICES.kinesisAdvantageGbIn + PRICES.kinesisAdvantageGbOut);
  return standard < advantage
    ? { total: standard, kept: gb * PRICES.kinesisGbMonth }
    : { total: advantage, kept: gb * PRICES.kinesisAdvantageGbMonth };
}

function mskServerless(gb: number, partitions: number): { total: number; kept: number } {
  const hour = PRICES.mskServerlessClusterHour + partitions * PRICES.mskServerlessPartitionHour;
  const flow = gb * (PRICES.mskServerlessGbIn + PRICES.mskServerlessGbOut);
  return { total: flow + MONTH_HOURS * hour, kept: gb * PRICES.mskServerlessGbMonth };
}

function byConsumer(): void {
  const rows = [["one idle partition, watched for a month", ...SERVICES, "all"]];
  const watch = (what: string, everySeconds: number, usage: Usage) => {
    const parts = bill(times(usage, MONTH_SECONDS / everySeconds));
    rows.push([what, ...[...parts, sum(parts)].map(cents)]);
  };
  watch("waiting: timeout_ms=25000", 25, emptyFetchUsage(25));
  watch("asking every second", 1, emptyFetchUsage());
  watch("asking every 5 seconds", POLL_SECONDS, emptyFetchUsage());
  table("Dollars for a consumer to which nothing comes", rows);
}

if (import.meta.main) await run();
