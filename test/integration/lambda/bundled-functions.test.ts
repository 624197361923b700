import { readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENVIRONMENT as TRUSTED } from "../../../lambdas/authorizer/environment.ts";
import { BROKER_ENVIRONMENT } from "../../../lambdas/broker-environment.ts";
import { openApiDocument } from "../../../shared/http/openapi.ts";
import { COMPRESSION_TYPES } from "../../../shared/record/batch-header.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { bundledFunction, type FunctionName, lambdaVariables, startBundle } from "../../fixtures/bundled-function.ts";
import { startTables, TABLES } from "../../fixtures/dynamodb.ts";
import { startObjectServer } from "../../fixtures/object-server.ts";
import { temporaryFolder } from "../../fixtures/service.ts";

type Bundled = Awaited<ReturnType<typeof bundledFunction>>;
type Running = Awaited<ReturnType<typeof startBundle>>;

const RECORD_BATCHES = "application/vnd.millrace.record-batches";
const HOST = "abc.execute-api.us-east-1.amazonaws.com";
const LARGE = 200_000;

let tables: Awaited<ReturnType<typeof startTables>>;
let s3: Awaited<ReturnType<typeof startObjectServer>>;
const segments = temporaryFolder();
const bundles: Partial<Record<FunctionName, Bundled>> = {};
const running: Running[] = [];
let cluster: string;

/** What Lambda sets, and the stores' places; nothing of this machine's. */
const environment = (change: Record<string, string> = {}): Record<string, string> => ({
  ...lambdaVariables("us-east-1", "millrace"),
  AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint,
  [BROKER_ENVIRONMENT.logTable]: TABLES.log,
  [BROKER_ENVIRONMENT.metadataTable]: TABLES.metadata,
  [BROKER_ENVIRONMENT.segments]: pathToFileURL(segments.path).href,
  ...change,
});

async function start(name: FunctionName, change?: Record<string, string>): Promise<Running> {
  const started = await startBundle(bundles[name]!.folder, environment(change));
  running.push(started);
  return started;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly body?: object | Uint8Array;
}

/** Sends an event of API Gateway's, and answers as it would. */
async function call(to: Running, path: string, { method, headers, query, body }: Sent = {}) {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(body === undefined ? "" : JSON.stringify(body));
  const all = { Host: HOST, "X-Forwarded-Proto": "https", "Content-Type": "application/json", ...headers };
  const lists = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]));
  const result = (await to.invoke({
    resource: "/{proxy+}",
    httpMethod: method ?? (body === undefined ? "GET" : "POST"),
    path,
    headers: all,
    multiValueHeaders: lists(all),
    queryStringParameters: query ?? null,
    multiValueQueryStringParameters: query === undefined ? null : lists(query),
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: { requestId: "r", stage: "prod", domainName: HOST },
    body: bytes.length === 0 ? null : Buffer.from(bytes).toString("base64"),
    isBase64Encoded: bytes.length > 0,
  })) as { statusCode: number; headers: Record<string, string>; body: string; isBase64Encoded: boolean };
  const answer = Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8");
  const isJson = result.headers["content-type"]?.endsWith("json") ?? false;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into, and the test fails where a field is missing
  return { status: result.statusCode, bytes: answer, body: (isJson && JSON.parse(answer.toString())) as any };
}

beforeAll(async () => {
  [tables, s3] = await Promise.all([startTables(), startObjectServer()]);
  for (const name of ["produce", "fetch", "maintenance", "authorizer"] as const) {
    bundles[name] = await bundledFunction(name);
  }
  const fetch = await start("fetch");
  cluster = `/v3/clusters/${(await call(fetch, "/v3/clusters")).body.data[0].cluster_id}`;
});
afterAll(async () => {
  for (const { stop } of running) stop();
  for (const bundle of Object.values(bundles)) bundle?.remove();
  segments.remove();
  await Promise.all([tables?.stop(), s3?.stop()]);
});

async function topic(produce: Running, name: string): Promise<string> {
  const created = await call(produce, `${cluster}/topics`, { body: { topic_name: name, partitions_count: 1 } });
  expect(created.status).toBe(201);
  return `${cluster}/topics/${name}/partitions/0/records`;
}

const text = (data: string) => ({ value: { type: "STRING", data } });

