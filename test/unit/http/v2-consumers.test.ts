import { describe, expect, it } from "vitest";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { ORIGIN, send } from "../../fixtures/http.ts";
import { BINARY, calls, EMBEDDED_JSON, places, V2, withEndpoints } from "./v2-consumer-calls.ts";

/** As in the README and the reference of Confluent's REST Proxy. */
describe("a consumer instance of the REST Proxy v2", () => {
  it(
    "lives as in Confluent's quick start: created, subscribed, read, deleted",
    withEndpoints(async ({ broker }) => {
      await topicOf(broker, "jsontest");
      await produce(broker, "jsontest", [{ value: '{"name": "testUser"}' }]);
      const { get, post, remove } = calls(broker);
      expect(
        await post("my_json_consumer", {
          name: "my_consumer_instance",
          format: "json",
          "auto.offset.reset": "earliest",
        }),
      ).toEqual({
        status: 200,
        body: {
          instance_id: "my_consumer_instance",
          base_uri: `${ORIGIN}/consumers/my_json_consumer/instances/my_consumer_instance`,
        },
      });
      const instance = "my_json_consumer/instances/my_consumer_instance";
      expect(await post(`${instance}/subscription`, { topics: ["jsontest"] })).toEqual({
        status: 204,
        body: undefined,
      });
      expect(await get(`${instance}/subscription`)).toEqual({ status: 200, body: { topics: ["jsontest"] } });
      const read = await send(broker, `/consumers/${instance}/records`, { headers: { accept: EMBEDDED_JSON } });
      expect(read.headers["content-type"]).toBe(EMBEDDED_JSON);
      expect(read.body).toBe('[{"topic":"jsontest","key":null,"value":{"name": "testUser"},"partition":0,"offset":0}]');
      expect(await get(`${instance}/assignments`)).toEqual({
        status: 200,
        body: { partitions: [{ topic: "jsontest", partition: 0 }] },
      });
      expect(await remove(instance)).toEqual({ status: 204, body: undefined });
      expect(await get(`${instance}/subscription`)).toMatchObject({
        status: 404,
        body: { error_code: 40403, message: "Consumer instance not found." },
      });
    }),
  );

  it(
    "hands records out once each, in base64 in the binary format",
    withEndpoints(async ({ broker }) => {
      await topicOf(broker, "test");
      await produce(broker, "test", [{ key: "key", value: "confluent" }, { value: null }]);
      const { get, post } = calls(broker);
      await post("g", { name: "i", "auto.offset.reset": "earliest" });
      await post("g/instances/i/subscription", { topics: ["test"] });
      expect((await get("g/instances/i/records", BINARY)).body).toEqual([
        { topic: "test", key: "a2V5", value: "Y29uZmx1ZW50", partition: 0, offset: 0 },
        { topic: "test", key: null, value: null, partition: 0, offset: 1 },
      ]);
      expect((await get("g/instances/i/records", BINARY)).body).toEqual([]);
      await produce(broker, "test", [{ value: "more" }]);
      expect(places(await get("g/instances/i/records"))).toEqual(["test-0@2"]);
    }),
  );

  it(
    "commits what was handed out, and tells what is committed",
    withEndpoints(async ({ broker }) => {
      await topicOf(broker, "test", 2);
      await produce(broker, "test", [{ partition: 0 }, { partition: 0 }, { partition: 1 }]);
      const { get, post } = calls(broker);
      await post("g", { name: "i", "auto.offset.reset": "earliest", "auto.commit.enable": "false" });
      await post("g/instances/i/subscription", { topics: ["test"] });
      const partitions = { partitions: [0, 1].map((partition) => ({ topic: "test", partition })) };
      expect(await get("g/instances/i/offsets", V2, partitions)).toEqual({ status: 200, body: { offsets: [] } });
      await get("g/instances/i/records");
      expect((await get("g/instances/i/offsets", V2, partitions)).body).toEqual({ offsets: [] });
      expect(await post("g/instances/i/offsets")).toEqual({ status: 200, body: [] });
      const committed = [
        { topic: "test", partition: 0, offset: 2, metadata: "" },
        { topic: "test", partition: 1, offset: 1, metadata: "" },
      ];
      expect((await get("g/instances/i/offsets", V2, partitions)).body).toEqual({ offsets: committed });
      expect((await get("g/instances/i/offsets?partitions=test:1,test:0,gone:7")).body).toEqual({
        offsets: committed.toReversed(),
      });
    }),
  );

  it(
    "commits offset + 1 of a body, with its metadata",
    withEndpoints(async ({ broker }) => {
      await topicOf(broker, "test");
      await produce(
        broker,
        "test",
        Array.from({ length: 30 }, () => ({})),
      );
      const { get, post } = calls(broker);
      await post("g", { name: "i", "auto.offset.reset": "earliest", "auto.commit.enable": false });
      await post("g/instances/i/subscription", { topics: ["test"] });
      await get("g/instances/i/records");
      const offsets = [{ topic: "test", partition: 0, offset: 20, metadata: "mine" }];
      expect(await post("g/instances/i/offsets", { offsets })).toEqual({ status: 200, body: [] });
      expect((await get("g/instances/i/offsets?partitions=test:0")).body.offsets).toEqual([
        { topic: "test", partition: 0, offset: 21, metadata: "mine" },
      ]);
    }),
  );

  it(
    "in Strimzi's dialect commits a body's offsets as they are, and answers 204",
    withEndpoints(
      async ({ broker }) => {
        await topicOf(broker, "test");
        const { get, post } = calls(broker);
        await post("g", { name: "i", "auto.offset.reset": "earliest", "enable.auto.commit": false });
        const offsets = [{ topic: "test", partition: 0, offset: 20 }];
        expect(await post("g/instances/i/offsets", { offsets })).toEqual({ status: 204, body: undefined });
        expect((await get("g/instances/i/offsets?partitions=test:0")).body.offsets).toMatchObject([{ offset: 20 }]);
        expect((await post("g/instances/i/offsets", {})).status).toBe(204);
      },
      { consumerDialect: "strimzi" },
    ),
  );

  it(
    "reads partitions that it was assigned by hand, and is no member of its group",
    withEndpoints(async ({ broker }) => {
      await topicOf(broker, "test", 3);
      await produce(broker, "test", [{ partition: 0 }, { partition: 1 }, { partition: 2 }]);
      const { get, post, remove } = calls(broker);
      for (const name of ["i", "j"]) {
        await post("g", { name, "auto.offset.reset": "earliest", "auto.commit.enable": "false" });
        const partitions = [1, 0].map((partition) => ({ topic: "test", partition }));
        expect((await post(`g/instances/${name}/assignments`, { partitions })).status).toBe(204);
        expect((await get(`g/instances/${name}/assignments`)).body.partitions).toEqual(partitions.toReversed());
        expect(places(await get(`g/instances/${name}/records`)).sort()).toEqual(["test-0@0", "test-1@0"]);
      }
      expect((await post("g/instances/i/offsets")).status).toBe(200);
      expect((await get("g/instances/j/offsets?partitions=test:0,test:1,test:2")).body.offsets).toMatchObject([
        { partition: 0, offset: 1 },
        { partition: 1, offset: 1 },
      ]);
      // What is in both assignments goes on where it is.
      const partitions = [1, 2].map((partition) => ({ topic: "test", partition }));
      await post("g/instances/i/assignments", { partitions });
      expect(places(await get("g/instances/i/records"))).toEqual(["test-2@0"]);
      expect((await remove("g/instances/i/subscription")).status).toBe(204);
      expect((await get("g/instances/i/assignments")).body).toEqual({ partitions: [] });
    }),
  );

  it(
    "seeks: to offsets, to timestamps, to the beginning and to the end",
    withEndpoints(async ({ broker }) => {
      await topicOf(broker, "test");
      const at = Date.parse("2023-01-31T12:00:00Z");
      await produce(
        broker,
        "test",
        [0, 1, 2, 3].map((minute) => ({ timestamp: at + minute * 60_000 })),
      );
      const { get, post } = calls(broker);
      await post("g", { name: "i", "auto.offset.reset": "earliest" });
      const partitions = [{ topic: "test", partition: 0 }];
      await post("g/instances/i/assignments", { partitions });
      const seeks = async (path: string, body: object) => {
        expect(await post(`g/instances/i/positions${path}`, body)).toEqual({ status: 204, body: undefined });
        return places(await get("g/instances/i/records"));
      };
      expect(await seeks("", { offsets: [{ topic: "test", partition: 0, offset: 3 }] })).toEqual(["test-0@3"]);
      expect(await seeks("/end", { partitions })).toEqual([]);
      expect(await seeks("/beginning", { partitions })).toHaveLength(4);
      const timestamps = [{ topic: "test", partition: 0, timestamp: "2023-01-31T13:01:30+01:00" }];
      expect(await seeks("", { timestamps })).toEqual(["test-0@2", "test-0@3"]);
      expect(await seeks("", { timestamps: [{ ...timestamps[0], timestamp: "2023-06-01T00:00:00Z" }] })).toEqual([]);
      expect(await seeks("/beginning", { partitions: [] })).toHaveLength(4);
      // Outside of the log: where auto.offset.reset says.
      expect(await seeks("", { offsets: [{ topic: "test", partition: 0, offset: 2 ** 53 - 1 }] })).toHaveLength(4);
    }),
  );

  it(
    "subscribes to the topics that a pattern matches, those that come later too",
    withEndpoints(async ({ broker, wait }) => {
      await topicOf(broker, "orders.eu");
      await topicOf(broker, "returns");
      await produce(broker, "orders.eu", [{}]);
      const { get, post } = calls(broker);
      await post("g", { name: "i", "auto.offset.reset": "earliest" });
      await post("g/instances/i/subscription", { topic_pattern: "orders\\..*" });
      expect(places(await get("g/instances/i/records"))).toEqual(["orders.eu-0@0"]);
      await topicOf(broker, "orders.us");
      await produce(broker, "orders.us", [{}]);
      await wait(31_000);
      expect(places(await get("g/instances/i/records?timeout=10000"))).toEqual(["orders.us-0@0"]);
      expect((await get("g/instances/i/subscription")).body.topics.sort()).toEqual(["orders.eu", "orders.us"]);
    }),
  );

  it(
    "waits for records as long as it is told, and for a minimum of bytes",
    withEndpoints(async ({ broker, wait }) => {
      await topicOf(broker, "test");
      const { get, post } = calls(broker);
      const now = () => broker.clock.now();
      await post("g", { name: "i", "auto.offset.reset": "earliest" });
      await post("g/instances/i/subscription", { topics: ["test"] });
      const timed = async (path: string) => {
        const begunAt = now();
        const read = await get(path);
        return { ms: now() - begunAt, places: places(read) };
      };
      expect(await timed("g/instances/i/records")).toEqual({ ms: 1_000, places: [] });
      expect(await timed("g/instances/i/records?timeout=7000")).toEqual({ ms: 7_000, places: [] });
      expect((await timed("g/instances/i/records?timeout=99999999999")).ms).toBe(25_000);
      const waiting = timed("g/instances/i/records?timeout=20000");
      await wait(3_000);
      await produce(broker, "test", [{}]);
      expect(await waiting).toMatchObject({ places: ["test-0@0"] });

      await post("g2", {
        name: "i",
        "auto.offset.reset": "earliest",
        "fetch.min.bytes": "150",
        "consumer.request.timeout.ms": "9000",
      });
      await post("g2/instances/i/subscription", { topics: ["test"] });
      const two = timed("g2/instances/i/records?timeout=20000");
      await wait(2_000);
      await produce(broker, "test", [{ value: "x".repeat(100) }]);
      const { ms, places: read } = await two;
      expect(read).toEqual(["test-0@0", "test-0@1"]);
      expect(ms).toBeLessThan(4_000);
      expect(await timed("g2/instances/i/records?timeout=20000")).toEqual({ ms: 9_000, places: [] });
    }),
  );

  it(
    "ends an answer before max_bytes of keys and values, the first record always in it",
    withEndpoints(async ({ broker }) => {
      await topicOf(broker, "test");
      await produce(
        broker,
        "test",
        Array.from({ length: 5 }, () => ({ key: "1234", value: "x".repeat(96) })),
      );
      const { get, post } = calls(broker);
      await post("g", { name: "i", "auto.offset.reset": "earliest" });
      await post("g/instances/i/subscription", { topics: ["test"] });
      expect(places(await get("g/instances/i/records?max_bytes=250"))).toEqual(["test-0@0", "test-0@1"]);
      expect(places(await get("g/instances/i/records?max_bytes=10"))).toEqual(["test-0@2"]);
      expect(places(await get("g/instances/i/records?max_bytes=-1"))).toEqual(["test-0@3", "test-0@4"]);
    }),
  );

  it(
    "with auto commit commits what a poll handed out with the next one, and when it is deleted",
    withEndpoints(async ({ broker }) => {
      await topicOf(broker, "test");
      await produce(broker, "test", [{}, {}]);
      const { get, post, remove } = calls(broker);
      await post("g", { name: "i", "auto.offset.reset": "earliest" });
      await post("g/instances/i/subscription", { topics: ["test"] });
      const committed = async () =>
        (await get("g/instances/i/offsets?partitions=test:0")).body.offsets.map(
          ({ offset }: { offset: number }) => offset,
        );
      await get("g/instances/i/records?max_bytes=1");
      expect(await committed()).toEqual([]);
      await get("g/instances/i/records?max_bytes=1");
      expect(await committed()).toEqual([1]);
      await remove("g/instances/i");
      await post("g", { name: "i" });
      expect(await committed()).toEqual([2]);
    }),
  );

  it(
    "names itself where nobody names it, and takes an id for a name",
    withEndpoints(async ({ broker }) => {
      const { post, get } = calls(broker);
      const { body } = await post("g");
      expect(body.instance_id).toMatch(/^rest-consumer-[\w-]{22}$/);
      expect((await get(`g/instances/${body.instance_id}/assignments`)).body).toEqual({ partitions: [] });
      expect((await post("g", { id: "a/b c", name: "n" })).body).toEqual({
        instance_id: "a/b c",
        base_uri: `${ORIGIN}/consumers/g/instances/a%2Fb%20c`,
      });
      expect((await get("g/instances/a%2Fb%20c/subscription")).body).toEqual({ topics: [] });
    }),
  );
});
