import { describe, expect, it } from "vitest";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { calls, places, withEndpoints } from "./v2-consumer-calls.ts";

describe("a consumer instance of the REST Proxy v2", () => {
  it(
    "takes a partition that is named twice for one, the last word counting, as Confluent's sets and maps of them do",
    withEndpoints(async ({ broker }) => {
      await topicOf(broker, "test");
      await produce(broker, "test", [{}, {}, {}]);
      const { get, post } = calls(broker);
      const place = { topic: "test", partition: 0 };
      await post("g", { name: "i", "auto.offset.reset": "earliest", "auto.commit.enable": "false" });
      expect((await post("g/instances/i/assignments", { partitions: [place, place] })).status).toBe(204);
      expect((await get("g/instances/i/assignments")).body).toEqual({ partitions: [place] });
      const offsets = [2, 0].map((offset) => ({ ...place, offset }));
      expect((await post("g/instances/i/offsets", { offsets })).status).toBe(200);
      expect((await get("g/instances/i/offsets?partitions=test:0")).body).toMatchObject({ offsets: [{ offset: 1 }] });
      expect((await post("g/instances/i/positions", { offsets })).status).toBe(204);
      expect(places(await get("g/instances/i/records"))).toEqual(["test-0@0", "test-0@1", "test-0@2"]);
    }),
  );
});
