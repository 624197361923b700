import { describe, expect, it } from "vitest";
import { answer, send } from "../../fixtures/http.ts";
import { places, withInstance } from "./v2-consumer-calls.ts";

const TOPIC = [{ topic: "test", partition: 0 }];

describe("what a consumer instance is created with", () => {
  it(
    "is refused with Confluent's codes where it is wrong, and with what would be right",
    withInstance(async ({ post }) => {
      const cases: [object, number, number, string][] = [
        [{ format: "avro" }, 422, 422, "schema registry"],
        [{ format: "protobuf" }, 422, 422, "schema registry"],
        [{ format: "jsonschema" }, 422, 422, "schema registry"],
        [{ format: "xml" }, 422, 422, "binary or json"],
        [{ "auto.offset.reset": "first" }, 422, 42204, "latest, earliest or none"],
        [{ "auto.commit.enable": "maybe" }, 422, 42204, "true or false"],
        [{ "consumer.request.timeout.ms": "soon" }, 422, 42204, "an integer"],
        [{ "consumer.request.timeout.ms": -1 }, 422, 42204, "milliseconds"],
        [{ "fetch.min.bytes": 10_000_001 }, 422, 40001, "-1 to 10000000"],
        [{ "fetch.min.bytes": 1.5 }, 422, 42204, "an integer"],
        [{ "isolation.level": "dirty" }, 422, 42204, "read_committed"],
        [{ name: "n".repeat(256) }, 400, 40002, "at most 255 characters"],
        [{ name: "" }, 400, 40002, "cannot be empty"],
        // Clients and proxies resolve these before they ask: nobody could call the instance by its base_uri.
        [{ name: ".." }, 400, 40002, "part of a path"],
        [{ id: "." }, 400, 40002, "another name, or none"],
        [{ autoCommit: true }, 400, 400, "unknown field"],
        [{ name: 7 }, 400, 400, "field name"],
      ];
      for (const [config, status, error_code, text] of cases) {
        const refused = await post("g", config);
        expect(refused, JSON.stringify(config)).toMatchObject({ status, body: { error_code } });
        expect(JSON.stringify(refused.body)).toContain(text);
      }
      expect(await post("g".repeat(256), {})).toMatchObject({ status: 400, body: { kafka_error: "INVALID_GROUP_ID" } });
      expect((await post("g", "{")).status).toBe(400);
      expect((await post("g", "[]")).status).toBe(400);
    }),
  );

  it(
    "has a name that no other instance of the group has",
    withInstance(async ({ post, remove }) => {
      expect(await post("g", { name: "i" })).toMatchObject({ status: 409, body: { error_code: 40902 } });
      expect((await post("g2", { name: "i" })).status).toBe(200);
      await remove("g/instances/i");
      expect((await post("g", { name: "i" })).status).toBe(200);
    }),
  );

  it(
    "takes Confluent's older names, texts for numbers, and Strimzi's",
    withInstance(async ({ post, instances }) => {
      const given = {
        responseMinBytes: "5",
        requestWaitMs: "700",
        "enable.auto.commit": false,
        format: "JSON",
        "isolation.level": "read_committed",
      };
      expect((await post("g", { name: "j", ...given })).status).toBe(200);
      expect(await instances.readInstance({ groupId: "g", instanceId: "j" })).toMatchObject({
        minBytes: 5,
        requestTimeoutMs: 700,
        autoCommit: false,
        format: "json",
        autoOffsetReset: "latest",
      });
    }),
  );
});

