import { type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { startDynoxide } from "../local/dynoxide.ts";
import { Link } from "../local/link.ts";
import { LOG_TABLE } from "../local/stores.ts";
import { createTopic } from "../shared/broker/create-topic.ts";
import { openBroker } from "../shared/broker/open-broker.ts";
import { produceRecords } from "../shared/broker/produce-records.ts";
import { dynamoDbClient } from "../shared/storage/dynamodb/client.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { BENCH_TABLES, countedBroker } from "./counted-broker.ts";
import { type LocalRegions, REGIONS, startLocalRegions } from "./local-regions.ts";
import { quantile, table } from "./rounds.ts";

/**
 * What does acks=all with two followers in sync cost: how many writes in each region, and how long beside a bare conditional
 * put into the slowest region's table over a link with the same delay?
 */
const APPENDS = 400;
/** Milliseconds that what crosses to and from a region takes, each way; between two regions both count. */
const DELAYS_MS: Readonly<Record<string, number>> = { "us-east-1": 0, "us-west-2": 20, "eu-west-1": 60 };
const ROUNDS = Number(process.env["MILLRACE_ROUNDS"] || 40);
const WARM_UPS = 5;
const VALUE_BYTES = 1024;

export async function run(): Promise<void> {
  await writes();
  await latency();
}

/** In one process, so that each request to each region's store is seen. Nobody contends. */
async function writes(): Promise<void> {
  const stores = await Promise.all(REGIONS.map(() => startDynoxide(undefined)));
  const counted = stores.map(({ endpoint }) => countedBroker(endpoint));
  const [first] = counted;
  for (const { client } of counted) await createTables(client, BENCH_TABLES);
  const replicas = new Map(
    counted.map(({ broker: { logStore, segmentStore } }, index) => [index + 1, { logStore, segmentStore }]),
  );
  const broker = openBroker({ ...first!.broker, replicas, brokerId: 1, regions: REGIONS });
  await createTopic(broker, { name: "t", partitionCount: 1 });
  const append = async () => {
    const record = { partition: 0, key: null, value: Buffer.alloc(VALUE_BYTES, "v"), headers: [] };
    const produced = await produceRecords(broker, { topic: "t", records: [record], acks: -1, timeoutMs: 20_000 });
    if (!produced.ok || !produced.value.results[0]?.ok) throw new Error("an append was refused");
  };
  await append();
  for (const { requests } of counted) requests.clear();
  for (let index = 0; index < APPENDS; index++) await append();
  const isWrite = (name: string) => /^(Put|Update|Delete|BatchWrite|TransactWrite)/.test(name);
  const rows = counted.map(({ requests }, index) => {
    const sum = (is: (name: string) => boolean) =>
      [...requests].reduce((total, [name, count]) => total + (is(name) ? count : 0), 0);
    const items = sum((name) => name === `PutItemCommand ${BENCH_TABLES.log}`);
    const others = sum((name) => isWrite(name)) - items;
    return [`${REGIONS[index]}${index === 0 ? ", leads" : ""}`, items / APPENDS, others, sum((name) => !isWrite(name))];
  });
  table(`Requests of ${APPENDS} appends with acks=all to three regions (a checkpoint is a put every 200 items)`, [
    ["region", "puts / append", "other writes", "reads"],
    ...rows.map(([region, puts, others, reads]) => [region!, (puts as number).toFixed(3), others!, reads!]),
  ]);
  for (const { client } of counted) client.destroy();
  await Promise.all(stores.map((store) => store.stop()));
}

/** The local service as it runs, every pair of a leader's region and one whose endpoint takes the request. */
async function latency(): Promise<void> {
  const regions = await startLocalRegions();
  const bare = new BarePuts();
  try {
    await regions.v3(REGIONS[0], "/topics", { topic_name: "t", partitions_count: REGIONS.length });
    const rows: string[][] = [];
    for (const [region, ms] of Object.entries(DELAYS_MS)) {
      const { body } = await regions.call(region, `/local/regions/${region}/slow?ms=${ms}`, {});
      await bare.open(region, body.dynamodb_url);
    }
    for (const from of REGIONS) {
      for (const [partition, leader] of REGIONS.entries())
        rows.push(await compare(regions, bare, from, partition, leader));
    }
    table(
      `acks=all beside a bare put into the slowest region's table from the same region, in turns, ${ROUNDS} rounds`,
      [
        ["request in", "leader in", "slowest", "bare p50 ms", "acks=all p50 ms", "p90 ms", "ratio", "by the delays"],
        ...rows,
      ],
    );
  } finally {
    await bare.close();
    await regions.stop();
  }
}

/** There and back again between two regions. */
const roundTripMs = (from: string, to: string) => (from === to ? 0 : 2 * (DELAYS_MS[from]! + DELAYS_MS[to]!));

async function compare(
  regions: LocalRegions,
  bare: BarePuts,
  from: string,
  partition: number,
  leader: string,
): Promise<string[]> {
  const slowest = [...REGIONS].sort((one, other) => roundTripMs(from, other) - roundTripMs(from, one))[0]!;
  const record = { value: { type: "STRING", data: "v".repeat(VALUE_BYTES) } };
  const times: Record<"bare" | "all", number[]> = { bare: [], all: [] };
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    const start = performance.now();
    await bare.put(slowest, roundTripMs(from, slowest) / 2);
    const middle = performance.now();
    const { status, body } = await regions.v3(from, `/topics/t/partitions/${partition}/records?acks=all`, record);
    if (status !== 200) throw new Error(`a produce in ${from}: ${status} ${JSON.stringify(body)}`);
    if (round < 0) continue;
    times.bare.push(middle - start);
    times.all.push(performance.now() - middle);
  }
  const [put, all] = [quantile(times.bare, 0.5), quantile(times.all, 0.5)];
  // The leader's put, and then the slowest follower's: from where the request came in.
  const followers = REGIONS.filter((region) => region !== leader).map((region) => roundTripMs(from, region));
  const byDelays = (roundTripMs(from, leader) + Math.max(...followers)) / roundTripMs(from, slowest);
  const ms = [put, all, quantile(times.all, 0.9)].map((time) => time.toFixed(1));
  return [from, leader, slowest, ...ms, `${(all / put).toFixed(2)}x`, `${byDelays.toFixed(2)}x`];
}

/** Conditional puts into the regions' log tables, over links like those between regions. */
class BarePuts {
  readonly #opened = new Map<string, { client: DynamoDBClient; link: Link }>();
  #delayMs = 0;
  #count = 0;

  async open(region: string, storeUrl: string): Promise<void> {
    const link = new Link(() => ({ port: Number(new URL(storeUrl).port), isCut: false, delayMs: this.#delayMs }));
    const endpoint = await link.listen();
    const client = dynamoDbClient({ endpoint, region, credentials: { accessKeyId: "x", secretAccessKey: "x" } });
    this.#opened.set(region, { client, link });
  }

  async put(region: string, delayMs: number): Promise<void> {
    this.#delayMs = delayMs;
    await this.#opened.get(region)!.client.send(
      new PutItemCommand({
        TableName: LOG_TABLE,
        Item: {
          tp: { S: "bare#0" },
          baseOffset: { N: String(this.#count++) },
          batches: { B: Buffer.alloc(VALUE_BYTES, "v") },
        },
        ConditionExpression: "attribute_not_exists(tp)",
      }),
    );
  }

  async close(): Promise<void> {
    for (const { client, link } of this.#opened.values()) {
      client.destroy();
      link.close();
    }
  }
}

if (import.meta.main) await run();
