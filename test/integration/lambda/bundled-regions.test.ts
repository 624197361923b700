import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BROKER_ENVIRONMENT } from "../../../lambdas/broker-environment.ts";
import { DynamoDbLogStore } from "../../../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../../../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { bundledFunction, type FunctionName, lambdaVariables, startBundle } from "../../fixtures/bundled-function.ts";
import { localClient, startTables, TABLES } from "../../fixtures/dynamodb.ts";
import { startLambdaService } from "../../fixtures/lambda-service.ts";
import { ledByFirst } from "../../fixtures/led-by-first.ts";
import { temporaryFolder } from "../../fixtures/service.ts";

type Running = Awaited<ReturnType<typeof startBundle>>;
type Tables = Awaited<ReturnType<typeof startTables>>;

const REGIONS = ["us-east-1", "us-east-2", "us-west-2"];
const NOBODY = "http://127.0.0.1:9";
const LEASE_MS = 1_500;
const FUNCTIONS = ["produce", "fetch", "replicator", "lease"] as const;

const segments = temporaryFolder();
const bundles = new Map<FunctionName, Awaited<ReturnType<typeof bundledFunction>>>();
const running: Running[] = [];
/** By region, the metadata's last. */
let stores: Tables[];
let metadata: DynamoDbMetadataStore;
let cluster: string;

/** What Lambda sets, and where the regions are; `endpoints`: in place of a region's own. */
function environment(region: string, endpoints: Record<string, string> = {}, change: Record<string, string> = {}) {
  return {
    ...lambdaVariables(region, "millrace-produce"),
    AWS_ENDPOINT_URL_DYNAMODB: stores.at(-1)!.endpoint,
    AWS_ENDPOINT_URL_LAMBDA: NOBODY,
    [BROKER_ENVIRONMENT.logTable]: TABLES.log,
    [BROKER_ENVIRONMENT.metadataTable]: TABLES.metadata,
    [BROKER_ENVIRONMENT.segments]: `${pathToFileURL(segments.path).href}/{region}`,
    [BROKER_ENVIRONMENT.regions]: REGIONS.join(","),
    [BROKER_ENVIRONMENT.regionEndpoints]: REGIONS.map(
      (name, index) => `${name}=${endpoints[name] ?? stores[index]!.endpoint}`,
    ).join(","),
    [BROKER_ENVIRONMENT.leaseMs]: String(LEASE_MS),
    ...change,
  };
}

async function start(name: FunctionName, variables: Record<string, string>): Promise<Running> {
  const started = await startBundle(bundles.get(name)!.folder, variables);
  running.push(started);
  return started;
}

async function call(to: Running, path: string, query: Record<string, string> = {}, body?: object) {
  const result = (await to.invoke({
    resource: "/{proxy+}",
    httpMethod: body === undefined ? "GET" : "POST",
    path,
    headers: { Host: "h", "Content-Type": "application/json" },
    queryStringParameters: query,
    pathParameters: { proxy: path.slice(1) },
    requestContext: { requestId: "r", stage: "prod" },
    body: body === undefined ? null : JSON.stringify(body),
    isBase64Encoded: false,
  })) as { statusCode: number; body: string };
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into, and the test fails where a field is missing
  return { status: result.statusCode, body: JSON.parse(result.body) as any };
}

const text = (data: string) => ({ value: { type: "STRING", data } });

/** A topic of three replicas that us-east-1 leads, with one record that all of them have. */
async function topic(name: string): Promise<{ records: string; log: `${string}#${number}`; topicId: string }> {
  const produce = await start("produce", environment("us-east-1"));
  const created = await call(produce, `${cluster}/topics`, {}, { topic_name: name, partitions_count: 1 });
  expect(created.status, produce.output()).toBe(201);
  await ledByFirst(metadata, created.body.topic_id);
  const records = `${cluster}/topics/${name}/partitions/0/records`;
  expect((await call(produce, records, { acks: "all" }, text("first"))).body, produce.output()).toMatchObject({
    offset: 1,
  });
  const { topicId } = (await metadata.getTopic(name))!;
  return { records, log: `${topicId}#0`, topicId };
}

/** What each region's table holds of a log. */
async function held(log: `${string}#${number}`): Promise<number[][]> {
  return Promise.all(
    stores.slice(0, 3).map(async ({ client }) => {
      const store = new DynamoDbLogStore(client, TABLES.log);
      const { items } = await store.readItems(log, 0, { maxItems: 1_000, maxBytes: 1 << 24 });
      return items.map(({ baseOffset }) => baseOffset);
    }),
  );
}