describe("a call to a consumer instance", () => {
  it(
    "is answered 40403 where there is no such instance, or group",
    withInstance(async ({ get, post, remove }) => {
      for (const name of ["g/instances/j", "none/instances/i", `g/instances/${"x".repeat(300)}`]) {
        const answers = [
          await remove(name),
          await get(`${name}/subscription`),
          await post(`${name}/subscription`, { topics: ["test"] }),
          await remove(`${name}/subscription`),
          await get(`${name}/assignments`),
          await post(`${name}/assignments`, { partitions: TOPIC }),
          await post(`${name}/positions`, { offsets: [] }),
          await post(`${name}/positions/beginning`, { partitions: TOPIC }),
          await post(`${name}/positions/end`, { partitions: TOPIC }),
          await post(`${name}/offsets`),
          await get(`${name}/offsets?partitions=test:0`),
          await get(`${name}/records`),
        ];
        for (const each of answers) expect(each).toMatchObject({ status: 404, body: { error_code: 40403 } });
      }
    }),
  );

  it(
    "cannot mix subscriptions by name, by pattern and assignments",
    withInstance(async ({ post, remove }) => {
      const exclusive = { status: 409, body: { error_code: 40903 } };
      const ways: [string, object][] = [
        ["subscription", { topics: ["test"] }],
        ["subscription", { topic_pattern: "te.*" }],
        ["assignments", { partitions: TOPIC }],
      ];
      for (const [path, body] of ways) {
        expect((await post(`g/instances/i/${path}`, body)).status).toBe(204);
        for (const [otherPath, other] of ways) {
          const second = await post(`g/instances/i/${otherPath}`, other);
          if (other === body) expect(second.status).toBe(204);
          else expect(second).toMatchObject(exclusive);
        }
        expect((await remove("g/instances/i/subscription")).status).toBe(204);
      }
      expect(await post("g/instances/i/subscription", { topics: ["a"], topic_pattern: "b" })).toMatchObject(exclusive);
    }),
  );

  it(
    "is refused by what is wrong with it, and leaves the instance as it was",
    withInstance(async ({ broker, get, post }) => {
      await post("g/instances/i/subscription", { topics: ["test"] });
      await get("g/instances/i/records?max_bytes=1");
      const many = Array.from({ length: 10_001 }, (_, partition) => ({ topic: "test", partition }));
      const cases: [string, object | string | undefined, number, number][] = [
        ["subscription", { topics: ["not a name"] }, 400, 40002],
        ["subscription", { topics: Array.from({ length: 1_001 }, (_, index) => `t${index}`) }, 400, 40002],
        ["subscription", { topics: "test" }, 400, 400],
        ["subscription", {}, 422, 422],
        ["subscription", undefined, 422, 42206],
        ["positions", { offsets: [{ ...TOPIC[0], offset: -1 }] }, 400, 40002],
        ["positions", { offsets: [{ topic: "test", partition: 7, offset: 1 }] }, 409, 40903],
        ["positions", { offsets: [{ ...TOPIC[0], offset: 1.5 }] }, 400, 400],
        ["positions", { timestamps: [{ ...TOPIC[0], timestamp: "yesterday" }] }, 422, 422],
        ["positions", { offsets: many.map((each) => ({ ...each, offset: 1 })) }, 400, 40002],
        ["positions/end", { partitions: [{ topic: "gone", partition: 0 }] }, 409, 40903],
        ["positions/beginning", { partitions: [{ topic: "test" }] }, 400, 400],
        ["offsets", { offsets: [{ ...TOPIC[0], offset: -1 }] }, 422, 422],
        ["offsets", { offsets: [{ topic: "gone", partition: 0, offset: 1 }] }, 404, 40401],
        ["offsets", { offsets: [{ topic: "test", partition: 2, offset: 1 }] }, 404, 40402],
        ["offsets", { offsets: [{ ...TOPIC[0], offset: 1, metadata: "m".repeat(5_000) }] }, 422, 42206],
        ["offsets", { offsets: many.map((each) => ({ ...each, offset: 1 })) }, 400, 40002],
        ["offsets", "{", 400, 400],
      ];
      for (const [path, body, status, error_code] of cases) {
        const refused = await post(`g/instances/i/${path}`, body);
        expect(refused, `${path} ${JSON.stringify(body)?.slice(0, 100)}`).toMatchObject({
          status,
          body: { error_code },
        });
      }
      expect(await get("g/instances/i/offsets")).toMatchObject({ status: 404, body: { error_code: 40402 } });
      expect(await get("g/instances/i/offsets?partitions=test")).toMatchObject({
        status: 404,
        body: { error_code: 40402 },
      });
      expect((await get("g/instances/i/records?timeout=soon")).status).toBe(400);
      const text = { method: "POST", headers: { "content-type": "text/plain" }, body: "x" };
      expect((await answer(send(broker, "/consumers/g/instances/i/offsets", text))).status).toBe(415);
      expect(places(await get("g/instances/i/records"))).toEqual(["test-0@1", "test-0@2"]);
      expect((await post("g/instances/i/offsets")).status).toBe(200);
    }),
  );

  it(
    "does not read before it consumes something, and not what does not exist",
    withInstance(async ({ get, post }) => {
      expect(await get("g/instances/i/records")).toMatchObject({ status: 409, body: { error_code: 40903 } });
      const assign = (topic: string, partition: number) =>
        post("g/instances/i/assignments", { partitions: [{ topic, partition }] });
      expect(await assign("gone", 0)).toMatchObject({ status: 404, body: { error_code: 40401 } });
      expect(await assign("test", 2)).toMatchObject({ status: 404, body: { error_code: 40402 } });
      expect(await assign("test", -1)).toMatchObject({ status: 404, body: { error_code: 40402 } });
      expect(await get("g/instances/i/records")).toMatchObject({ status: 409, body: { error_code: 40903 } });
      expect((await post("g/instances/i/subscription", { topics: ["later"] })).status).toBe(204);
      expect(await get("g/instances/i/records")).toEqual({ status: 200, body: [] });
    }),
  );

  it(
    "bounds patterns: in length, and to what is matched in linear time",
    withInstance(async ({ get, post }) => {
      const subscribe = (topic_pattern: string) => post("g/instances/i/subscription", { topic_pattern });
      for (const pattern of ["(a", "(?=a)b", "(a)\\1", "a".repeat(1_001)]) {
        expect(await subscribe(pattern)).toMatchObject({
          status: 400,
          body: { error_code: 40002, kafka_error: "INVALID_REGULAR_EXPRESSION" },
        });
      }
      expect((await subscribe("(t|te|tes|test)*")).status).toBe(204);
      expect(places(await get("g/instances/i/records"))).toHaveLength(3);
    }),
  );

  it(
    "with auto.offset.reset none has to seek where nothing is committed",
    withInstance(
      async ({ get, post }) => {
        await post("g/instances/i/subscription", { topics: ["test"] });
        for (let times = 0; times < 2; times++) {
          expect(await get("g/instances/i/records")).toMatchObject({
            status: 416,
            body: { kafka_error: "OFFSET_OUT_OF_RANGE" },
          });
        }
        const offsets = [0, 1].map((partition) => ({ topic: "test", partition, offset: 0 }));
        expect((await post("g/instances/i/positions", { offsets })).status).toBe(204);
        expect(places(await get("g/instances/i/records"))).toHaveLength(3);
        const [beyond] = offsets;
        await post("g/instances/i/positions", { offsets: [{ ...beyond, offset: 90 }] });
        expect(await get("g/instances/i/records")).toMatchObject({ status: 416 });
        await post("g/instances/i/positions", { offsets: [beyond] });
        expect(places(await get("g/instances/i/records"))).toHaveLength(3);
      },
      { "auto.offset.reset": "none" },
    ),
  );

  it(
    "commits as no member only while its group has none",
    withInstance(async ({ get, post }) => {
      await post("g", { name: "member", "auto.offset.reset": "earliest" });
      await post("g/instances/member/subscription", { topics: ["test"] });
      await get("g/instances/member/records");
      await post("g/instances/i/assignments", { partitions: TOPIC });
      expect(await post("g/instances/i/offsets", { offsets: [{ ...TOPIC[0], offset: 1 }] })).toMatchObject({
        status: 409,
        body: { error_code: 409, kafka_error: "UNKNOWN_MEMBER_ID" },
      });
      expect(places(await get("g/instances/i/records"))).toHaveLength(3);
    }),
  );
});
