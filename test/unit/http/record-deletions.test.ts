import { beforeEach, describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { MemorySegmentRegistry } from "../../../shared/storage/memory/memory-segment-registry.ts";
import { memoryBroker, produce, topicOf } from "../../fixtures/broker.ts";
import { answer, send } from "../../fixtures/http.ts";

let broker: Broker;
let cluster: string;
beforeEach(async () => {
  broker = memoryBroker({ segmentRegistry: new MemorySegmentRegistry() });
  cluster = `/v3/clusters/${(await describeCluster(broker)).clusterId}`;
  await topicOf(broker, "t");
  for (let record = 0; record < 5; record++) await produce(broker, "t", [{ value: `v${record}` }]);
});

const remove = (query: string, path = "/topics/t/partitions/0/records") =>
  answer(send(broker, `${cluster}${path}${query}`, { method: "DELETE" }));
const fetched = (offset: number) =>
  answer(send(broker, `${cluster}/topics/t/partitions/0/records?offset=${offset}&value_format=STRING`));

describe("a deletion of records over HTTP", () => {
  it("moves the log's start, and readers below are out of range at once", async () => {
    const deleted = await remove("?before_offset=3");
    expect(deleted.status).toBe(200);
    expect(deleted.body).toMatchObject({ kind: "KafkaDeletedRecords", partition_id: 0, low_watermark: 3 });
    expect(await fetched(2)).toMatchObject({ status: 416, body: { log_start_offset: 3, high_watermark: 5 } });
    const { body } = await fetched(3);
    expect(body.data.map(({ offset }: { offset: number }) => offset)).toEqual([3, 4]);
    const offsets = await answer(send(broker, `${cluster}/topics/t/partitions/0/offset`));
    expect(offsets.body).toMatchObject({ earliest_offset: 3, latest_offset: 5 });
  });

  it("of all records is -1, and what is appended afterwards begins where they ended", async () => {
    expect((await remove("?before_offset=-1")).body.low_watermark).toBe(5);
    expect(await produce(broker, "t", [{ value: "next" }])).toEqual(["0:5"]);
    expect((await fetched(5)).body.data).toHaveLength(1);
  });

  it("never moves the start back", async () => {
    await remove("?before_offset=4");
    expect((await remove("?before_offset=2")).body.low_watermark).toBe(4);
  });

  it("above the highWatermark is refused, as Kafka does", async () => {
    expect(await remove("?before_offset=6")).toMatchObject({
      status: 416,
      body: { kafka_error: "OFFSET_OUT_OF_RANGE", hint: "use -1 to delete all records" },
    });
  });

  it("of a topic that is only compacted is refused", async () => {
    await topicOf(broker, "c", 1, { "cleanup.policy": "compact" });
    expect(await remove("?before_offset=0", "/topics/c/partitions/0/records")).toMatchObject({
      status: 400,
      body: { kafka_error: "POLICY_VIOLATION" },
    });
  });

  it("needs an offset, and a partition that there is", async () => {
    for (const query of ["", "?before_offset=-2", "?before_offset=x", "?before_offset=1&more=2"]) {
      expect({ query, ...(await remove(query)) }).toMatchObject({ query, status: 400 });
    }
    expect((await remove("?before_offset=0", "/topics/t/partitions/7/records")).status).toBe(404);
    expect((await remove("?before_offset=0", "/topics/nope/partitions/0/records")).status).toBe(404);
  });
});
