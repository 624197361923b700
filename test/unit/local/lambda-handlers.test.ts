import { setTimeout as sleep } from "node:timers/promises";
import type { APIGatewayProxyEvent } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readBrokerEnvironment } from "../../../lambdas/broker-environment.ts";
import { handler as fetch } from "../../../lambdas/fetch/handler.ts";
import { handler as maintain } from "../../../lambdas/maintenance/handler.ts";
import { handler as produce } from "../../../lambdas/produce/handler.ts";
import type { Broker } from "../../../shared/broker/broker.ts";
import { deleteTopic } from "../../../shared/broker/delete-topic.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { SEAL_GRACE_MS } from "../../../shared/broker/remove-deleted-topics.ts";
import type { LogItem, LogKey } from "../../../shared/log/log-item.ts";
import type { PutItemResult } from "../../../shared/log/log-store.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { MemoryLogStore } from "../../../shared/storage/memory/memory-log-store.ts";
import { memoryBroker, produce as produceTo, topicOf, values } from "../../fixtures/broker.ts";

/** A log whose writes take as long as it is told. */
class SlowLogStore extends MemoryLogStore {
  putMs = 0;

  override async putItem(log: LogKey, item: LogItem): Promise<PutItemResult> {
    await sleep(this.putMs);
    return super.putItem(log, item);
  }
}

const shared = vi.hoisted(() => ({ broker: undefined as unknown }));
vi.mock("../../../lambdas/process-broker.ts", () => ({
  bringAppends: () => {},
  processBroker: () => shared.broker,
  processEnvironment: () => ({ upkeepRule: undefined }),
}));

let broker: Broker;
let store: SlowLogStore;
let now = 0;
let records = "";
beforeEach(async () => {
  store = new SlowLogStore();
  now = 0;
  broker = memoryBroker({ logStore: store, clock: { ...systemClock, now: () => Date.now() + now } });
  shared.broker = broker;
  await topicOf(broker, "t");
  records = `/v3/clusters/${(await describeCluster(broker)).clusterId}/topics/t/partitions/0/records`;
});
afterEach(() => vi.unstubAllEnvs());

function eventOf(httpMethod: string, path: string, query: Record<string, string>, body: object | null = null) {
  return {
    httpMethod,
    path,
    headers: { "content-type": "application/json", host: "x" },
    multiValueQueryStringParameters: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value]])),
    requestContext: { stage: "s" },
    body: body === null ? null : JSON.stringify(body),
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEvent;
}

/** Lambda's context, of an invocation that has so much time from now. */
function lasting(ms: number) {
  const end = performance.now() + ms;
  return { getRemainingTimeInMillis: () => end - performance.now() };
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const start = performance.now();
  const result = await work;
  return { result, ms: performance.now() - start };
}

const RECORD = { value: { type: "STRING", data: "one" } };

describe("the Lambda handlers", () => {
  it("on Lambda return with acks=0 when the write is done, because the environment freezes then", async () => {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "produce");
    store.putMs = 200;
    const { result } = await timed(produce(eventOf("POST", records, { acks: "0" }, RECORD), lasting(10_000)));
    expect(result.statusCode).toBe(200);
    expect(await values(broker, "t")).toEqual(["0=one"]);
  });

  it("elsewhere return with acks=0 before the write", async () => {
    store.putMs = 200;
    const result = await produce(eventOf("POST", records, { acks: "0" }, RECORD), lasting(10_000));
    expect(result.statusCode).toBe(200);
    expect(await values(broker, "t")).toEqual([]);
    await broker.background.settled();
    expect(await values(broker, "t")).toEqual(["0=one"]);
  });

  it("wait for writes after the answer no longer than the function lives", async () => {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "produce");
    store.putMs = 3_000;
    const { result, ms } = await timed(produce(eventOf("POST", records, { acks: "0" }, RECORD), lasting(1_000)));
    expect(result.statusCode).toBe(200);
    expect(ms).toBeLessThan(1_000);
  });

  it("end a long poll, with what it has, before the function's time is up", async () => {
    const { result, ms } = await timed(fetch(eventOf("GET", records, { timeout_ms: "20000" }), lasting(1_500)));
    expect([result.statusCode, JSON.parse(result.body).data]).toEqual([200, []]);
    expect(ms).toBeGreaterThan(300);
    expect(ms).toBeLessThan(1_400);
  });

  it("answer REQUEST_TIMED_OUT when a store does not answer in the function's time", async () => {
    store.putMs = 3_000;
    const { result, ms } = await timed(produce(eventOf("POST", records, {}, RECORD), lasting(1_000)));
    expect([result.statusCode, JSON.parse(result.body)]).toMatchObject([504, { kafka_error: "REQUEST_TIMED_OUT" }]);
    expect(ms).toBeLessThan(1_000);
  });

  it("remove a deleted topic step by step, as far as the time goes", async () => {
    const count = 2_500;
    await Promise.all(Array.from({ length: 25 }, (_, index) => topicOf(broker, `t${index}`)));
    for (let done = 0; done < count; done++) await produceTo(broker, `t${done % 25}`, [{}]);
    for (let index = 0; index < 25; index++) await deleteTopic(broker, `t${index}`);
    now += SEAL_GRACE_MS;
    const first = await maintain(undefined, lasting(1_000));
    expect(first.itemsDeleted).toBeGreaterThanOrEqual(1_000);
    expect(first.itemsDeleted).toBeLessThan(1_100);
    const rest = await maintain(undefined, lasting(60_000));
    expect(first.itemsDeleted + rest.itemsDeleted).toBeGreaterThanOrEqual(count);
    expect(first.topicsRemoved + rest.topicsRemoved).toBe(25);
    expect(await maintain(undefined, lasting(60_000))).toMatchObject({ itemsDeleted: 0, topicsRemoved: 0 });
  });
});

