import { beforeEach, describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { memoryBroker, topicOf } from "../../fixtures/broker.ts";
import { answer, type Sent, send } from "../../fixtures/http.ts";

const BINARY = "application/vnd.kafka.binary.v2+json";
const EMBEDDED_JSON = "application/vnd.kafka.json.v2+json";

let broker: Broker;
beforeEach(async () => {
  broker = memoryBroker();
  await topicOf(broker, "t", 2);
});

const call = (path: string, sent?: Sent) => answer(send(broker, path, sent));
const post = (path: string, type: string, body: object | string) =>
  call(path, {
    method: "POST",
    headers: { "content-type": type },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

describe("REST v2", () => {
  it("lists and describes topics", async () => {
    expect((await call("/topics")).body).toEqual(["t"]);
    expect((await call("/topics/t")).body).toMatchObject({ name: "t", configs: { "cleanup.policy": "delete" } });
    expect((await call("/topics/t/partitions/1")).body).toEqual({
      partition: 1,
      leader: 1,
      replicas: [{ broker: 1, leader: true, in_sync: true }],
    });
    expect((await call("/topics/t/partitions")).body).toHaveLength(2);
    expect((await call("/brokers")).body).toEqual({ brokers: [1] });
  });

  it("answers in the type that the client likes best", async () => {
    const typeFor = async (accept: string) =>
      (await send(broker, "/topics", { headers: { accept } })).headers["content-type"];
    expect(await typeFor("application/vnd.kafka.v2+json")).toBe("application/vnd.kafka.v2+json");
    expect(await typeFor("application/json;q=0.9, text/html;q=0.1")).toBe("application/json");
    expect(await typeFor("application/vnd.kafka.v2+json; q=0.5, application/json")).toBe("application/json");
    expect((await call("/topics", { headers: { accept: "text/html" } })).status).toBe(406);
  });

  it("produces JSON and binary records, and tells of each", async () => {
    const produced = await post("/topics/t", EMBEDDED_JSON, {
      records: [
        { key: "k", value: { a: 1 }, partition: 0 },
        { value: 1, partition: 7 },
        { value: null, partition: 0 },
      ],
    });
    expect(produced).toMatchObject({ status: 200, body: { key_schema_id: null, value_schema_id: null } });
    expect(produced.body.offsets).toMatchObject([
      { partition: 0, offset: 0, error_code: null, error: null },
      { partition: 7, offset: null, error_code: 1 },
      { partition: 0, offset: 1 },
    ]);
    expect((await post("/topics/t/partitions/1", BINARY, { records: [{ value: "AQI=" }] })).body.offsets).toMatchObject(
      [{ partition: 1, offset: 0 }],
    );
    expect((await call("/topics/t/partitions/0/offsets")).body).toEqual({ beginning_offset: 0, end_offset: 2 });
  });

  it("has Confluent's codes for what is unknown or wrong", async () => {
    const records = [{ value: "AQI=" }];
    expect(await call("/topics/no")).toMatchObject({ status: 404, body: { error_code: 40401 } });
    expect(await post("/topics/no", BINARY, { records })).toMatchObject({ status: 404, body: { error_code: 40401 } });
    expect(await call("/topics/t/partitions/9")).toMatchObject({ status: 404, body: { error_code: 40402 } });
    expect(await post("/topics/t/partitions/9", BINARY, { records })).toMatchObject({
      status: 404,
      body: { error_code: 40402 },
    });
    expect(await post("/topics/t", "text/plain", { records })).toMatchObject({
      status: 415,
      body: { error_code: 415 },
    });
    expect(await post("/topics/t", "application/json", { records })).toMatchObject({ status: 415 });
    expect(await post("/topics/t", BINARY, { records: [{ value: "not base64!" }] })).toMatchObject({
      status: 422,
      body: { error_code: 42203 },
    });
    // As with Confluent, nothing to produce is 422; a body of the wrong shape is 400.
    for (const body of [{ records: [] }, {}, { records: null }]) {
      expect(await post("/topics/t", BINARY, body)).toMatchObject({ status: 422, body: { error_code: 422 } });
    }
    expect((await post("/topics/t", BINARY, { records: {} })).status).toBe(400);
    expect((await post("/topics/t", BINARY, "{")).status).toBe(400);
  });
});
