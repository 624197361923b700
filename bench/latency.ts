import { PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { APIGatewayProxyEvent } from "aws-lambda";
import { startDynoxide } from "../local/dynoxide.ts";
import { createTopic } from "../shared/broker/create-topic.ts";
import { describeCluster } from "../shared/broker/describe-cluster.ts";
import { fetch } from "../shared/broker/fetch.ts";
import { produceBatches } from "../shared/broker/produce-batches.ts";
import { originOfEvent, requestFromEvent, resultFromResponse } from "../shared/http/apigateway-event.ts";
import { dispatch, routesById } from "../shared/http/dispatch.ts";
import { PRODUCE_ROUTES } from "../shared/http/produce-routes.ts";
import { encodeBatch } from "../shared/record/encode-batch.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { BENCH_TABLES, countedBroker } from "./counted-broker.ts";
import { inTurns, quantile, table } from "./rounds.ts";

/** What does a produce through the handler cost beside a bare conditional put of the same bytes, a fetch beside a bare query? */
const PUTS = 1_500;
const LOG_BYTES = 16 * 1024 * 1024;
const ROUTES = routesById(PRODUCE_ROUTES);

export async function run(): Promise<void> {
  const dynoxide = await startDynoxide(undefined);
  const counted = countedBroker(dynoxide.endpoint);
  await createTables(counted.client, BENCH_TABLES);
  for (const name of ["produce", "fetch"]) await createTopic(counted.broker, { name });
  await produce(counted);
  await fetchAll(counted);
  counted.client.destroy();
  await dynoxide.stop();
}

async function produce({ broker, client }: ReturnType<typeof countedBroker>): Promise<void> {
  const { clusterId } = await describeCluster(broker);
  const rows: (string | number)[][] = [["record", "bare put p50 ms", "handler p50 ms", "ratio", "handler p99 ms"]];
  for (const size of [100, 1024, 16 * 1024]) {
    const value = "v".repeat(size);
    const body = JSON.stringify({
      partition_id: 0,
      key: { type: "STRING", data: "key" },
      value: { type: "STRING", data: value },
    });
    const event = {
      httpMethod: "POST",
      path: `/v3/clusters/${clusterId}/topics/produce/records`,
      headers: { "content-type": "application/json", host: "localhost" },
      multiValueQueryStringParameters: null,
      body,
      isBase64Encoded: false,
      requestContext: {},
    } as unknown as APIGatewayProxyEvent;
    const batches = encodeBatch([
      { key: Buffer.from("key"), value: Buffer.from(value), headers: [], timestamp: Date.now() },
    ]);
    const times: Record<"bare" | "handler", number[]> = { bare: [], handler: [] };
    for (let index = -100; index < PUTS; index++) {
      const start = performance.now();
      await client.send(
        new PutItemCommand({
          TableName: BENCH_TABLES.log,
          Item: { tp: { S: `bare-${size}#0` }, baseOffset: { N: String(index + 100) }, batches: { B: batches } },
          ConditionExpression: "attribute_not_exists(tp)",
        }),
      );
      const middle = performance.now();
      const result = resultFromResponse(await dispatch(broker, ROUTES, requestFromEvent(event), originOfEvent(event)));
      if (result.statusCode !== 200) throw new Error(result.body);
      if (index < 0) continue;
      times.bare.push(middle - start);
      times.handler.push(performance.now() - middle);
    }
    const [bare, handler] = [quantile(times.bare, 0.5), quantile(times.handler, 0.5)];
    rows.push([
      `${size} B`,
      bare.toFixed(2),
      handler.toFixed(2),
      `${(handler / bare).toFixed(2)}x`,
      quantile(times.handler, 0.99).toFixed(2),
    ]);
  }
  table("Produce of one JSON record through the handler, beside a bare conditional put, in turns", rows);
}

async function fetchAll({ broker, client }: ReturnType<typeof countedBroker>): Promise<void> {
  const topic = await broker.topics.get("fetch");
  const tp = `${topic!.item.topicId}#0`;
  const value = Buffer.alloc(1024, "v");
  const batches = encodeBatch(
    Array.from({ length: 24 }, () => ({ key: null, value, headers: [], timestamp: Date.now() })),
  );
  const count = Math.ceil(LOG_BYTES / batches.length);
  for (let index = 0; index < count; index++) {
    await produceBatches(broker, { topic: "fetch", partition: 0, batches, acks: -1, timeoutMs: 5_000 });
  }
  const times = await inTurns(
    {
      bare: async () => {
        let startKey: Record<string, { S: string } | { N: string }> | undefined;
        do {
          const page = await client.send(
            new QueryCommand({
              TableName: BENCH_TABLES.log,
              KeyConditionExpression: "tp = :tp",
              ExpressionAttributeValues: { ":tp": { S: tp } },
              ConsistentRead: true,
              ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey as never }),
            }),
          );
          startKey = page.LastEvaluatedKey as typeof startKey;
        } while (startKey !== undefined);
      },
      fetch: async () => {
        for (let offset = 0; ; ) {
          const fetched = await fetch(broker, {
            topic: "fetch",
            partition: 0,
            offset,
            maxBytes: 1 << 20,
            minBytes: 1,
            maxWaitMs: 0,
          });
          if (!fetched.ok) throw new Error(fetched.refusal.message);
          offset = fetched.value.nextOffset;
          if (offset === fetched.value.highWatermark) return;
        }
      },
    },
    15,
  );
  const rate = (ms: number) => `${Math.round((count * batches.length) / 1e6 / (ms / 1000))} MB/s`;
  const ratio = times["bare"]! / times["fetch"]!;
  table("Fetch of a whole log, beside a bare query of it, in turns", [
    ["bare query", "fetch", "ratio"],
    [rate(times["bare"]!), rate(times["fetch"]!), `${ratio.toFixed(2)}x`],
  ]);
}

if (import.meta.main) await run();