describe("the environment of the Lambda handlers", () => {
  const set = {
    MILLRACE_LOG_TABLE: "log",
    MILLRACE_METADATA_TABLE: "metadata",
    MILLRACE_SEGMENTS: "s3://bucket",
    AWS_REGION: "eu-west-1",
  };

  it("has the function's own region unless regions are set", () => {
    const own = { brokerId: 1, region: "eu-west-1", segments: new URL("s3://bucket"), endpoint: undefined };
    expect(readBrokerEnvironment(set)).toMatchObject({ brokers: [own], own });
    const elsewhere = { ...set, MILLRACE_REGIONS: "us-west-2" };
    expect(readBrokerEnvironment(elsewhere).own).toEqual({ ...own, region: "us-west-2" });
  });

  it("has the stores of each of several regions, and which of them is its own", () => {
    const several = {
      ...set,
      MILLRACE_SEGMENTS: "file:///data/{region}/segments",
      MILLRACE_REGIONS: "us-east-1, eu-west-1",
    };
    const { brokers, own } = readBrokerEnvironment(several);
    expect(brokers.map(({ brokerId, region, segments }) => [brokerId, region, segments.href])).toEqual([
      [1, "us-east-1", "file:///data/us-east-1/segments"],
      [2, "eu-west-1", "file:///data/eu-west-1/segments"],
    ]);
    expect(own).toBe(brokers[1]);
    const endpoints = "us-east-1=http://127.0.0.1:1,eu-west-1=http://127.0.0.1:2/?a=b";
    const located = readBrokerEnvironment({ ...several, MILLRACE_REGION_ENDPOINTS: endpoints });
    expect(located.brokers.map(({ endpoint }) => endpoint)).toEqual(["http://127.0.0.1:1", "http://127.0.0.1:2/?a=b"]);
    for (const [name, ...wrong] of [
      ["MILLRACE_SEGMENTS", "s3://bucket", "memory:", "s3://Bucket-{region}"],
      ["AWS_REGION", "us-west-2", undefined],
      [
        "MILLRACE_REGION_ENDPOINTS",
        "us-east-1=http://127.0.0.1:1",
        `${endpoints},us-west-2=http://a`,
        "us-east-1=a,eu-west-1=http://127.0.0.1:2",
        "http://a",
      ],
    ] as const) {
      for (const value of wrong) {
        expect(() => readBrokerEnvironment({ ...several, [name]: value }), `${name}=${value}`).toThrow(name);
      }
    }
  });

  it("is refused by the name of the variable that is missing or wrong", () => {
    for (const [name, ...wrong] of [
      ["MILLRACE_LOG_TABLE", undefined, ""],
      ["MILLRACE_METADATA_TABLE", undefined],
      [
        "MILLRACE_SEGMENTS",
        undefined,
        "bucket",
        "s3://",
        "s3://Bucket",
        "s3://bucket/prefix",
        "file://host/x",
        "http://a",
      ],
      ["MILLRACE_REGIONS", "a,,b", "a,a", ","],
      ["AWS_REGION", undefined],
    ] as const) {
      for (const value of wrong) {
        expect(() => readBrokerEnvironment({ ...set, [name]: value }), `${name}=${value}`).toThrow(name);
      }
    }
  });
});
