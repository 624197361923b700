import { beforeEach, describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/broker.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { RECORD_BATCHES_TYPE } from "../../../shared/http/http-message.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { memoryBroker, topicOf } from "../../fixtures/broker.ts";
import { answer, ORIGIN, type Sent, send } from "../../fixtures/http.ts";

let broker: Broker;
let cluster: string;
beforeEach(async () => {
  broker = memoryBroker();
  cluster = `/v3/clusters/${(await describeCluster(broker)).clusterId}`;
  await topicOf(broker, "t", 2);
});

const call = (path: string, sent?: Sent) => answer(send(broker, `${cluster}${path}`, sent));
const text = (data: string) => ({ type: "STRING", data });
const JSON_HEADERS = { "content-type": "application/json" };

describe("v3 resources", () => {
  it("are linked from the cluster down to a replica, under /v3 and /kafka/v3 alike", async () => {
    const found = await answer(send(broker, "/kafka/v3/clusters"));
    expect(found.body).toMatchObject({ kind: "KafkaClusterList", metadata: { next: null } });
    const follow = async (link: { related: string }) =>
      (await answer(send(broker, link.related.slice(ORIGIN.length)))).body;
    const topics = await follow(found.body.data[0].topics);
    expect(topics.data[0].metadata.self).toMatch(/\/kafka\/v3\/clusters\/.+\/topics\/t$/);
    const partitions = await follow(topics.data[0].partitions);
    expect(partitions.data.map((partition: { partition_id: number }) => partition.partition_id)).toEqual([0, 1]);
    expect(await follow(partitions.data[1].leader)).toMatchObject({
      kind: "KafkaReplica",
      is_leader: true,
      is_in_sync: true,
      broker_id: 1,
    });
    expect((await follow(found.body.data[0].brokers)).data).toMatchObject([
      { kind: "KafkaBroker", broker_id: 1, rack: "us-east-1", host: "127.0.0.1", port: 8082 },
    ]);
    expect((await call("/brokers/1/partition-replicas")).body.data).toHaveLength(2);
  });

  it("take -1 for the default count of partitions and replicas, as Kafka does, and configs that are numbers", async () => {
    const body =
      '{"topic_name":"new","partitions_count":-1,"replication_factor":-1,"configs":[{"name":"retention.ms","value":9}]}';
    expect(await call("/topics", { headers: JSON_HEADERS, body })).toMatchObject({
      status: 201,
      body: { partitions_count: 1, replication_factor: 1 },
    });
    const configOf = async (name: string) => (await call(`/topics/new/configs/${name}`)).body.value;
    expect(await configOf("retention.ms")).toBe("9");
    await call("/topics/new/configs/preallocate", { method: "PUT", body: { value: true } });
    await call("/topics/new/configs:alter", { body: { data: [{ name: "min.cleanable.dirty.ratio", value: 0.25 }] } });
    expect([await configOf("preallocate"), await configOf("min.cleanable.dirty.ratio")]).toEqual(["true", "0.25"]);
    expect((await call("/topics/new/configs/preallocate", { method: "PUT", body: { value: [] } })).status).toBe(400);
    expect((await call("/topics", { body: { topic_name: "no", partitions_count: -2 } })).status).toBe(400);
  });

  it("have lists of broker configs, which are empty: a region has none", async () => {
    for (const path of ["/broker-configs", "/brokers/1/configs", "/brokers/-/configs"]) {
      const { status, body } = await call(path);
      expect([path, status, body.data, body.metadata.self]).toEqual([path, 200, [], `${ORIGIN}${cluster}${path}`]);
    }
    expect((await call("/brokers/2/configs")).status).toBe(404);
  });

  it("that do not exist are 404", async () => {
    for (const path of [
      "/topics/no",
      "/topics/t/partitions/7",
      "/topics/t/partitions/x",
      "/brokers/9",
      "/topics/t/configs/no",
      "/topics/t/partitions/0/replicas/4",
    ]) {
      expect((await call(path)).status).toBe(404);
    }
    expect(await answer(send(broker, "/v3/clusters/other/topics"))).toMatchObject({
      status: 404,
      body: { error_code: 404 },
    });
    expect(await call("/topics/no")).toMatchObject({
      body: { error_code: 40403, kafka_error: "UNKNOWN_TOPIC_OR_PARTITION" },
    });
  });

  it("create, grow, configure and delete topics", async () => {
    const configs = [{ name: "cleanup.policy", value: "compact" }];
    const created = await call("/topics", {
      body: { topic_name: "new", partitions_count: 2, replication_factor: 1, configs },
    });
    expect(created).toMatchObject({
      status: 201,
      body: { kind: "KafkaTopic", topic_name: "new", partitions_count: 2 },
    });
    expect(await call("/topics", { body: { topic_name: "new" } })).toMatchObject({
      status: 400,
      body: { error_code: 40002, kafka_error: "TOPIC_ALREADY_EXISTS" },
    });
    expect(await call("/topics/new", { method: "PATCH", body: { partitions_count: 4 } })).toMatchObject({
      status: 200,
      body: { partitions_count: 4 },
    });
    expect(
      (
        await call("/topics/new/configs:alter", {
          body: {
            data: [
              { name: "retention.ms", value: "9" },
              { name: "cleanup.policy", operation: "DELETE" },
            ],
          },
        })
      ).status,
    ).toBe(204);
    expect((await call("/topics/new/configs/retention.ms")).body).toMatchObject({
      value: "9",
      is_default: false,
      source: "DYNAMIC_TOPIC_CONFIG",
    });
    expect((await call("/topics/new/configs/cleanup.policy")).body).toMatchObject({
      value: "delete",
      is_default: true,
    });
    expect((await call("/topics/new/configs/retention.ms", { method: "PUT", body: { value: "10" } })).status).toBe(204);
    expect((await call("/topics/new/configs/retention.ms", { method: "DELETE" })).status).toBe(204);
    expect((await call("/topics/new", { method: "DELETE" })).status).toBe(204);
    expect((await call("/topics/new")).status).toBe(404);
  });
});

describe("producing over v3", () => {
  it("answers one record with its place", async () => {
    const record = {
      partition_id: 1,
      key: text("k"),
      value: { type: "JSON", data: { a: [1] } },
      timestamp: "2024-01-02T03:04:05.678Z",
    };
    expect(await call("/topics/t/records", { body: record })).toEqual({
      status: 200,
      body: {
        error_code: 200,
        cluster_id: cluster.split("/").at(-1),
        topic_name: "t",
        partition_id: 1,
        offset: 0,
        timestamp: "2024-01-02T03:04:05.678Z",
        key: { type: "STRING", size: 1 },
        value: { type: "JSON", size: 9 },
      },
    });
  });

  it("answers several objects in order, each wrong one by itself", async () => {
    const objects = [
      { partition_id: 0, value: text("a") },
      { partition_id: 9, value: text("b") },
      { partition_id: 0, value: { type: "BINARY", data: "???" } },
      { partition_id: 0, value: { type: "AVRO", data: {} } },
      { partition_id: 0, valu: text("c") },
      { partition_id: 0, value: text("d") },
    ];
    const response = await send(broker, `${cluster}/topics/t/records`, {
      headers: JSON_HEADERS,
      body: objects.map((object) => JSON.stringify(object)).join("\n "),
    });
    const answers = String(response.body)
      .trim()
      .split("\r\n")
      .map((line) => JSON.parse(line));
    expect(response.status).toBe(200);
    expect(answers.map(({ error_code, offset }) => [error_code, offset])).toEqual([
      [200, 0],
      [40403, undefined],
      [400, undefined],
      [42206, undefined],
      [400, undefined],
      [200, 1],
    ]);
  });

  it("appends nothing of a body that is not JSON to its end", async () => {
    const body = '{"partition_id":0,"value":{"type":"STRING","data":"a"}}{"partition_id":0,';
    expect((await call("/topics/t/records", { headers: JSON_HEADERS, body })).status).toBe(400);
    expect((await call("/topics/t/partitions/0/records")).body.data).toEqual([]);
  });

  it("takes a partition and a timestamp however their numbers are written", async () => {
    const body = '{"partition_id":1.0,"timestamp":1.7e12,"value":{"type":"JSON","data":1.0}}';
    const produced = await call("/topics/t/records", { headers: JSON_HEADERS, body });
    expect(produced.body).toMatchObject({ error_code: 200, partition_id: 1, timestamp: "2023-11-14T22:13:20.000Z" });
    const entries = '{"entries":[{"id":"a","partition_id":1.0,"value":{"type":"JSON","data":[2.0]}}]}';
    const batch = await call("/topics/t/records:batch", { headers: JSON_HEADERS, body: entries });
    expect(batch.body).toMatchObject({ successes: [{ id: "a", partition_id: 1 }], failures: [] });
    const { body: found } = await send(broker, `${cluster}/topics/t/partitions/1/records?value_format=JSON`);
    expect(found).toContain('"data":1.0}');
    expect(found).toContain('"data":[2.0]}');
  });

  it("keeps numbers that a double cannot hold", async () => {
    const data = '{"id":12345678901234567890,"price":1.10,"tiny":1e-7,"plain":3}';
    await call("/topics/t/records", {
      headers: JSON_HEADERS,
      body: `{"partition_id":0,"value":{"type":"JSON","data":${data}}}`,
    });
    const response = await send(broker, `${cluster}/topics/t/partitions/0/records`);
    expect(String(response.body)).toContain(`"value":{"type":"JSON","data":${data}}`);
  });

  it("answers a batch by ids, 207", async () => {
    const entries = [
      { id: "a", partition_id: 0, value: text("1") },
      { id: "b", partition_id: 5, value: text("2") },
      { id: "c", value: { type: "STRING", data: 5 } },
    ];
    const answered = await call("/topics/t/records:batch", { body: { entries } });
    expect(answered.status).toBe(207);
    expect(answered.body.successes).toMatchObject([{ id: "a", offset: 0, partition_id: 0 }]);
    expect(answered.body.failures).toMatchObject([
      { id: "b", error_code: 40403 },
      { id: "c", error_code: 400 },
    ]);
    for (const wrong of [[], [{ id: "a" }, { id: "a" }], [{ id: 5 }], [{}], [null]]) {
      expect(await call("/topics/t/records:batch", { body: { entries: wrong } })).toMatchObject({
        status: 422,
        body: { error_code: 42208 },
      });
    }
  });

  it("is idempotent by headers, and all three of them", async () => {
    const producer = (await call("/producers", { method: "POST" })).body;
    expect(producer).toMatchObject({ kind: "KafkaProducer", producer_epoch: 0 });
    const headers = { "producer-id": String(producer.producer_id), "producer-epoch": "0", "producer-sequence": "0" };
    const body = { partition_id: 0, value: text("once") };
    const once = async (change = {}) => call("/topics/t/records", { headers: { ...headers, ...change }, body });
    expect([(await once()).body.offset, (await once()).body.offset]).toEqual([0, 0]);
    expect(await once({ "producer-sequence": "7" })).toMatchObject({
      status: 409,
      body: { kafka_error: "OUT_OF_ORDER_SEQUENCE_NUMBER" },
    });
    expect((await call("/topics/t/records", { headers: { "producer-id": "1" }, body })).status).toBe(400);
    expect((await call("/topics/t/records", { headers, body: { value: text("anywhere") } })).status).toBe(400);
    expect((await call("/topics/t/partitions/0/records")).body.data).toHaveLength(1);
  });

  it("on a condition is 409 with the log's end", async () => {
    const path = "/topics/t/partitions/0/records?expected_offset=0";
    expect((await call(path, { body: { value: text("first") } })).status).toBe(200);
    expect(await call(path, { body: { value: text("late") } })).toMatchObject({
      status: 409,
      body: { log_end_offset: 1, kafka_error: "EXPECTED_OFFSET_MISMATCH" },
    });
  });

  it("takes and gives RecordBatches as they are", async () => {
    const batch = Buffer.from(
      encodeBatch([{ key: null, value: Buffer.from("raw"), headers: [], timestamp: 5 }], { compressionType: "gzip" }),
    );
    const raw = { headers: { "content-type": RECORD_BATCHES_TYPE } };
    expect(await call("/topics/t/partitions/1/records", { ...raw, body: batch })).toMatchObject({
      status: 200,
      body: { base_offset: 0, last_offset: 0 },
    });
    const fetched = await send(broker, `${cluster}/topics/t/partitions/1/records`, {
      headers: { accept: RECORD_BATCHES_TYPE },
    });
    expect(fetched.headers).toMatchObject({
      "content-type": RECORD_BATCHES_TYPE,
      "millrace-high-watermark": "1",
      "millrace-next-offset": "1",
      "millrace-log-start-offset": "0",
    });
    expect(Buffer.from(fetched.body as Uint8Array).equals(batch)).toBe(true);
    for (const body of [new Uint8Array(), batch.subarray(3), Buffer.concat([batch, Buffer.from("x")])]) {
      expect((await call("/topics/t/partitions/1/records", { ...raw, body })).status).toBe(422);
    }
  });
});
