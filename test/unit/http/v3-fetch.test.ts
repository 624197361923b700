import { beforeEach, describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { memoryBroker, topicOf } from "../../fixtures/broker.ts";
import { answer, type Sent, send } from "../../fixtures/http.ts";

let broker: Broker;
let cluster: string;
beforeEach(async () => {
  broker = memoryBroker();
  cluster = `/v3/clusters/${(await describeCluster(broker)).clusterId}`;
  await topicOf(broker, "t", 2);
});

const call = (path: string, sent?: Sent) => answer(send(broker, `${cluster}${path}`, sent));
const text = (data: string) => ({ type: "STRING", data });

describe("fetching over v3", () => {
  it("tells a value's type from its bytes, unless it is told one", async () => {
    const values = [{ type: "JSON", data: { a: 1 } }, text("plain"), { type: "BINARY", data: "/wA=" }, null, text("5")];
    for (const value of values)
      await call("/topics/t/records", {
        body: { partition_id: 0, value, headers: [{ name: "h", value: "AQ==" }, { name: "n" }] },
      });
    const read = async (query = "") =>
      (await call(`/topics/t/partitions/0/records${query}`)).body.data.map(({ value }: { value: unknown }) => value);
    expect(await read()).toEqual(values);
    expect(await read("?value_format=JSON&offset=4")).toEqual([{ type: "JSON", data: 5 }]);
    expect(await read("?value_format=binary&offset=4")).toEqual([{ type: "BINARY", data: "NQ==" }]);
    const { body } = await call("/topics/t/partitions/0/records?offset=3&max_bytes=1");
    expect(body.data[0].headers).toEqual([
      { name: "h", value: "AQ==" },
      { name: "n", value: null },
    ]);
    expect(body.metadata).toMatchObject({ high_watermark: 5, log_start_offset: 0, next_offset: 4 });
  });

  it("begins at an offset, a timestamp, the start or the end", async () => {
    for (const timestamp of [1000, 2000, 3000])
      await call("/topics/t/records", { body: { partition_id: 0, value: text("v"), timestamp } });
    const offsets = async (query: string) =>
      (await call(`/topics/t/partitions/0/records${query}`)).body.data.map(({ offset }: { offset: number }) => offset);
    expect(await offsets("")).toEqual([0, 1, 2]);
    expect(await offsets("?offset=earliest")).toEqual([0, 1, 2]);
    expect(await offsets("?offset=1")).toEqual([1, 2]);
    expect(await offsets("?offset=latest")).toEqual([]);
    expect(await offsets("?timestamp=1500")).toEqual([1, 2]);
    expect(await offsets("?timestamp=9999999999999")).toEqual([]);
  });

  it("out of range is 416 with both ends of the log", async () => {
    expect(await call("/topics/t/partitions/0/records?offset=5")).toMatchObject({
      status: 416,
      body: { kafka_error: "OFFSET_OUT_OF_RANGE", log_start_offset: 0, high_watermark: 0 },
    });
  });
});
