import { describe, expect, it } from "vitest";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { send } from "../../fixtures/http.ts";
import { BINARY, EMBEDDED_JSON, places, V2, withInstance } from "./v2-consumer-calls.ts";

describe("a read of a consumer instance", () => {
  it(
    "reads in the instance's format, or is answered 40601",
    withInstance(async ({ broker, get, post }) => {
      await post("g/instances/i/subscription", { topics: ["test"] });
      expect(await get("g/instances/i/records", EMBEDDED_JSON)).toMatchObject({
        status: 406,
        body: { error_code: 40601 },
      });
      const typeFor = async (accept: string) =>
        (await send(broker, "/consumers/g/instances/i/records", { headers: { accept } })).headers["content-type"];
      expect(await typeFor(V2)).toBe(V2);
      expect(await typeFor("*/*")).toBe(BINARY);
      expect(await typeFor(`${EMBEDDED_JSON}, ${BINARY};q=0.5`)).toBe(BINARY);
    }),
  );

  it(
    "is answered 40601 for a format that needs a schema registry, and 40403 before that where it is not there",
    withInstance(async ({ get, post }) => {
      await post("g/instances/i/subscription", { topics: ["test"] });
      for (const format of ["avro", "jsonschema", "protobuf"]) {
        const type = `application/vnd.kafka.${format}.v2+json`;
        const refused = await get("g/instances/i/records", type);
        expect(refused).toMatchObject({ status: 406, body: { error_code: 40601 } });
        expect(refused.body.hint).toContain("ask for binary");
        expect(await get("g/instances/none/records", type)).toMatchObject({ status: 404, body: { error_code: 40403 } });
        expect((await get("g/instances/i/records", `${type}, ${BINARY};q=0.5`)).status).toBe(200);
      }
      expect(await get("g/instances/i/records", "text/csv")).toMatchObject({ status: 406, body: { error_code: 406 } });
    }),
  );

  it(
    "hands nothing out to a HEAD, whose answer has no body",
    withInstance(async ({ broker, get, post }) => {
      await post("g/instances/i/subscription", { topics: ["test"] });
      const head = await send(broker, "/consumers/g/instances/i/records", { method: "HEAD" });
      expect([head.status, head.headers["allow"]]).toEqual([405, "GET, OPTIONS"]);
      expect(places(await get("g/instances/i/records"))).toHaveLength(3);
    }),
  );

  it(
    "hands out what comes before a record that is not JSON, then says which it is, and goes on behind it",
    withInstance(
      async ({ broker, get, post }) => {
        await topicOf(broker, "mixed");
        await produce(broker, "mixed", [{ value: "1" }, { value: "{" }, { value: "12345678901234567890.50" }]);
        await post("g/instances/i/subscription", { topics: ["mixed"] });
        expect((await get("g/instances/i/records", EMBEDDED_JSON)).body).toMatchObject([{ value: 1 }]);
        for (let times = 0; times < 2; times++) {
          const refused = await get("g/instances/i/records", EMBEDDED_JSON);
          expect(refused).toMatchObject({ status: 422, body: { error_code: 42203 } });
          expect(refused.body.message).toContain("mixed-0 at offset 1");
        }
        await post("g/instances/i/positions", { offsets: [{ topic: "mixed", partition: 0, offset: 2 }] });
        const { body } = await send(broker, "/consumers/g/instances/i/records");
        expect(body).toContain('"value":12345678901234567890.50');
      },
      { format: "json" },
    ),
  );

  it(
    "may seek behind a record that is not JSON even if it is the first of all",
    withInstance(
      async ({ broker, get, post }) => {
        await topicOf(broker, "mixed");
        await produce(broker, "mixed", [{ value: "{" }, { value: "2" }]);
        await post("g/instances/i/subscription", { topics: ["mixed"] });
        expect((await get("g/instances/i/records")).status).toBe(422);
        expect(
          (await post("g/instances/i/positions", { offsets: [{ topic: "mixed", partition: 0, offset: 1 }] })).status,
        ).toBe(204);
        expect((await get("g/instances/i/records")).body).toMatchObject([{ value: 2, offset: 1 }]);
      },
      { format: "json" },
    ),
  );
});