const bell = (log: string, baseOffset: number) => ({
  Records: [
    {
      eventName: "INSERT",
      eventSource: "aws:dynamodb",
      dynamodb: { Keys: { tp: { S: log }, baseOffset: { N: String(baseOffset) } }, SequenceNumber: "1" },
    },
  ],
});

beforeAll(async () => {
  stores = await Promise.all([0, 1, 2, 3].map(() => startTables()));
  metadata = new DynamoDbMetadataStore(localClient(stores[3]!.endpoint), TABLES.metadata);
  for (const name of FUNCTIONS) bundles.set(name, await bundledFunction(name));
  const fetch = await start("fetch", environment("us-east-1"));
  cluster = `/v3/clusters/${(await call(fetch, "/v3/clusters")).body.data[0].cluster_id}`;
});
afterAll(async () => {
  for (const { stop } of running) stop();
  for (const bundle of bundles.values()) bundle.remove();
  segments.remove();
  await Promise.all(stores.map((store) => store.stop()));
});

describe("the replicator function", () => {
  /** Appends by a process that reaches no other region, and is gone with its answer. */
  async function appendAlone(records: string, values: readonly string[]): Promise<void> {
    const alone = await start("produce", environment("us-east-1", { "us-east-2": NOBODY, "us-west-2": NOBODY }));
    for (const value of values) {
      expect((await call(alone, records, { acks: "1" }, text(value))).status, alone.output()).toBe(200);
    }
    alone.stop();
  }

  it("carries on what a bell or the schedule finds, in the region that leads alone", async () => {
    const { records, log } = await topic("rung");
    const [leads, follows] = [
      await start("replicator", environment("us-east-1")),
      await start("replicator", environment("us-east-2")),
    ];
    await appendAlone(records, ["a", "b"]);
    const before = await held(log);
    expect(before[1]).toEqual([0, 1]);
    expect(await follows.invoke(bell(log, 3))).toEqual({ batchItemFailures: [] });
    expect(await held(log)).toEqual(before);
    expect(await leads.invoke(bell(log, 3)), leads.output()).toEqual({ batchItemFailures: [] });
    expect(await held(log), leads.output()).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);

    await appendAlone(records, ["c"]);
    const nothing = { behind: 0, shrunk: 0, grown: 0, left: 0 };
    expect(await leads.invoke({ source: "aws.events" })).toEqual(nothing);
    expect((await held(log))[2]).toEqual([0, 1, 2, 3, 4]);
  });

  it("tells of a follower that is behind, takes it out of the in-sync set, and lets it join again", async () => {
    const { records, log, topicId } = await topic("behind");
    await appendAlone(records, ["a"]);
    const change = { [BROKER_ENVIRONMENT.replicaLagTimeMaxMs]: "1000" };
    const cut = await start("replicator", environment("us-east-1", { "us-west-2": NOBODY }, change));
    expect(await cut.invoke({})).toMatchObject({ shrunk: 0 });
    await new Promise((resolve) => setTimeout(resolve, 3_200));
    const after = (await cut.invoke({})) as { behind: number; shrunk: number };
    expect([after.behind > 0, after.shrunk > 0], cut.output()).toEqual([true, true]);
    const inSync = async () => (await metadata.getPartitions(topicId))[0]!.inSyncReplicas.toSorted();
    expect(await inSync()).toEqual([1, 2]);
    const metrics = cut
      .output()
      .split("\n")
      .filter((line) => line.includes("_aws"))
      .map((line) => JSON.parse(line));
    expect(metrics.find(({ broker, ReplicaLagTime }) => broker === "3" && ReplicaLagTime > 0)).toBeDefined();
    expect(metrics.some(({ UnderReplicatedPartitions = 0 }) => UnderReplicatedPartitions > 0)).toBe(true);
    expect(metrics.some(({ IsrShrinks = 0 }) => IsrShrinks > 0)).toBe(true);
    const healed = await start("replicator", environment("us-east-1"));
    expect(((await healed.invoke({})) as { grown: number }).grown).toBeGreaterThan(0);
    expect(await inSync()).toEqual([1, 2, 3]);
    const tables = await held(log);
    expect(tables[2]).toEqual(tables[0]);
  });

  it("answers a bell in time when the metadata are gone, and does not ask for it again", async () => {
    const { log } = await topic("no-metadata");
    const lost = await start("replicator", environment("us-east-1", {}, { AWS_ENDPOINT_URL_DYNAMODB: NOBODY }));
    expect(await lost.invoke(bell(log, 2))).toEqual({ batchItemFailures: [] });
    expect(lost.output()).toContain("a bell was not answered");
    await expect(lost.invoke({})).rejects.toThrow("reading metadata failed");
  });
});

