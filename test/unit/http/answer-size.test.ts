import { beforeAll, describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { produceBatches } from "../../../shared/broker/produce-batches.ts";
import { resultFromResponse } from "../../../shared/http/apigateway-event.ts";
import { dispatch } from "../../../shared/http/dispatch.ts";
import { RECORD_BATCHES_TYPE } from "../../../shared/http/http-message.ts";
import { MAX_RECORDS_PER_REQUEST, MAX_REQUEST_BYTES, MAX_TOPICS } from "../../../shared/kafka/limits.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { memoryBroker, topicOf } from "../../fixtures/broker.ts";
import { ALL_ROUTES } from "../../fixtures/http.ts";

/** Bytes of JSON that a function may answer with: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const LAMBDA_LIMIT = 6_291_556;
/** The longest that there is of everything: host name, stage, names. */
const ORIGIN = `https://${"h".repeat(253)}:65535/${"s".repeat(128)}`;
const longName = (index: number) => String(index).padStart(5, "0").padEnd(249, "n");

let broker: Broker;
let cluster: string;
beforeAll(async () => {
  broker = memoryBroker();
  cluster = `/kafka/v3/clusters/${(await describeCluster(broker)).clusterId}`;
});

/** What Lambda would have to pass on, and the body in it. */
async function call(to: Broker, target: string, body?: object | string, headers: Record<string, string> = {}) {
  const [path = "", search = ""] = target.split("?");
  const json = typeof body === "string" ? body : JSON.stringify(body);
  expect((json ?? "").length).toBeLessThanOrEqual(MAX_REQUEST_BYTES);
  const request = {
    method: body === undefined ? "GET" : "POST",
    path,
    query: new Map([...new URLSearchParams(search)].map(([name, value]) => [name, [value]])),
    headers: new Map(Object.entries({ "content-type": "application/json", ...headers })),
    body: Buffer.from(json ?? ""),
  };
  const response = await dispatch(to, ALL_ROUTES, request, ORIGIN);
  const result = resultFromResponse(response);
  expect(Buffer.byteLength(JSON.stringify(result)), target).toBeLessThan(LAMBDA_LIMIT);
  const bytes = Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8");
  const isJson = String(result.headers?.["content-type"]).endsWith("json");
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into, and the test fails where a field is missing
  return { status: result.statusCode, bytes, body: (isJson && text(bytes)) as any };
}

/** One JSON text, or several, one a line. */
function text(bytes: Buffer): unknown {
  const lines = bytes.toString().trim().split("\r\n");
  return lines.length === 1 ? JSON.parse(lines[0]!) : lines.map((line) => JSON.parse(line));
}

/** The members of a list's pages. */
async function pagesOf(to: Broker, path: string, maxPages = 100) {
  const data: Record<string, never>[] = [];
  for (let target = path, pages = 1; ; pages++) {
    const { status, body } = await call(to, target);
    expect(status).toBe(200);
    data.push(...body.data);
    if (body.metadata.next === null || pages === maxPages) return { pages, data };
    target = body.metadata.next.slice(ORIGIN.length);
  }
}

describe("answers fit into Lambda's", () => {
  it("with as many topics as there may be, whole and in order", async () => {
    const full = memoryBroker();
    await topicOf(full, longName(0));
    const item = (await full.metadataStore.getTopic(longName(0)))!;
    for (let index = 1; index < MAX_TOPICS; index++) {
      await full.metadataStore.createTopic({
        ...item,
        name: longName(index),
        topicId: String(index).padStart(36, "0"),
      });
    }
    const path = `/kafka/v3/clusters/${(await describeCluster(full)).clusterId}/topics`;
    const { pages, data } = await pagesOf(full, path);
    expect(data.map(({ topic_name }) => topic_name)).toEqual(Array.from({ length: MAX_TOPICS }, (_, i) => longName(i)));
    // No smaller than they need be.
    expect(pages).toBeLessThan(12);
    expect((await call(full, "/topics")).body).toHaveLength(MAX_TOPICS);
    const configs = await pagesOf(full, `${path}/-/configs`, 3);
    const names = [...new Set(configs.data.map(({ topic_name }) => topic_name))];
    expect(names.length).toBeGreaterThan(200);
    expect(names).toEqual(Array.from(names, (_, index) => longName(index)));
    expect(new Set(names.map((name) => configs.data.filter(({ topic_name }) => topic_name === name).length)).size).toBe(
      1,
    );
  });

  it("with as many partitions as there may be", async () => {
    for (let index = 0; index < 7; index++) await topicOf(broker, longName(index), 1_000);
    const { body } = await call(broker, `${cluster}/topics/${longName(0)}/partitions`);
    expect(body.data).toHaveLength(1_000);
    const { pages, data } = await pagesOf(broker, `${cluster}/brokers/1/partition-replicas`);
    expect(new Set(data.map(({ topic_name, partition_id }) => `${topic_name} ${partition_id}`)).size).toBe(7_000);
    expect(pages).toBeGreaterThan(1);
    expect((await call(broker, `/topics/${longName(0)}`)).body.partitions).toHaveLength(1_000);
  });

  it("of a produce of as many records as there may be, whatever becomes of each", async () => {
    const name = longName(99);
    await topicOf(broker, name, 1_000, { "message.timestamp.after.max.ms": "9223372036854775807" });
    const many = <T>(entry: (index: number) => T) =>
      Array.from({ length: MAX_RECORDS_PER_REQUEST }, (_, i) => entry(i));
    const id = (index: number) => String(index).padStart(80, "i");
    const value = { type: "BINARY", data: "" };
    const sound = { partition_id: 999, timestamp: "+275760-09-13T00:00:00.000Z", key: value, value };
    const batch = `${cluster}/topics/${name}/records:batch`;
    const produced = await call(broker, batch, {
      entries: many((index) => ({ id: id(index), ...sound, timestamp: 8.64e15 })),
    });
    expect([produced.status, produced.body.successes.length]).toEqual([207, MAX_RECORDS_PER_REQUEST]);
    const wrong: [object, number][] = [
      [{ partition_id: 123_456_789 }, 40403],
      [{ ["\u0000".repeat(40)]: 1 }, 400],
      [{ value: { type: "\u0000".repeat(40), data: 1 } }, 400],
      [{ headers: [{ name: "\u0000".repeat(40), value: "!" }] }, 400],
      [{ value: { data: 1 } }, 42206],
    ];
    for (const [record, code] of wrong) {
      const failed = await call(broker, batch, { entries: many((index) => ({ id: id(index), ...record })) });
      expect([failed.status, failed.body.failures.length]).toEqual([207, MAX_RECORDS_PER_REQUEST]);
      expect(failed.body.failures[0].error_code).toBe(code);
      const bodies = many(() => JSON.stringify(record)).join("");
      const answers = await call(broker, `${cluster}/topics/${name}/records`, bodies);
      expect([answers.body.length, answers.body[0].error_code]).toEqual([MAX_RECORDS_PER_REQUEST, code]);
    }
    const v2 = { "content-type": "application/vnd.kafka.json.v2+json" };
    const records = { records: many(() => ({ value: 1, partition: 123_456_789 })) };
    expect((await call(broker, `/topics/${name}`, records, v2)).body.offsets).toHaveLength(MAX_RECORDS_PER_REQUEST);
  });

  it("to one record more than that with a hint, and nothing is appended", async () => {
    await topicOf(broker, "more");
    const entries = Array.from({ length: MAX_RECORDS_PER_REQUEST + 1 }, (_, index) => ({ id: String(index) }));
    const refused = await call(broker, `${cluster}/topics/more/records:batch`, { entries });
    expect(refused).toMatchObject({ status: 422, body: { error_code: 42208 } });
    expect(refused.body.message).toContain(String(MAX_RECORDS_PER_REQUEST));
    expect((await call(broker, `${cluster}/topics/more/partitions/0/records`)).body.data).toEqual([]);
  });

  it("that repeat what was wrong in a request, cut short", async () => {
    await topicOf(broker, "echo");
    const quotes = '"'.repeat(1_900_000);
    const config = { topic_name: "new", configs: [{ name: "retention.ms", value: quotes }] };
    const wrong: [string, object][] = [
      [`${cluster}/topics`, config],
      [`${cluster}/topics`, { ...config, configs: [{ name: quotes, value: "1" }] }],
      [`${cluster}/topics`, { topic_name: quotes }],
      [`${cluster}/topics/echo/records`, { headers: [{ name: quotes, value: "!" }] }],
    ];
    for (const [path, body] of wrong) {
      const answered = await call(broker, path, body);
      expect(answered.status).toBe(400);
      expect(answered.bytes.length).toBeLessThan(10_000);
    }
  });
});

describe("fetched records fit into Lambda's answer", () => {
  /** A topic with one compressed batch of these values. */
  async function batchOf(name: string, values: readonly Buffer[]): Promise<string> {
    await topicOf(broker, name, 1, { "max.message.bytes": "3145728" });
    const records = values.map((value) => ({ key: null, value, headers: [], timestamp: 1 }));
    const batches = encodeBatch(records, { compressionType: "gzip" });
    const produced = await produceBatches(broker, { topic: name, partition: 0, batches, acks: -1, timeoutMs: 5_000 });
    expect(produced.ok).toBe(true);
    return `${cluster}/topics/${name}/partitions/0/records`;
  }

  it("page by page, where a small batch holds much", async () => {
    const path = await batchOf(
      "deflated",
      Array.from({ length: 40 }, (_, index) => Buffer.alloc(1_000_000, `"${index} `)),
    );
    const offsets: number[] = [];
    let calls = 0;
    for (let offset = 0; offset < 40; calls++) {
      const { body } = await call(broker, `${path}?offset=${offset}`);
      for (const record of body.data) {
        offsets.push(record.offset);
        expect(record.value.data).toBe(`"${record.offset} `.repeat(1_000_000).slice(0, 1_000_000));
      }
      offset = body.metadata.next_offset;
    }
    expect(offsets).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(calls).toBeLessThan(20);
  });

  it("as BINARY, where a record is too large as the text that it is", async () => {
    const value = Buffer.alloc(3_000_000, "\u0001");
    const path = await batchOf("control", [value, Buffer.from("next")]);
    for (const query of ["", "?value_format=STRING"]) {
      const { body } = await call(broker, path + query);
      expect(body.data.map(({ value: { type } }: { value: { type: string } }) => type)).toEqual(["BINARY"]);
      expect(Buffer.from(body.data[0].value.data, "base64").equals(value)).toBe(true);
      expect(body.metadata.next_offset).toBe(1);
    }
    expect((await call(broker, `${path}?offset=1`)).body.data[0].value).toEqual({ type: "STRING", data: "next" });
  });

  it("only as RecordBatches, where no text holds a record; those before and behind it as ever", async () => {
    const path = await batchOf("huge", [Buffer.from("before"), Buffer.alloc(50_000_000), Buffer.from("behind")]);
    const before = await call(broker, path);
    expect(before.body.metadata.next_offset).toBe(1);
    const refused = await call(broker, `${path}?offset=1`);
    expect(refused.status).toBe(406);
    expect(refused.body.hint).toContain(RECORD_BATCHES_TYPE);
    expect(refused.body.hint).toContain("offset=2");
    const raw = await call(broker, `${path}?offset=1`, undefined, { accept: RECORD_BATCHES_TYPE });
    expect([raw.status, raw.bytes.length > 40_000]).toEqual([200, true]);
    expect((await call(broker, `${path}?offset=2`)).body.data[0].value).toEqual({ type: "STRING", data: "behind" });
  });
});
