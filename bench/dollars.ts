import { writeUnits } from "./item-size.ts";
import { PRICES } from "./prices.ts";
import { table } from "./rounds.ts";

/**
 * What does a GiB cost, written and read once, by the size of the batches it comes in? Counted from requests and list
 * prices; Lambda by 128 MiB for 10 ms, which is an assumption. What bills by the hour is left out and printed below.
 */
const GIB = 2 ** 30;
const INLINE_MAX_BYTES = 32 * 1024;
/** Bytes of an inline item beside its batches, as bench/write-units.ts counts them. */
const ITEM_OVERHEAD = 200;
const LAMBDA = PRICES.lambdaRequest + 0.125 * 0.01 * PRICES.lambdaGbSecond;
const SIZES = [1024, 64 * 1024, 1024 * 1024];

export async function run(): Promise<void> {
  const dollars = (value: number) => `$${value.toFixed(2)}`;
  const rows = [
    [
      "batch",
      "Millrace log",
      "+ Lambda, API Gateway",
      "DynamoDB only",
      "read once",
      "Kinesis in + out",
      "MSK Serverless in + out",
    ],
  ];
  for (const bytes of SIZES) {
    const batches = GIB / bytes;
    const isInline = bytes <= INLINE_MAX_BYTES;
    const append = isInline
      ? writeUnits(bytes + ITEM_OVERHEAD) * PRICES.dynamoDbWriteUnit
      : PRICES.s3Put + writeUnits(ITEM_OVERHEAD) * PRICES.dynamoDbWriteUnit;
    // Items end at 400 KB: a larger batch takes several.
    const onlyDynamoDb = Math.ceil(bytes / (390 * 1024)) * ITEM_OVERHEAD + bytes;
    // A strongly consistent read unit is 4 KiB of a page; an object is one request.
    const read = isInline
      ? ((bytes + ITEM_OVERHEAD) / 4096) * PRICES.dynamoDbReadUnit
      : PRICES.s3Get + PRICES.dynamoDbReadUnit;
    rows.push([
      `${bytes / 1024} KiB`,
      dollars(batches * append),
      dollars(batches * (append + LAMBDA + PRICES.apiGatewayRequest)),
      dollars(batches * writeUnits(onlyDynamoDb) * PRICES.dynamoDbWriteUnit),
      dollars(batches * read),
      dollars((GIB / 1e9) * (PRICES.kinesisGbIn + PRICES.kinesisGbOut)),
      dollars((GIB / 1e9) * (PRICES.mskServerlessGbIn + PRICES.mskServerlessGbOut)),
    ]);
  }
  table("Dollars per GiB at list price (bench/prices.ts)", rows);
  const month = 730;
  console.log(
    `  By the month, idle: Millrace $0.00; a Kinesis stream ${dollars(month * PRICES.kinesisStreamHour)}; ` +
      `MSK Serverless with 10 partitions ${dollars(month * (PRICES.mskServerlessClusterHour + 10 * PRICES.mskServerlessPartitionHour))}`,
  );
}

if (import.meta.main) await run();
