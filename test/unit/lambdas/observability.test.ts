import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  METRICS,
  METRICS_DIMENSION,
  METRICS_NAMESPACE,
  type MetricName,
} from "../../../shared/runtime/metric-names.ts";
import { startTables, TABLES } from "../../fixtures/dynamodb.ts";
import { type LambdaEnvironment, type Returned, startLambdaEnvironment } from "../../fixtures/lambda-environment.ts";

const KEY = "SECRET-KEY";
const VALUE = "SECRET-VALUE";
const HEADER = "SECRET-HEADER";
const TOKEN = "SECRET-TOKEN";
/** As they are, and in base64, whatever stands before them. */
const SECRETS = [KEY, VALUE, HEADER, TOKEN].flatMap((secret) => [
  secret,
  ...[0, 1, 2].map((shift) =>
    Buffer.from(" ".repeat(shift) + secret)
      .toString("base64")
      .slice(4, -4),
  ),
]);

let tables: Awaited<ReturnType<typeof startTables>>;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

const variables = (change: Record<string, string> = {}) => ({
  AWS_LAMBDA_FUNCTION_NAME: "prod-produce",
  AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint,
  MILLRACE_LOG_TABLE: TABLES.log,
  MILLRACE_METADATA_TABLE: TABLES.metadata,
  MILLRACE_SEGMENTS: "memory:",
  POWERTOOLS_SERVICE_NAME: "prod",
  ...change,
});

function eventOf(httpMethod: string, path: string, body?: unknown) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return {
    httpMethod,
    path,
    headers: { "content-type": "application/json", "x-api-key": TOKEN, authorization: `Bearer ${TOKEN}` },
    requestContext: { stage: "prod", requestId: `api-${httpMethod}` },
    body: text === undefined ? null : Buffer.from(text).toString("base64"),
    isBase64Encoded: true,
  };
}

