import { readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BROKER_ENVIRONMENT } from "../../../lambdas/broker-environment.ts";
import { bundledFunction, type FunctionName, lambdaVariables, startBundle } from "../../fixtures/bundled-function.ts";
import { startTables, TABLES } from "../../fixtures/dynamodb.ts";
import { startEventBridge } from "../../fixtures/eventbridge-service.ts";
import { startLambdaService } from "../../fixtures/lambda-service.ts";
import { temporaryFolder } from "../../fixtures/service.ts";

type Running = Awaited<ReturnType<typeof startBundle>>;

const REGIONS = ["us-east-1", "us-east-2", "us-west-2"];
const RULE = "millrace-upkeep";
const MAINTENANCE = "millrace-maintenance";

const segments = temporaryFolder();
const bundles = new Map<FunctionName, Awaited<ReturnType<typeof bundledFunction>>>();
const running: Running[] = [];
const rules = new Map<string, "ENABLED" | "DISABLED">();
let stores: Awaited<ReturnType<typeof startTables>>[];
let events: Awaited<ReturnType<typeof startEventBridge>>;
let lambda: Awaited<ReturnType<typeof startLambdaService>>;
let fetch: Running;
let cluster: string;
let invoked: [name: string, event: unknown, region: string][];

beforeAll(async () => {
  stores = await Promise.all([0, 1, 2].map(() => startTables()));
  events = await startEventBridge(rules);
  lambda = await startLambdaService((...invocation) => invoked.push(invocation));
  for (const name of ["produce", "fetch", "maintenance"] as const) bundles.set(name, await bundledFunction(name));
  fetch = await start("fetch");
  cluster = `/v3/clusters/${(await call(fetch, "/v3/clusters")).body.data[0].cluster_id}`;
});
beforeEach(() => {
  invoked = [];
  rules.set(RULE, "DISABLED");
  lambda.answerWith(202);
});
afterAll(async () => {
  for (const { stop } of running) stop();
  for (const bundle of bundles.values()) bundle.remove();
  segments.remove();
  await Promise.all([...stores.map((store) => store.stop()), events.stop(), lambda.stop()]);
});

/** What Lambda sets, and where everything is. */
const environment = (region: string, change: Record<string, string>) => ({
  ...lambdaVariables(region, "millrace-produce"),
  AWS_ENDPOINT_URL_DYNAMODB: stores[0]!.endpoint,
  AWS_ENDPOINT_URL_LAMBDA: lambda.url,
  AWS_ENDPOINT_URL_EVENTBRIDGE: events.url.href,
  [BROKER_ENVIRONMENT.logTable]: TABLES.log,
  [BROKER_ENVIRONMENT.metadataTable]: TABLES.metadata,
  [BROKER_ENVIRONMENT.segments]: pathToFileURL(segments.path).href,
  [BROKER_ENVIRONMENT.maintenanceFunction]: MAINTENANCE,
  ...change,
});

async function start(name: FunctionName, region = "us-east-1", change: Record<string, string> = {}): Promise<Running> {
  const started = await startBundle(bundles.get(name)!.folder, environment(region, change));
  running.push(started);
  return started;
}

async function call(to: Running, path: string, body?: object, httpMethod = body === undefined ? "GET" : "POST") {
  const { pathname, searchParams } = new URL(path, "http://h");
  const { statusCode, body: text } = (await to.invoke({
    resource: "/{proxy+}",
    httpMethod,
    path: pathname,
    headers: { Host: "h", "Content-Type": "application/json" },
    queryStringParameters: Object.fromEntries(searchParams),
    pathParameters: { proxy: pathname.slice(1) },
    requestContext: { requestId: "r", stage: "prod" },
    body: body === undefined ? null : JSON.stringify(body),
    isBase64Encoded: false,
  })) as { statusCode: number; body: string };
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into, and the test fails where a field is missing
  return { status: statusCode, body: (text === "" ? undefined : JSON.parse(text)) as any };
}

/** Makes a topic; its path, and its log. */
async function topic(produce: Running, name: string, given: Record<string, string> = {}) {
  const configs = Object.entries(given).map(([config, value]) => ({ name: config, value }));
  const made = await call(produce, `${cluster}/topics`, { topic_name: name, partitions_count: 1, configs });
  expect(made.status, produce.output()).toBe(201);
  return { topic: `${cluster}/topics/${name}`, log: `${made.body.topic_id}#0` };
}

const text = (data: string) => ({ partition_id: 0, value: { type: "STRING", data } });
const ofLog = (log: string) =>
  readdirSync(segments.path, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.startsWith(log.split("#")[0]!) && name.endsWith(".log"),
  );

