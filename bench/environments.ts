import { startDynoxide } from "../local/dynoxide.ts";
import { createTopic } from "../shared/broker/create-topic.ts";
import { openBroker } from "../shared/broker/open-broker.ts";
import { produceRecords } from "../shared/broker/produce-records.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { BENCH_TABLES, type Counted, countedBroker } from "./counted-broker.ts";
import { itemBytes, writeUnits } from "./item-size.ts";
import { table } from "./rounds.ts";

/**
 * What does an append cost on Lambda, where a request reaches any environment, and each has a view of the log that others
 * have left behind? Before anything is counted every environment has lost a slot of every partition; then requests go one at
 * a time to an idle environment drawn by lot, so many of them in flight. Views grow old and contention passes by a clock that
 * goes on with the appends, so many a second, however fast the machine is. Lost puts are billed by the size of the item they
 * met: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
 */
const SHAPES = [
  { rate: 10, environments: 2, inFlight: 1, partitions: 8 },
  { rate: 100, environments: 10, inFlight: 5, partitions: 8 },
  { rate: 1000, environments: 32, inFlight: 16, partitions: 64 },
];
/** One above CONTENDED_INLINE_MAX_BYTES, and one that stays inline. */
const BATCH_KIB = [16, 4];
const NOTHING = { appends: 0, puts: 0, reads: 0, written: 0, read: 0, objects: 0 };
const readUnits = (bytes: number) => Math.max(1, Math.ceil(bytes / 4096));

export async function run(): Promise<void> {
  const rows: (string | number)[][] = [
    [
      ...["records", "batch", "a second", "environments", "partitions", "puts / append", "write units"],
      ...["reads", "read units", "objects"],
    ],
  ];
  for (const kib of BATCH_KIB) {
    for (const hasKeys of [true, false]) {
      for (const shape of SHAPES) {
        const { appends, puts, reads, written, read, objects } = await measure(shape, kib * 1024 - 200, hasKeys);
        const per = (count: number) => (count / appends).toFixed(2);
        const { rate, environments, partitions } = shape;
        const what = [hasKeys ? "keyed" : "without keys", `${kib} KiB`, rate, environments, partitions];
        rows.push([...what, per(puts), per(written), per(reads), per(read), per(objects)]);
      }
    }
  }
  table("DynamoDB and S3 per acknowledged append, spread over Lambda environments", rows);
}

async function measure(
  { rate, environments, inFlight, partitions }: (typeof SHAPES)[0],
  valueBytes: number,
  hasKeys: boolean,
) {
  const dynoxide = await startDynoxide(undefined);
  let now = Date.now();
  const clock = { ...systemClock, now: () => now };
  const all = Array.from({ length: environments }, () => {
    const counted = countedBroker(dynoxide.endpoint);
    return { ...counted, broker: openBroker({ ...counted.broker, clock }) };
  });
  const count = { ...NOTHING };
  for (const each of all) {
    countUnits(each.client, count);
    countObjects(each.segmentStore, count);
  }
  await createTables(all[0]!.client, BENCH_TABLES);
  await createTopic(all[0]!.broker, { name: "t", partitionCount: partitions });
  const append = async ({ broker }: Counted, key: string | null, partition?: number) => {
    const value = Buffer.alloc(valueBytes, "v");
    const record = { key: key === null ? null : Buffer.from(key), value, headers: [] };
    const records = [partition === undefined ? record : { ...record, partition }];
    const produced = await produceRecords(broker, { topic: "t", records, acks: -1, timeoutMs: 20_000 });
    if (!produced.ok || !produced.value.results[0]?.ok) throw new Error("an append was refused");
    count.appends++;
    now += 1000 / rate;
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
  // In the first round each learns of every partition; in the second each finds that the others have appended since.
  for (const environment of [...all, ...all]) {
    await Promise.all(Array.from({ length: partitions }, (_, partition) => append(environment, "k", partition)));
  }
  const appends = Math.max(640, environments * partitions);
  await spread(appends / 2);
  Object.assign(count, NOTHING);
  await spread(appends);
  for (const { client } of all) client.destroy();
  await dynoxide.stop();
  return count;
}

type Items = readonly Parameters<typeof itemBytes>[0][];

function countUnits(client: Counted["client"], count: typeof NOTHING): void {
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

function countObjects(store: Counted["segmentStore"], count: typeof NOTHING): void {
  const put = store.putObject.bind(store);
  store.putObject = (key, bytes) => {
    count.objects++;
    return put(key, bytes);
  };
}

if (import.meta.main) await run();
