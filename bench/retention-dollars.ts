import { bill, fetchUsage, GIB, ITEM_OVERHEAD, KIB, MIB, times } from "./bill.ts";
import { PRICES } from "./prices.ts";
import { table } from "./rounds.ts";

/**
 * What does it cost to keep a GiB for a month, to bring it into S3, and to read it from there, beside Kafka with tiered storage
 * on EBS and S3, and beside Kinesis? Requests as bench/cold-read.ts counts them; list prices; instances are left out.
 */
const GB = GIB / 1e9;
/** Of reading in order, indexes included: one process; and ten in turns, by answers of batches alone, of JSON, and of a MiB. */
const GETS_PER_MIB = { stays: 0.16, raw: 0.41, json: 0.5, small: 1.17 };
/** Of an upload: shared/log/segment/segment-parts.ts. */
const PART_BYTES = 8 * MIB;
/** Beside a segment stand its indexes: for batches of 4 KiB and more a fifth of a percent, for the smallest one half. */
const INDEX_SHARE = 0.005;
/** Answers that bring what they may. */
const RAW_ANSWER_BYTES = 4.25 * MIB;
const JSON_ANSWER_BYTES = 3 * MIB;
/** Of Lambda, one GB: a GiB is read and written in some 30 s. */
const TIERING_SECONDS = 30;
/** DynamoDB and its backups: what is inline. */
const HOT_GB_MONTH = PRICES.dynamoDbGbMonth + PRICES.dynamoDbRecoveryGbMonth;
const KAFKA_REPLICAS = 3;
/** EBS is paid for as it was made, not as it fills. */
const EBS_FILLED = 0.6;
/** What Aiven's plugin for S3 uploads at a time unless told, and fetches as its documentation has it: github.com/Aiven-Open/tiered-storage-for-apache-kafka */
const KAFKA_PART_BYTES = 25 * MIB;
const KAFKA_CHUNK_BYTES = 4 * MIB;

const cents = (value: number) => `$${value.toFixed(value < 0.01 ? 5 : 4)}`;
const sum = (parts: readonly number[]) => parts.reduce((total, part) => total + part, 0);

export async function run(): Promise<void> {
  kept();
  tiered();
  read();
}

function kept(): void {
  const ours = GB * PRICES.s3GbMonth * (1 + INDEX_SHARE);
  table("Dollars to keep a GiB for a month", [
    ["", "cold", "hot, before"],
    ["Millrace, one region", cents(ours), `inline ${cents(GB * HOT_GB_MONTH)}, in S3 ${cents(GB * PRICES.s3GbMonth)}`],
    ["Millrace, three regions", cents(3 * ours), "three times as much"],
    [
      "Kafka, tiered storage",
      cents(GB * PRICES.s3GbMonth),
      `${KAFKA_REPLICAS} x gp3 filled to ${EBS_FILLED * 100}%: ${cents((GB * KAFKA_REPLICAS * PRICES.ebsGbMonth) / EBS_FILLED)}`,
    ],
    [
      "Kinesis on demand",
      cents(GB * PRICES.kinesisLongTermGbMonth),
      `second to seventh day at ${cents(GB * PRICES.kinesisGbMonth)}`,
    ],
  ]);
}

function tiered(): void {
  const upload = (GIB / PART_BYTES) * PRICES.s3Put + 6 * PRICES.dynamoDbWriteUnit;
  const lambda = TIERING_SECONDS * PRICES.lambdaGbSecond;
  const rows = [["items", "to read them", "to write the segment", "Lambda", "all", "for two more regions"]];
  for (const [what, bytes, isInline] of [
    ["1 KiB inline", KIB, true],
    ["16 KiB inline", 16 * KIB, true],
    ["64 KiB in S3", 64 * KIB, false],
    ["1 MiB in S3", MIB, false],
  ] as const) {
    const items = GIB / bytes;
    const units = (items * ITEM_OVERHEAD + (isInline ? GIB : 0)) / (4 * KIB);
    const reading = units * PRICES.dynamoDbReadUnit + (isInline ? 0 : items * PRICES.s3Get);
    const further = 2 * (upload + GB * PRICES.betweenRegionsGb);
    rows.push([what, ...[reading, upload, lambda, reading + upload + lambda, further].map(cents)]);
  }
  table("Dollars to bring a GiB into a segment, once", rows);
  const kafka = (GIB / KAFKA_PART_BYTES) * PRICES.s3Put;
  console.log(
    `  Kafka: ${cents(kafka)} of PUTs by parts of ${KAFKA_PART_BYTES / MIB} MiB; it has the records on its disks, for which ` +
      `${KAFKA_REPLICAS - 1} copies went between zones: ${cents(GB * (KAFKA_REPLICAS - 1) * PRICES.betweenZonesGb)}. Kinesis: nothing.`,
  );
}

function read(): void {
  const gets = (perMib: number) => (GIB / MIB) * perMib * PRICES.s3Get;
  const face = (bytes: number) => {
    const parts = bill(times(fetchUsage(bytes, bytes, 0), GIB / bytes));
    // S3 is counted by itself.
    return sum(parts) - parts[3];
  };
  const row = (what: string, s3: number, rest: number) => [what, cents(s3), cents(rest), cents(s3 + rest)];
  const kafkaGets = (GIB / KAFKA_CHUNK_BYTES) * PRICES.s3Get;
  const crossing = (GB * PRICES.betweenZonesGb * (KAFKA_REPLICAS - 1)) / KAFKA_REPLICAS;
  table("Dollars to read a GiB that is cold, in order, within the region", [
    ["", "S3", "API Gateway, Lambda, DynamoDB, logs; or the way", "all"],
    row("Millrace, a process that stays", gets(GETS_PER_MIB.stays), 0),
    row("Millrace over HTTP, answers of 4.25 MiB, batches", gets(GETS_PER_MIB.raw), face(RAW_ANSWER_BYTES)),
    row("Millrace over HTTP, answers of 3 MiB, JSON", gets(GETS_PER_MIB.json), face(JSON_ANSWER_BYTES)),
    row("Millrace over HTTP, answers of 1 MiB", gets(GETS_PER_MIB.small), face(MIB)),
    row("Kafka, two consumers of three in another zone", kafkaGets, crossing),
    row("Kinesis on demand", 0, GB * PRICES.kinesisGbOut),
  ]);
}

if (import.meta.main) await run();