describe("the produce function", () => {
  it("answers acks=0 before the write, which another invocation of it makes", async () => {
    const { records } = await topic("handed-off");
    const events: unknown[] = [];
    const lambda = await startLambdaService((name, event) => events.push([name, event]));
    try {
      const change = { AWS_ENDPOINT_URL_LAMBDA: lambda.url };
      const produce = await start("produce", environment("us-east-2", {}, change));
      const fetch = await start("fetch", environment("us-west-2"));
      const values = async () => {
        const found: string[] = [];
        for (let offset = 0; ; ) {
          const { body } = await call(fetch, records, { offset: String(offset), timeout_ms: "100" });
          found.push(...(body.data as { value: { data: string } }[]).map(({ value }) => value.data));
          if (body.metadata.next_offset === offset) return found;
          offset = body.metadata.next_offset;
        }
      };
      for (const value of ["a", "b"]) {
        const { body } = await call(produce, records, { acks: "0" }, text(value));
        expect(body, produce.output()).toMatchObject({ error_code: 200, offset: -1 });
      }
      expect(await values()).toEqual(["first"]);
      expect(events).toHaveLength(2);
      const another = await start("produce", environment("us-east-2", {}, change));
      for (const [name, event] of events as [string, unknown][]) {
        expect(name).toBe("millrace-produce");
        expect(await another.invoke(event), another.output()).toMatchObject({ statusCode: 202 });
      }
      const replicator = await start("replicator", environment("us-east-1"));
      await replicator.invoke({});
      expect(await values(), another.output()).toEqual(["first", "a", "b"]);
      expect(await another.invoke({ handedOffAppends: [{}] })).toMatchObject({ statusCode: 202 });
      expect(another.output()).toContain("what was handed off cannot be read");

      lambda.answerWith(403);
      await call(produce, records, { acks: "0" }, text("c"));
      await replicator.invoke({});
      expect(await values()).toEqual(["first", "a", "b", "c"]);
      expect(produce.output()).not.toMatch(/secret|token"/);
    } finally {
      await lambda.stop();
    }
  });

  it("elects on demand: a region whose store and lease are gone is replaced by the request that misses it", async () => {
    const { records, topicId } = await topic("on-demand");
    const produce = await start("produce", environment("us-west-2", { "us-east-1": NOBODY }));
    await metadata.putLease(1, Date.now() - 1);
    for (const id of [2, 3]) await metadata.putLease(id, Date.now() + 60_000);
    const produced = await call(produce, records, { acks: "all" }, text("b"));
    expect(produced, produce.output()).toMatchObject({ status: 200, body: { offset: 3 } });
    expect((await metadata.getPartitions(topicId))[0]).toMatchObject({ leader: 2, leaderEpoch: 1 });
  });
});

describe("the lease function", () => {
  it("keeps the lease for its time, takes over from a region that is gone, and needs no other function for it", async () => {
    const { topicId, records } = await topic("taken-over");
    const gone = { "us-east-1": NOBODY };
    const second = await start("lease", environment("us-east-2", gone));
    await metadata.putLease(1, Date.now() + LEASE_MS);
    await metadata.putLease(3, Date.now() + 60_000);
    const begun = Date.now();
    const { renewals, elected } = (await second.invoke({}, 4_000 + 6_000)) as { renewals: number; elected: number };
    expect(renewals, second.output()).toBeGreaterThan(6);
    expect(elected, second.output()).toBeGreaterThan(0);
    expect((await metadata.getLeases()).get(2)).toBeGreaterThan(begun + 5_000);
    expect((await metadata.getPartitions(topicId))[0]).toMatchObject({ leader: 2 });
    const produce = await start("produce", environment("us-west-2", gone));
    expect((await call(produce, records, { acks: "all" }, text("b"))).status, produce.output()).toBe(200);
  });

  it("and the replicator have nothing to do where there is one region", async () => {
    const alone = environment("us-east-1", {}, { [BROKER_ENVIRONMENT.regions]: "us-east-1" });
    const { [BROKER_ENVIRONMENT.regionEndpoints]: _, ...variables } = alone;
    expect(await (await start("lease", variables)).invoke({})).toEqual({ renewals: 0, elected: 0 });
    const replicator = await start("replicator", variables);
    expect(await replicator.invoke({})).toEqual({ behind: 0, shrunk: 0, grown: 0, left: 0 });
    expect(await replicator.invoke({ Records: [] })).toEqual({ batchItemFailures: [] });
  });
});