describe("bundled functions, with nothing but Lambda's environment", () => {
  it("produce and fetch small records", async () => {
    const [produce, fetch] = [await start("produce"), await start("fetch")];
    const records = await topic(produce, "small");
    const produced = await call(produce, records, {
      body: { ...text("one"), key: { type: "JSON", data: { a: 1.0 } } },
    });
    expect(produced).toMatchObject({ status: 200, body: { offset: 0, partition_id: 0 } });
    const fetched = await call(fetch, records, { query: { offset: "0", timeout_ms: "100" } });
    expect(fetched.body.metadata.self).toBe(`https://${HOST}/prod${records}`);
    expect(fetched.body.data).toMatchObject([{ offset: 0, key: { type: "JSON", data: { a: 1 } }, ...text("one") }]);
    const v2 = { "Content-Type": "application/vnd.kafka.json.v2+json" };
    const old = await call(produce, "/topics/small", { headers: v2, body: { records: [{ value: { b: 2 } }] } });
    expect(old.body.offsets).toMatchObject([{ partition: 0, offset: 1, error_code: null }]);
  });

  it("lose slots to each other and go on: the errors of the SDK are told apart in a bundle as they are outside of one", async () => {
    const [one, other] = [await start("produce"), await start("produce")];
    const records = await topic(one, "contended");
    const places = [];
    for (const produce of [one, other, one, other, one])
      places.push((await call(produce, records, { body: text("v") })).body);
    expect(places.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4]);
  });

  it("keep large batches in the segment store, a folder or S3", async () => {
    const inS3 = {
      [BROKER_ENVIRONMENT.segments]: "s3://millrace-segments",
      AWS_ENDPOINT_URL_S3: s3.url,
    };
    const value = "large ".repeat(LARGE / 6);
    for (const [name, change, stored] of [
      ["in-a-folder", {}, () => readdirSync(segments.path).length],
      ["in-s3", inS3, () => s3.objects.size],
    ] as const) {
      const [produce, fetch] = [await start("produce", change), await start("fetch", change)];
      const records = await topic(produce, name);
      const before = stored();
      expect((await call(produce, records, { body: text(value) })).status, produce.output()).toBe(200);
      expect(stored()).toBe(before + 1);
      expect((await call(fetch, records)).body.data, fetch.output()).toMatchObject([{ offset: 0, ...text(value) }]);
    }
    expect([...s3.objects.keys()][0]).toMatch(/^\/millrace-segments\//);
  });

  it("take and give batches of every compression", async () => {
    const [produce, fetch] = [await start("produce"), await start("fetch")];
    for (const compressionType of COMPRESSION_TYPES) {
      const records = await topic(produce, compressionType);
      const value = Buffer.from(`${compressionType} `.repeat(1_000));
      const batch = encodeBatch([{ key: null, value, headers: [], timestamp: 1 }], { compressionType });
      const headers = { "Content-Type": RECORD_BATCHES };
      const produced = await call(produce, records, { headers, body: batch });
      expect(produced, compressionType).toMatchObject({ status: 200, body: { base_offset: 0 } });
      const fetched = await call(fetch, records);
      expect(fetched.body.data[0].value).toEqual({ type: "STRING", data: value.toString() });
      const raw = await call(fetch, records, { headers: { Accept: RECORD_BATCHES } });
      expect(raw.bytes.equals(batch), compressionType).toBe(true);
    }
  });

  it("answer with the OpenAPI document that the sources make", async () => {
    const { status, body } = await call(await start("fetch"), "/openapi.json");
    expect([status, body]).toEqual([200, openApiDocument(`https://${HOST}/prod`)]);
  });

  it("refuse bad input as the sources do, in words", async () => {
    const produce = await start("produce");
    const records = await topic(produce, "wrong");
    for (const [body, message] of [
      [{ partitionId: 0 }, "unknown field: partitionId"],
      [{ partition_id: "0" }, "field partition_id: Invalid input: expected number, received string"],
      [{ value: { type: "BINARY", data: "!" } }, "value: data is not base64"],
    ] as const) {
      expect(await call(produce, records, { body })).toMatchObject({ status: 400, body: { message } });
    }
    const query = { acks: "2" };
    const refused = await call(produce, records, { body: text("x"), query });
    expect(refused.body.message).toContain("query parameter acks: Invalid option");
  });

  it("say that they have no credentials, and go on", async () => {
    const without = environment();
    delete without["AWS_ACCESS_KEY_ID"];
    const fetch = await startBundle(bundles.fetch!.folder, without);
    running.push(fetch);
    for (const path of ["/health", "/topics"]) expect((await call(fetch, path)).status).toBe(503);
    expect(fetch.output()).toContain("CredentialsProviderError");
    expect(fetch.output()).not.toContain("ERR_MODULE_NOT_FOUND");
  });

  it("remove what is left of deleted topics, and know whom to let in", async () => {
    expect(await (await start("maintenance")).invoke({})).toMatchObject({ itemsDeleted: 0, topicsRemoved: 0 });
    const trusted = [{ issuer: "https://issuer.example", audiences: ["millrace"], subjects: ["producer"] }];
    const authorizer = await start("authorizer", { [TRUSTED.trustedIdentities]: JSON.stringify(trusted) });
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const token = `${part({ alg: "RS256", kid: "k" })}.${part({ iss: "https://other.example" })}.c2ln`;
    const event = {
      type: "TOKEN",
      authorizationToken: `Bearer ${token}`,
      methodArn: "arn:aws:execute-api:a:b:c/d/e/f",
    };
    await expect(authorizer.invoke(event)).rejects.toThrow("Unauthorized");
    expect(authorizer.output()).toContain("https://other.example");
  });
});
