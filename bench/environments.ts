import { startDynoxide } from "../local/dynoxide.ts";
import { createTopic } from "../shared/broker/create-topic.ts";
import { produceRecords } from "../shared/broker/produce-records.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { BENCH_TABLES, type Counted, countedBroker } from "./counted-broker.ts";
import { itemBytes, writeUnits } from "./item-size.ts";
import { table } from "./rounds.ts";

/**
 * What does an append cost on Lambda, where a request reaches any environment, and each has a view of the log that others
 * have left behind? Every environment knows every partition before anything is counted; then requests of 16 KiB go one at
 * a time to an idle environment drawn by lot, so many of them in flight. Lost puts are billed by the size of the item they
 * met: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
 */
const SHAPES = [
  { environments: 2, inFlight: 1, partitions: 8 },
  { environments: 4, inFlight: 2, partitions: 8 },
  { environments: 32, inFlight: 16, partitions: 64 },
];
const VALUE_BYTES = 16 * 1024 - 200;
const readUnits = (bytes: number) => Math.max(1, Math.ceil(bytes / 4096));
const INLINE = { "inline, the default": "32768", "objects, inline.max.bytes 8 KiB": "8192" };

export async function run(): Promise<void> {
  const rows: (string | number)[][] = [
    ["records", "batches", "environments", "partitions", "puts / append", "write units", "reads", "read units"],
  ];
  for (const [batches, inlineMaxBytes] of Object.entries(INLINE)) {
    for (const hasKeys of [true, false]) {
      for (const shape of SHAPES) {
        const { appends, puts, reads, written, read } = await measure(shape, inlineMaxBytes, hasKeys);
        const per = (count: number) => (count / appends).toFixed(2);
        const { environments, partitions } = shape;
        const what = [hasKeys ? "keyed" : "without keys", batches, environments, partitions];
        rows.push([...what, per(puts), per(written), per(reads), per(read)]);
      }
    }
  }
  table("DynamoDB per acknowledged append of 16 KiB, spread over Lambda environments", rows);
}

async function measure({ environments, inFlight, partitions }: (typeof SHAPES)[0], inline: string, hasKeys: boolean) {
  const dynoxide = await startDynoxide(undefined);
  const all = Array.from({ length: environments }, () => countedBroker(dynoxide.endpoint));
  const count = { appends: 0, puts: 0, reads: 0, written: 0, read: 0 };
  for (const { client } of all) countUnits(client, count);
  await createTables(all[0]!.client, BENCH_TABLES);
  const configs = { "millrace.inline.max.bytes": inline };
  await createTopic(all[0]!.broker, { name: "t", partitionCount: partitions, configs });
  const append = async ({ broker }: Counted, key: string | null, partition?: number) => {
    const value = Buffer.alloc(VALUE_BYTES, "v");
    const record = { key: key === null ? null : Buffer.from(key), value, headers: [] };
    const records = [partition === undefined ? record : { ...record, partition }];
    const produced = await produceRecords(broker, { topic: "t", records, acks: -1, timeoutMs: 20_000 });
    if (!produced.ok || !produced.value.results[0]?.ok) throw new Error("an append was refused");
    count.appends++;
  };
  const idle = [...all];
  const spread = async (appends: number) => {
    const requests = async () => {
      for (let index = 0; index < appends / inFlight; index++) {
        const [environment] = idle.splice(Math.floor(Math.random() * idle.length), 1);
        await append(environment!, hasKeys ? String(Math.random()) : null);
        idle.push(environment!);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, requests));
  };
  for (const environment of all) {
    await Promise.all(Array.from({ length: partitions }, (_, partition) => append(environment, "k", partition)));
  }
  const appends = Math.max(640, environments * partitions);
  await spread(appends / 2);
  Object.assign(count, { appends: 0, puts: 0, reads: 0, written: 0, read: 0 });
  await spread(appends);
  for (const { client } of all) client.destroy();
  await dynoxide.stop();
  return count;
}

type Items = readonly Parameters<typeof itemBytes>[0][];

function countUnits(client: Counted["client"], count: { puts: number; reads: number; written: number; read: number }) {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const { TableName, Item } = args.input as { TableName?: string; Item?: Items[0] };
        if (TableName !== BENCH_TABLES.log) return next(args);
        try {
          const answer = await next(args);
          const { Items = [] } = answer.output as { Items?: Items };
          if (commandName === "PutItemCommand") count.written += writeUnits(itemBytes(Item!));
          else count.read += readUnits(Items.reduce((bytes, item) => bytes + itemBytes(item), 0));
          return answer;
        } catch (error) {
          const { Item: winner } = error as { Item?: Items[0] };
          if (winner !== undefined) count.written += writeUnits(itemBytes(winner));
          throw error;
        } finally {
          if (commandName === "PutItemCommand") count.puts++;
          else count.reads++;
        }
      },
    { step: "initialize", name: "units" },
  );
}

if (import.meta.main) await run();
