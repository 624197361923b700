import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startDynoxide } from "../local/dynoxide.ts";
import { createTopic } from "../shared/broker/create-topic.ts";
import { produceRecords } from "../shared/broker/produce-records.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { BENCH_TABLES, countedBroker } from "./counted-broker.ts";
import { table } from "./rounds.ts";

/** How many DynamoDB requests does an append cost, with how many writers in how many processes on one partition? */
const SHAPES = [
  { processes: 1, writers: 1 },
  { processes: 1, writers: 16 },
  { processes: 4, writers: 1 },
  { processes: 4, writers: 4 },
  { processes: 4, writers: 16 },
  { processes: 16, writers: 1 },
];
const APPENDS = 960;

interface Count {
  readonly acknowledged: number;
  readonly failed: number;
  readonly puts: number;
  readonly reads: number;
}

export async function run(): Promise<void> {
  const rows: (string | number)[][] = [
    ["processes x writers", "acknowledged", "failed", "puts / append", "reads / append", "requests / append"],
  ];
  for (const { processes, writers } of SHAPES) {
    const dynoxide = await startDynoxide(undefined);
    const { client, broker } = countedBroker(dynoxide.endpoint);
    await createTables(client, BENCH_TABLES);
    await createTopic(broker, { name: "t" });
    const each = Math.ceil(APPENDS / processes / writers);
    const children = await Promise.all(
      Array.from({ length: processes }, () => startChild(dynoxide.endpoint, writers, each)),
    );
    // Only when all are up does any begin: they must meet.
    const counts = await Promise.all(children.map((begin) => begin()));
    const sum = (of: (count: Count) => number) => counts.reduce((total, count) => total + of(count), 0);
    const acknowledged = sum((count) => count.acknowledged);
    const [puts, reads] = [sum((count) => count.puts), sum((count) => count.reads)];
    const per = (count: number) => (count / acknowledged).toFixed(2);
    rows.push([
      `${processes} x ${writers}`,
      acknowledged,
      sum((count) => count.failed),
      per(puts),
      per(reads),
      per(puts + reads),
    ]);
    client.destroy();
    await dynoxide.stop();
  }
  table("DynamoDB requests per acknowledged append of a keyed 1 KiB record, one partition", rows);
}

/** Starts a process of writers; the answer, called, has it begin and answers what it counted. */
function startChild(endpoint: string, writers: number, appends: number): Promise<() => Promise<Count>> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [endpoint, String(writers), String(appends)]);
    child.once("exit", (code) => code !== 0 && reject(new Error(`a writer ended with ${code}`)));
    child.once("message", () =>
      resolve(
        () =>
          new Promise((counted) => {
            child.once("message", (count) => counted(count as Count));
            child.send("begin");
          }),
      ),
    );
  });
}

async function write(endpoint: string, writers: number, appends: number): Promise<Count> {
  const { broker, client, requests } = countedBroker(endpoint);
  let [acknowledged, failed] = [0, 0];
  const record = { partition: 0, key: Buffer.from("key"), value: Buffer.alloc(1024, "v"), headers: [] };
  await broker.topics.get("t");
  const begun = new Promise((resolve) => process.once("message", resolve));
  process.send?.("ready");
  await begun;
  const writer = async () => {
    for (let index = 0; index < appends; index++) {
      const produced = await produceRecords(broker, { topic: "t", records: [record], acks: -1, timeoutMs: 20_000 });
      if (produced.ok && produced.value.results[0]?.ok) acknowledged++;
      else failed++;
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  client.destroy();
  const count = (operation: string) => requests.get(`${operation} ${BENCH_TABLES.log}`) ?? 0;
  return {
    acknowledged,
    failed,
    puts: count("PutItemCommand"),
    reads: count("QueryCommand") + count("GetItemCommand"),
  };
}

const [endpoint, writers, appends] = process.argv.slice(2);
if (process.send !== undefined && endpoint !== undefined) {
  process.send(await write(endpoint, Number(writers), Number(appends)));
  process.disconnect();
} else if (import.meta.main) await run();