describe("the upkeep, with nothing but Lambda's environment", () => {
  const KEPT = { "retention.ms": "-1", "local.retention.ms": "-1", "segment.bytes": String(1024 * 1024) };

  it("is begun by the first record, sets its clock going, and copies what is due", async () => {
    const produce = await start("produce");
    const { topic: path, log } = await topic(produce, "begun", { ...KEPT, "local.retention.ms": "1" });
    expect((await call(produce, `${path}/records`, text("first"))).status, produce.output()).toBe(200);
    expect(invoked).toEqual([[MAINTENANCE, { upkeep: true }, "us-east-1"]]);
    const maintenance = await start("maintenance", "us-east-1", { [BROKER_ENVIRONMENT.upkeepRule]: RULE });
    const kept = await maintenance.invoke(invoked[0]![1], 120_000);
    expect(kept, maintenance.output()).toMatchObject({ upkeep: { segmentsTiered: 1, failed: 0, needsClock: true } });
    expect([rules.get(RULE), ofLog(log)]).toEqual(["ENABLED", [expect.any(String)]]);
    for (const metric of ['"SegmentsTiered":1', '"BytesTiered":']) expect(maintenance.output()).toContain(metric);
  });

  it("is begun for the log that fills a segment, which a run of its own copies", async () => {
    const produce = await start("produce");
    const { topic: path, log } = await topic(produce, "filled", KEPT);
    for (let record = 0; record < 12; record++) {
      expect((await call(produce, `${path}/records`, text("x".repeat(100_000)))).status, produce.output()).toBe(200);
    }
    expect(invoked.map(([, event]) => event)).toEqual([{ upkeep: true }, { upkeep: log }]);
    const maintenance = await start("maintenance", "us-east-1", { [BROKER_ENVIRONMENT.upkeepRule]: RULE });
    const kept = await maintenance.invoke(invoked[1]![1], 120_000);
    expect(kept, maintenance.output()).toMatchObject({ upkeep: { partitions: 1, failed: 0 } });
    expect(ofLog(log).length).toBeGreaterThan(0);
    await expect(maintenance.invoke({ upkeep: "x" })).rejects.toThrow('or a log as "topicId#partition"');
  });

  it("is begun when records are deleted, and when a topic's configs change", async () => {
    const produce = await start("produce");
    const { topic: path } = await topic(produce, "changed", KEPT);
    await call(produce, `${path}/records`, text("first"));
    invoked = [];
    const deleted = await call(produce, `${path}/partitions/0/records?before_offset=1`, undefined, "DELETE");
    expect([deleted.status, deleted.body], produce.output()).toMatchObject([200, { low_watermark: 1 }]);
    const changed = await call(produce, `${path}/configs/retention.ms`, { value: "1000" }, "PUT");
    expect(changed.status, produce.output()).toBe(204);
    const ring = [MAINTENANCE, { upkeep: true }, "us-east-1"];
    expect(invoked).toEqual([ring, ring]);
  });

  it("fails no append where it cannot be begun, and says why", async () => {
    const produce = await start("produce");
    lambda.answerWith(403);
    const { topic: path } = await topic(produce, "alone", KEPT);
    expect((await call(produce, `${path}/records`, text("first"))).status).toBe(200);
    expect(produce.output()).toContain("beginning the upkeep of logs failed");
    expect(produce.output()).toContain("AccessDeniedException");
  });
});

it("is begun in the region that leads the log, whichever region's function appends", async () => {
  const regional = {
    [BROKER_ENVIRONMENT.regions]: REGIONS.join(","),
    [BROKER_ENVIRONMENT.segments]: `${pathToFileURL(segments.path).href}/{region}`,
    [BROKER_ENVIRONMENT.regionEndpoints]: REGIONS.map((name, index) => `${name}=${stores[index]!.endpoint}`).join(","),
  };
  const own = await start("produce", "us-east-1", regional);
  const { topic: path } = await topic(own, "led");
  const { body } = await call(fetch, `${path}/partitions/0/replicas`);
  const leader: number = body.data.find(({ is_leader }: { is_leader: boolean }) => is_leader).broker_id;
  const other = await start("produce", REGIONS[leader % REGIONS.length]!, regional);
  expect((await call(other, `${path}/records`, text("first"))).status, other.output()).toBe(200);
  expect(invoked).toEqual([[MAINTENANCE, { upkeep: true }, REGIONS[leader - 1]]]);
});
