import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { originOfEvent, requestFromEvent, resultFromResponse } from "../../../shared/http/apigateway-event.ts";
import { splitObjects } from "../../../shared/http/json-text.ts";
import { openApiDocument } from "../../../shared/http/openapi.ts";
import { ROUTES } from "../../../shared/http/route-table.ts";
import { MAX_REQUEST_BYTES } from "../../../shared/kafka/limits.ts";
import { memoryBroker, topicOf } from "../../fixtures/broker.ts";
import { answer, send } from "../../fixtures/http.ts";

let broker: Broker;
let cluster: string;
beforeAll(async () => {
  broker = memoryBroker();
  cluster = `/v3/clusters/${(await describeCluster(broker)).clusterId}`;
  await topicOf(broker, "t");
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
      "",
      " ",
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
      '{"timestamp":"yesterday"}',
      '{"timestamp":-1}',
      '{"headers":{}}',
      '{"headers":[{"value":"x"}]}',
      '{"headers":[{"name":"h","value":"!"}]}',
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

  it("of a wrong media type is 415, of a wrong method 405 with those allowed, of a wrong path 404", async () => {
    expect(await status(`${cluster}/topics/t/records`, { headers: { "content-type": "text/xml" }, body: "<a/>" })).toBe(
      415,
    );
    const response = await send(broker, `${cluster}/topics`, { method: "PUT" });
    expect([response.status, response.headers["allow"]]).toEqual([405, "GET, POST"]);
    for (const path of ["/", "/v4", "/v3/", "/v3/clusters/x/y", "/kafka/topics", "//"])
      expect([path, await status(path)]).toEqual([path, 404]);
    expect(await status("/topics/%ff")).toBe(400);
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
    const json = fc.oneof(
      fc.json(),
      fc
        .json()
        .map((text) => `{"value":{"type":"JSON","data":${text}},"records":[{"value":${text}}],"entries":[${text}]}`),
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

describe("concatenated JSON", () => {
  it("is cut where one object ends, whatever stands in strings", () => {
    const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), { maxLength: 6 });
    fc.assert(
      fc.property(objects, fc.constantFrom("", " ", "\n", "\r\n\t", "\u001e"), (values, between) => {
        const texts = values.map((value) => JSON.stringify(value));
        expect(splitObjects(texts.join(between), 10)).toEqual(texts);
      }),
    );
  });
});

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody: { readonly content: Record<string, { readonly schema: { readonly properties: object } }> };
}

describe("the OpenAPI document", () => {
  it("lists just the routes there are, each with a unique id", () => {
    const { paths } = openApiDocument() as { paths: Record<string, Record<string, { operationId: string }>> };
    const listed = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed.toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted());
    expect(new Set(ROUTES.map(({ operationId }) => operationId)).size).toBe(ROUTES.length);
  });

  it("is served, and describes parameters by the schemas that check them", async () => {
    const { body } = await answer(send(broker, "/openapi.json"));
    expect(body.openapi).toBe("3.1.0");
    const fetchRecords =
      body.paths["/v3/clusters/{cluster_id}/topics/{topic_name}/partitions/{partition_id}/records"].get;
    expect(fetchRecords.parameters.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(["cluster_id", "offset", "timestamp", "max_bytes", "min_bytes", "timeout_ms"]),
    );
  });

  it("describes what a produce takes: its body, and the headers of an idempotent one", () => {
    const { paths } = openApiDocument() as unknown as { paths: Record<string, Record<string, Operation>> };
    const { parameters, requestBody } = paths["/v3/clusters/{cluster_id}/topics/{topic_name}/records"]!["post"]!;
    expect(parameters.filter((parameter) => parameter.in === "header").map(({ name }) => name)).toEqual([
      "producer-id",
      "producer-epoch",
      "producer-sequence",
    ]);
    expect(Object.keys(requestBody.content["application/json"]!.schema.properties)).toEqual(
      expect.arrayContaining(["partition_id", "key", "value", "headers", "timestamp"]),
    );
  });

  it("gives every route that only reads to the function that only reads", () => {
    for (const { method, lambda } of ROUTES)
      expect([method, lambda]).toEqual([method, method === "GET" ? "fetch" : "produce"]);
  });
});

describe("API Gateway's events", () => {
  const event = (change: object) =>
    ({
      httpMethod: "POST",
      path: "/x",
      headers: { Host: "abc.execute-api.us-east-1.amazonaws.com", "Content-Type": "a/b" },
      multiValueQueryStringParameters: { a: ["1", "2"] },
      body: null,
      isBase64Encoded: false,
      requestContext: { stage: "prod" },
      ...change,
    }) as unknown as Parameters<typeof requestFromEvent>[0];

  it("become requests, binary bodies decoded", () => {
    const request = requestFromEvent(event({ body: "AP8=", isBase64Encoded: true }));
    expect([...request.body]).toEqual([0, 255]);
    expect([request.headers.get("content-type"), request.query.get("a")]).toEqual(["a/b", ["1", "2"]]);
    expect(originOfEvent(event({}))).toBe("https://abc.execute-api.us-east-1.amazonaws.com/prod");
  });

  it("are answered with base64 where the body is bytes", () => {
    expect(resultFromResponse({ status: 200, headers: {}, body: new Uint8Array([0, 255]) })).toMatchObject({
      body: "AP8=",
      isBase64Encoded: true,
    });
  });
});
