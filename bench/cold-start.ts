import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { buildBundle } from "../infra/bundling/build-bundle.ts";
import { bytesOf } from "../infra/bundling/bundled-file.ts";
import { startDynoxide } from "../local/dynoxide.ts";
import { createTopic } from "../shared/broker/create-topic.ts";
import { describeCluster } from "../shared/broker/describe-cluster.ts";
import { createTables } from "../shared/storage/dynamodb/tables.ts";
import { lambdaEnvironment } from "./cold-start-handlers/lambda-environment.ts";
import { BENCH_TABLES, countedBroker } from "./counted-broker.ts";
import { inTurns, table } from "./rounds.ts";

/**
 * How long does a fresh process take to its first answer, beside an empty handler that imports the same DynamoDB client?
 *
 * `published` is that handler as esbuild bundles it by itself: one file, minified, the SDK as npm has it. Ours leave out of
 * the SDK what a function on Lambda never reaches (infra/bundling), so they stand beside three more that leave out the same,
 * and have all commands that ours send: `empty` asks nobody, as our answer to GET / does. `one GetItem` asks DynamoDB once:
 * the SDK's first request costs as much as two thirds of what was loaded before (its middleware runs for the first time,
 * node:http comes in, a socket is opened), and no function that answers from the store is without it; beside it stands GET
 * /health, which asks for the cluster twice. `a GetItem and a PutItem` writes too, as a produce must. Beside these stands the
 * produce of one record to a topic that is there: six requests, one behind the other, for the cluster, the topic, its
 * partitions, the log's checkpoint and its end, and the append. The coordinator describes a group with one member, and takes in the
 * first member of one, some twenty, five of them transactions.
 *
 * The store is the embedded one and answers within a millisecond: nearly all of it is this process's own time.
 */
const ROUNDS = 30;
const WARM_UPS = 5;
const ANSWER_WITHIN_MS = 20_000;
const HANDLERS = join(import.meta.dirname, "cold-start-handlers");
const ENTRIES = {
  empty: "bench/cold-start-handlers/empty.ts",
  getItem: "bench/cold-start-handlers/get-item.ts",
  getAndPutItem: "bench/cold-start-handlers/get-and-put-item.ts",
  produce: "lambdas/produce/handler.ts",
  fetch: "lambdas/fetch/handler.ts",
  coordinator: "lambdas/coordinator/handler.ts",
};
const PUBLISHED = "bench/cold-start-handlers/published.ts";

export async function run(): Promise<void> {
  const dynoxide = await startDynoxide(undefined);
  const { client, broker } = countedBroker(dynoxide.endpoint);
  const folder = mkdtempSync(join(tmpdir(), "millrace-cold-start-"));
  try {
    const tables = { ...BENCH_TABLES, group: "bench-group" };
    await createTables(client, tables);
    // One for each round, so that no log is longer than another.
    const topics = Array.from({ length: ROUNDS + WARM_UPS }, (_, index) => `t${index}`);
    for (const name of topics) await createTopic(broker, { name });
    let groups = 0;
    const { clusterId } = await describeCluster(broker);
    const bytes: Record<string, number> = {};
    for (const [name, entry] of Object.entries(ENTRIES)) bytes[name] = await writeBundle(entry, join(folder, name));
    bytes["published"] = await writePlainBundle(PUBLISHED, join(folder, "published"));
    const env = lambdaEnvironment(dynoxide.endpoint, tables);
    const answer = (name: keyof typeof ENTRIES | "published", event: object) => () =>
      firstAnswer(join(folder, name), event, env);
    const root = { httpMethod: "GET", path: "/", headers: {}, requestContext: {} };
    await answer("coordinator", joinEvent(clusterId, "described", "t0"))();
    const times = await inTurns(
      {
        published: answer("published", root),
        empty: answer("empty", root),
        root: answer("fetch", root),
        health: answer("fetch", { ...root, path: "/health" }),
        getItem: answer("getItem", root),
        getAndPutItem: answer("getAndPutItem", root),
        produce: () => answer("produce", produceEvent(clusterId, topics.pop()!))(),
        group: answer("coordinator", { ...root, path: `/v3/clusters/${clusterId}/consumer-groups/described` }),
        // A group of its own for each round, as above.
        heartbeat: () => answer("coordinator", joinEvent(clusterId, `g${groups++}`, "t0"))(),
      },
      ROUNDS,
      WARM_UPS,
    );
    const row = (title: string, name: keyof typeof times, bundle: string) => [
      title,
      (bytes[bundle]! / 1024).toFixed(0),
      times[name]!.toFixed(1),
      ...(["published", "empty", "getItem", "getAndPutItem"] as const).map(
        (other) => `${(times[name]! / times[other]!).toFixed(2)}x`,
      ),
    ];
    table("Fresh process to first answer, medians, in turns", [
      ["", "bundle KiB", "ms", "beside published", "beside empty", "beside GetItem", "beside Get and Put"],
      row("empty, the SDK as published", "published", "published"),
      row("empty, the SDK as in our bundles", "empty", "empty"),
      row("that, but for one GetItem", "getItem", "getItem"),
      row("that, but for a GetItem and a PutItem", "getAndPutItem", "getAndPutItem"),
      row("Millrace, GET /", "root", "fetch"),
      row("Millrace, GET /health", "health", "fetch"),
      row("Millrace, produce of one record", "produce", "produce"),
      row("Millrace, description of a group", "group", "coordinator"),
      row("Millrace, the first heartbeat of a group", "heartbeat", "coordinator"),
    ]);
  } finally {
    client.destroy();
    await dynoxide.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeBundle(entry: string, folder: string): Promise<number> {
  const files = await buildBundle(entry);
  mkdirSync(folder);
  for (const { name, contents } of files) writeFileSync(join(folder, name), contents);
  return bytesOf(files);
}

/** As esbuild does it unless told otherwise; ES modules with a `require`, which is its fastest form here. */
async function writePlainBundle(entry: string, folder: string): Promise<number> {
  const outfile = join(folder, "handler.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "..", entry)],
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "silent",
  });
  return statSync(outfile).size;
}

/** Starts a process on a bundle and waits for its answer. Errors: an Error for any other answer than 200. */
async function firstAnswer(bundle: string, event: object, env: Record<string, string>): Promise<void> {
  const args = [join(HANDLERS, "answer-once.mjs"), bundle, JSON.stringify(event)];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), ANSWER_WITHIN_MS);
  try {
    await answered(child, bundle);
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}

function answered(child: ChildProcess, bundle: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.includes('"statusCode":200') && output.endsWith("\n")) resolve();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.once("error", reject);
    child.once("close", () => reject(new Error(`${bundle} did not answer 200: ${output}`)));
  });
}

const produceEvent = (clusterId: string, topic: string) =>
  postEvent(`/v3/clusters/${clusterId}/topics/${topic}/records`, {
    value: { type: "STRING", data: "the first record" },
  });

const joinEvent = (clusterId: string, group: string, topic: string) =>
  postEvent(`/v3/clusters/${clusterId}/consumer-groups/${group}/heartbeat`, {
    member_epoch: 0,
    rebalance_timeout_ms: 60_000,
    subscribed_topic_names: [topic],
    topic_partitions: [],
  });

function postEvent(path: string, body: object) {
  return {
    httpMethod: "POST",
    path,
    headers: { "content-type": "application/json", host: "localhost" },
    requestContext: { requestId: "cold-start" },
    body: Buffer.from(JSON.stringify(body)).toString("base64"),
    isBase64Encoded: true,
  };
}

if (import.meta.main) await run();
