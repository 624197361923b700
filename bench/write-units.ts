import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { startDynoxide } from "../local/dynoxide.ts";
import { createTopic } from "../shared/broker/create-topic.ts";
import { produceBatches } from "../shared/broker/produce-batches.ts";
import { encodeBatch } from "../shared/record/encode-batch.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { BENCH_TABLES, countedBroker } from "./counted-broker.ts";
import { itemBytes, writeUnits } from "./item-size.ts";
import { table } from "./rounds.ts";

/** How many write units does a KiB cost, beside the least that DynamoDB could ask for the same bytes under the same key? */
const BATCH_KIB = [1, 8, 32];

export async function run(): Promise<void> {
  const rows: (string | number)[][] = [
    ["batch", "item bytes", "beside the batch", "write units", "floor", "units / KiB"],
  ];
  for (const { kib, bytes, overhead, units, floor } of await measure()) {
    rows.push([`${kib} KiB`, bytes, overhead, units, floor, (units / kib).toFixed(3)]);
  }
  table("Write units of one append, its batch inline (floor: the batch under its keys alone)", rows);
}

export async function measure() {
  const dynoxide = await startDynoxide(undefined);
  const { client, broker } = countedBroker(dynoxide.endpoint);
  const items: Record<string, AttributeValue>[] = [];
  client.middlewareStack.add(
    (next, context) => (args) => {
      const input = args.input as { TableName?: string; Item?: Record<string, AttributeValue> };
      if (context.commandName === "PutItemCommand" && input.TableName === BENCH_TABLES.log)
        items.push(input.Item ?? {});
      return next(args);
    },
    { step: "initialize", name: "items" },
  );
  await createTables(client, BENCH_TABLES);
  await createTopic(broker, { name: "t", configs: { "millrace.inline.max.bytes": "65536" } });
  for (const kib of BATCH_KIB) {
    const batches = batchOf(kib * 1024);
    await produceBatches(broker, { topic: "t", partition: 0, batches, acks: -1, timeoutMs: 5_000 });
  }
  client.destroy();
  await dynoxide.stop();
  return BATCH_KIB.map((kib, index) => {
    const item = items[index]!;
    const { tp, baseOffset, batches } = item;
    const bytes = itemBytes(item);
    const floor = writeUnits(itemBytes({ tp: tp!, baseOffset: baseOffset! }) + batches!.B!.length);
    return { kib, bytes, overhead: bytes - batches!.B!.length, units: writeUnits(bytes), floor };
  });
}

/** A RecordBatch of just so many bytes. */
function batchOf(bytes: number): Uint8Array {
  const encode = (length: number) =>
    encodeBatch([{ key: null, value: Buffer.alloc(length, "v"), headers: [], timestamp: 1_700_000_000_000 }]);
  return encode(bytes - (encode(bytes).length - bytes));
}

if (import.meta.main) await run();