/** An environment in which a topic `t` is; what comes after is told apart by its request id. */
async function environmentWithTopic(change: Record<string, string> = {}) {
  const lambda = startLambdaEnvironment(variables(change));
  let count = 0;
  const call = async (name: "produce" | "fetch", httpMethod: string, path: string, body?: unknown) =>
    answerOf(await lambda.invoke({ name, event: eventOf(httpMethod, path, body), awsRequestId: `request-${++count}` }));
  const { cluster_id } = (await call("fetch", "GET", "/health")).body;
  const topics = `/v3/clusters/${cluster_id}/topics`;
  expect((await call("produce", "POST", topics, { topic_name: "t", partitions_count: 1 })).status).toBe(201);
  return { lambda, call, records: `${topics}/t/records`, partition: `${topics}/t/partitions/0/records` };
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests, which fail where a field is missing
function answerOf(returned: Returned): { status: number; body: any } {
  if ("error" in returned) throw new Error(returned.error);
  const { statusCode, body } = returned.result as { statusCode: number; body: string };
  return { status: statusCode, body: JSON.parse(body) };
}

const RECORD = {
  key: { type: "STRING", data: KEY },
  value: { type: "STRING", data: VALUE },
  headers: [{ name: "h", value: Buffer.from(HEADER).toString("base64") }],
};

const metricLines = (lines: readonly string[]) =>
  lines.map((line) => JSON.parse(line)).filter((line) => "_aws" in line);

describe("a function on Lambda", () => {
  let written: Awaited<ReturnType<LambdaEnvironment["end"]>>;

  beforeAll(async () => {
    const { lambda, call, records, partition } = await environmentWithTopic();
    expect((await call("produce", "POST", records, RECORD)).status).toBe(200);
    expect((await call("fetch", "GET", partition)).body.data).toHaveLength(1);
    // What is wrong is refused, and repeated to the client alone.
    expect((await call("produce", "POST", records, `{"value":"${VALUE}`)).status).toBe(400);
    expect((await call("produce", "POST", records, { value: { type: VALUE, data: KEY } })).status).toBe(400);
    expect((await call("produce", "POST", records, { [KEY]: VALUE })).status).toBe(400);
    expect(await lambda.invoke({ name: "maintenance", event: {}, awsRequestId: "idle" })).toMatchObject({
      result: { itemsDeleted: 0 },
    });
    expect(
      answerOf(await lambda.invoke({ name: "produce", event: { [KEY]: VALUE }, awsRequestId: "odd" })),
    ).toMatchObject({
      status: 400,
      body: { error_code: 400, message: "the event is none of API Gateway's REST API", hint: expect.any(String) },
    });
    written = await lambda.end();
  });

  it("writes one line of metrics for an invocation in which there was something to count", () => {
    const [produced, fetched, ...rest] = metricLines(written.stdout);
    expect(produced).toMatchObject({ Appends: 1, RecordsIn: 1, BytesIn: expect.any(Number) });
    expect(produced.ProduceLatency).toBeGreaterThanOrEqual(0);
    expect(fetched).toMatchObject({ RecordsOut: 1, BytesOut: produced.BytesIn });
    expect(fetched.FetchLatency).toBeGreaterThanOrEqual(0);
    expect(rest).toEqual([]);
  });

  it("writes them in the embedded metric format, by the table of names and units", () => {
    for (const { _aws, service, ...values } of metricLines(written.stdout)) {
      const [directive, ...others] = _aws.CloudWatchMetrics;
      expect(others).toEqual([]);
      expect([_aws.Timestamp, service]).toEqual([expect.any(Number), "prod"]);
      expect([directive.Namespace, directive.Dimensions]).toEqual([METRICS_NAMESPACE, [[METRICS_DIMENSION]]]);
      const named = Object.keys(values) as MetricName[];
      expect(named.length).toBeGreaterThan(2);
      expect(directive.Metrics).toEqual(named.map((Name) => ({ Name, Unit: METRICS[Name].unit })));
    }
  });

  it("writes each line as JSON, with the service and the ids of its invocation", () => {
    const [line] = written.stderr.map((text) => JSON.parse(text));
    expect(line).toMatchObject({ level: "WARN", service: "prod", function_request_id: "odd", cold_start: false });
    expect(line.message).toContain("API Gateway");
    expect(written.stderr).toHaveLength(1);
  });

  it("names no record and no credential in any line", () => {
    const lines = [...written.stdout, ...written.stderr].join("\n");
    expect(SECRETS.filter((secret) => lines.includes(secret))).toEqual([]);
  });
});

describe("a function on Lambda whose store is gone", () => {
  let written: Awaited<ReturnType<LambdaEnvironment["end"]>>;

  beforeAll(async () => {
    const gone = await startTables();
    const environment = await environmentWithTopic({ AWS_ENDPOINT_URL_DYNAMODB: gone.endpoint }).catch(
      async (error) => {
        await gone.stop();
        throw error;
      },
    );
    await gone.stop();
    const { lambda, call, records, partition } = environment;
    expect((await call("produce", "POST", records, RECORD)).status).toBe(503);
    expect((await call("fetch", "GET", partition)).status).toBe(503);
    expect(await lambda.invoke({ name: "maintenance", event: {}, awsRequestId: "maintenance" })).toMatchObject({
      error: expect.stringContaining("KAFKA_STORAGE_ERROR"),
    });
    written = await lambda.end();
  });

  it("counts what it answers with a 5xx", () => {
    expect(metricLines(written.stdout).map(({ Errors }) => Errors)).toEqual([1, 1]);
  });

  it("names no record and no credential in any line", () => {
    const lines = [...written.stdout, ...written.stderr].join("\n");
    expect(SECRETS.filter((secret) => lines.includes(secret))).toEqual([]);
  });

  it("logs why, once for each, with the ids of Lambda and of API Gateway", () => {
    const lines = written.stderr.map((text) => JSON.parse(text));
    expect(lines.map(({ message }) => message)).toEqual(["a store failed", "a store failed", "the invocation failed"]);
    expect(lines.map(({ function_request_id }) => function_request_id)).toEqual([
      "request-3",
      "request-4",
      "maintenance",
    ]);
    expect(lines.map(({ correlation_id }) => correlation_id)).toEqual(["api-POST", "api-GET", undefined]);
    for (const { error, causedBy } of lines) {
      expect([error, causedBy]).toEqual(["KAFKA_STORAGE_ERROR", expect.stringContaining("ECONNREFUSED")]);
    }
  });
});
