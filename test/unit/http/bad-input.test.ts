import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { ROUTES } from "../../../shared/http/route-table.ts";
import { MAX_REQUEST_BYTES } from "../../../shared/kafka/limits.ts";
import { memoryBroker, topicOf } from "../../fixtures/broker.ts";
import { answer, send } from "../../fixtures/http.ts";

let broker: Broker;
let cluster: string;
beforeAll(async () => {
  broker = memoryBroker();
  cluster = `/v3/clusters/${(await describeCluster(broker)).clusterId}`;
  await topicOf(broker, "t", 1, { "message.timestamp.after.max.ms": "9223372036854775807" });
});

const JSON_HEADERS = { "content-type": "application/json" };
const status = async (...request: Parameters<typeof send> extends [Broker, ...infer R] ? R : never) =>
  (await answer(send(broker, ...request))).status;

describe("bad input", () => {
  it("in a query is 400 with what is known", async () => {
    const records = `${cluster}/topics/t/partitions/0/records`;
    const wrong = [
      "offset=-1",
      "offset=1.5",
      "offset=1e3",
      "offset=99999999999999999999",
      "offset=0&offset=1",
      "offset=",
      "ofset=1",
      "max_bytes=0",
      "max_bytes=9999999999",
      "timeout_ms=99999999",
      "timestamp=x",
      "offset=0&timestamp=0",
      "value_format=XML",
      "__proto__=1",
    ];
    for (const query of wrong) expect([query, await status(`${records}?${query}`)]).toEqual([query, 400]);
    for (const query of [
      "acks=2",
      "acks=",
      "timeout_ms=0",
      "expected_offset=-1",
      "expected_offset=0&acks=0",
      "offset=1",
    ]) {
      expect([query, await status(`${records}?${query}`, { body: { value: null } })]).toEqual([query, 400]);
    }
    expect((await answer(send(broker, `${records}?ofset=1`))).body.hint).toContain("offset");
  });

  it("in a body is 400", async () => {
    const bodies = [
      "[]",
      "5",
      '"x"',
      "{",
      '{"a":',
      "{}}",
      "{} x",
      '{"value":5}',
      '{"value":[]}',
      '{"partition_id":"0"}',
      '{"partition_id":1.5}',
      '{"partition_id":1e400}',
      '{"partition_id":9223372036854775808}',
      '{"timestamp":9000000000000000}',
      '{"timestamp":"2026-02-30T00:00:00Z"}',
      '{"timestamp":"yesterday"}',
      '{"timestamp":-1}',
      '{"headers":{}}',
      '{"headers":[{"value":"x"}]}',
      '{"headers":[{"name":"h","value":"!"}]}',
      '{"headers":[{"name":"\\ud800"}]}',
      '{"value":{"type":"STRING","data":"half \\udc00 a pair"}}',
      '{"value":{"type":"BINARY","data":"A"}}',
      '{"value":{"type":"BINARY","data":"AAAAA"}}',
      '{"value":{"type":"BINARY","data":"AQ==="}}',
      '{"value":{"type":"STRING","data":5}}',
      '{"value":{"type":"XML","data":"x"}}',
      `{"value":{"type":"JSON","data":${"[".repeat(200)}${"]".repeat(200)}}}`,
      '{"__proto__":{}}',
      '{"constructor":1}',
    ];
    for (const body of bodies) {
      const found = await status(`${cluster}/topics/t/records`, { method: "POST", headers: JSON_HEADERS, body });
      expect([body.slice(0, 40), found]).toEqual([body.slice(0, 40), 400]);
    }
    expect(
      await status(`${cluster}/topics/t/records`, {
        method: "POST",
        headers: JSON_HEADERS,
        body: Buffer.from([0x7b, 0xff, 0x7d]),
      }),
    ).toBe(400);
    expect((await answer(send(broker, `${cluster}/topics/t/partitions/0/records`))).body.data).toEqual([]);
  });

  it("that needs a schema registry, or has no data at all, is 422", async () => {
    const values = [
      '{"type":"AVRO","data":{}}',
      '{"type":"protobuf","data":{}}',
      '{"type":"STRING","data":"x","schema_id":1}',
      '{"schema_version":"latest","data":1}',
      // Base64 by chance: it must not be stored as the bytes it would be.
      '{"data":"test"}',
    ];
    for (const value of values) {
      const body = `{"partition_id":0,"value":${value}}`;
      const answered = await answer(send(broker, `${cluster}/topics/t/records`, { headers: JSON_HEADERS, body }));
      expect([value, answered.status, answered.body.error_code]).toEqual([value, 422, 42206]);
      expect(answered.body.hint).toContain("STRING");
    }
    for (const path of [`${cluster}/topics/t/records`, `${cluster}/topics`]) {
      for (const body of ["", " \r\n"]) {
        const answered = await answer(send(broker, path, { method: "POST", headers: JSON_HEADERS, body }));
        expect(answered).toMatchObject({ status: 422, body: { error_code: 42206 } });
      }
    }
    expect((await answer(send(broker, `${cluster}/topics/t/partitions/0/records`))).body.data).toEqual([]);
  });

  it("names what was most likely meant", async () => {
    const hintOf = async (target: string, body?: object) =>
      (await answer(send(broker, target, body === undefined ? {} : { body }))).body;
    const records = `${cluster}/topics/t/records`;
    expect(await hintOf(`${records}?expectedOffset=1`, {})).toMatchObject({ hint: "did you mean expected_offset?" });
    expect(await hintOf(records, { partitionId: 0 })).toMatchObject({
      message: "unknown field: partitionId",
      hint: "did you mean partition_id?",
    });
    expect(await hintOf(records, { value: { type: "STRING", dat: "x" } })).toMatchObject({
      message: "unknown field: value.dat",
      hint: "did you mean data?",
    });
    expect((await hintOf(records, { headers: [{ name: "n", wert: "" }] })).hint).toBe("known are: name, value");
    expect((await hintOf(`${cluster}/topics/t/partitions?all=1`)).hint).toBe("known are: none");
  });

  it("of a wrong media type is 415, of a wrong method 405 with those allowed, of a wrong path 404", async () => {
    expect(await status(`${cluster}/topics/t/records`, { headers: { "content-type": "text/xml" }, body: "<a/>" })).toBe(
      415,
    );
    for (const headers of [
      { "content-type": "application/json; charset=utf-16" },
      { "content-type": "application/json", "content-encoding": "gzip" },
    ]) {
      expect(await status(`${cluster}/topics/t/records`, { headers, body: "{}" })).toBe(415);
    }
    const response = await send(broker, `${cluster}/topics`, { method: "PUT" });
    expect([response.status, response.headers["allow"]]).toEqual([405, "GET, POST, HEAD, OPTIONS"]);
    for (const path of ["/v4", "/openapiXjson", "/v3/", "/v3/clusters/x/y", "/kafka/topics"])
      expect([path, await status(path)]).toEqual([path, 404]);
    expect(await status("/topics/%ff")).toBe(400);
  });

  it("in the Accept header is 406, and nothing is appended", async () => {
    const headers = { ...JSON_HEADERS, accept: "text/html" };
    const body = '{"partition_id":0,"value":{"type":"STRING","data":"x"}}';
    expect(await status(`${cluster}/topics/t/records`, { headers, body })).toBe(406);
    const v2 = { "content-type": "application/vnd.kafka.json.v2+json", accept: "text/html" };
    expect(await status("/topics/t/partitions/0", { headers: v2, body: '{"records":[{"value":1}]}' })).toBe(406);
    expect((await answer(send(broker, `${cluster}/topics/t/partitions/0/records`))).body.data).toEqual([]);
  });

  it("larger than a request may be is 413", async () => {
    expect(
      await status(`${cluster}/topics/t/records`, {
        headers: JSON_HEADERS,
        body: Buffer.alloc(MAX_REQUEST_BYTES + 1, 0x20),
      }),
    ).toBe(413);
  });

  it("never makes a 500, whatever it is", async () => {
    const paths = ROUTES.map(({ path }) =>
      path
        .replace("{cluster_id}", cluster.slice(13))
        .replace("{topic_name}", "t")
        .replace("{partition_id}", "0")
        .replace("{broker_id}", "1"),
    );
    const timestamps = fc.oneof(
      fc.integer(),
      fc.maxSafeNat(),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    );
    const json = fc.oneof(
      fc.json(),
      fc
        .json()
        .map((text) => `{"value":{"type":"JSON","data":${text}},"records":[{"value":${text}}],"entries":[${text}]}`),
      fc
        .record({ timestamp: timestamps, value: fc.constant({ type: "STRING", data: "x" }) })
        .map((record) => JSON.stringify(record)),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.constantFrom("GET", "POST", "PUT", "PATCH", "HEAD", "OPTIONS"),
        fc.constantFrom(
          "application/json",
          "application/vnd.kafka.json.v2+json",
          "application/vnd.kafka.binary.v2+json",
          "application/vnd.millrace.record-batches",
          "",
        ),
        fc.oneof(json, fc.uint8Array()),
        fc.oneof(fc.constant(""), fc.webQueryParameters()),
        async (path, method, type, body, query) => {
          const response = await send(broker, `${path}?${query}`, { method, headers: { "content-type": type }, body });
          expect(response.status).toBeLessThan(500);
        },
      ),
      { numRuns: 1500 },
    );
  });
});
