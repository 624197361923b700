import { beforeAll, describe, expect, it } from "vitest";
import { RECORD_BATCHES_TYPE } from "../../shared/http/http-message.ts";
import { decodeRecords } from "../../shared/record/decode-batch.ts";
import { encodeBatch } from "../../shared/record/encode-batch.ts";
import { readBatchHeader } from "../../shared/record/read-batch-header.ts";
import { apiKey } from "./control-plane.ts";
import { deployment } from "./deployment.ts";
import { type Face, openFace } from "./face.ts";
import { objectsUnder } from "./segments.ts";

const first = deployment("first");
let face: Face;
beforeAll(async () => {
  face = await openFace(first, "ApiKey", { "x-api-key": await apiKey(first, "default") });
});

const text = (data: string) => ({ value: { type: "STRING", data } });
const values = (body: { data: { value: { data: unknown } }[] }) => body.data.map(({ value }) => value.data);
const batchOf = (...data: (string | Uint8Array)[]) =>
  encodeBatch(
    data.map((value) => ({ key: null, value: Buffer.from(value), headers: [], timestamp: 1_767_322_800_000 })),
    { compressionType: "zstd" },
  );

describe("a deployed log", () => {
  it("takes records as JSON, one, several and in a batch, and gives them back in their order", async () => {
    const { v3, createTopic } = face;
    await createTopic("json");
    const one = await v3("/topics/json/records", { body: { key: { type: "STRING", data: "k" }, ...text("one") } });
    expect([one.status, one.body]).toMatchObject([200, { error_code: 200, partition_id: 0, offset: 0 }]);
    const two = await v3("/topics/json/records", {
      body: [text("two"), text("three")].map((it) => JSON.stringify(it)).join(" "),
    });
    const lines = two.text
      .trim()
      .split("\r\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ error_code, offset }) => [error_code, offset])).toEqual([
      [200, 1],
      [200, 2],
    ]);
    const entries = [
      { id: "a", ...text("four") },
      { id: "b", value: { type: "AVRO", data: 1 } },
    ];
    const batch = await v3("/topics/json/records:batch", { body: { entries } });
    expect([batch.status, batch.body]).toMatchObject([
      207,
      { successes: [{ id: "a", offset: 3 }], failures: [{ id: "b" }] },
    ]);
    const read = await v3("/topics/json/partitions/0/records?offset=0");
    expect(read.body.metadata).toMatchObject({ next_offset: 4, high_watermark: 4, log_start_offset: 0 });
    expect(values(read.body)).toEqual(["one", "two", "three", "four"]);
    expect(read.body.data[0].key).toEqual({ type: "STRING", data: "k" });
  });

  it("takes RecordBatches as they are and gives them back byte for byte, but for where they begin", async () => {
    const { v3, createTopic } = face;
    await createTopic("raw");
    const batch = batchOf(Buffer.from([0, 255, 254, 128]), "two");
    const headers = { "content-type": RECORD_BATCHES_TYPE };
    for (const offset of [0, 2]) {
      const produced = await v3("/topics/raw/partitions/0/records", { body: batch, headers });
      expect([produced.status, produced.body]).toMatchObject([200, { base_offset: offset }]);
    }
    const read = await v3("/topics/raw/partitions/0/records?offset=0", { headers: { accept: RECORD_BATCHES_TYPE } });
    expect([read.status, read.headers["content-type"], read.headers["millrace-next-offset"]]).toEqual([
      200,
      RECORD_BATCHES_TYPE,
      "4",
    ]);
    expect(read.bytes.length).toBe(2 * batch.length);
    for (const [at, offset] of [[0, 0] as const, [batch.length, 2] as const]) {
      const header = readBatchHeader(read.bytes, at);
      expect(header.baseOffset).toBe(offset);
      // Beyond baseOffset and partitionLeaderEpoch, which lie outside of the CRC, nothing is changed.
      expect(read.bytes.subarray(at + 16, at + batch.length).equals(Buffer.from(batch.subarray(16)))).toBe(true);
      expect(decodeRecords(read.bytes, at, header).map(({ value }) => Buffer.from(value!).toString("hex"))).toEqual([
        "00fffe80",
        Buffer.from("two").toString("hex"),
      ]);
    }
  });

  it("puts a large batch into the bucket and reads it from there", async () => {
    const { v3, createTopic } = face;
    const topicId = await createTopic("large");
    const large = Buffer.alloc(600_000, "large ").toString();
    expect((await v3("/topics/large/records", { body: text(large) })).body).toMatchObject({ offset: 0 });
    expect((await v3("/topics/large/records", { body: text("small") })).body).toMatchObject({ offset: 1 });
    expect(await objectsUnder(first, `${topicId}/`)).toHaveLength(1);
    const read = await v3("/topics/large/partitions/0/records?offset=0&max_bytes=3145728");
    expect(values(read.body)).toEqual([large, "small"]);
  });

  it("answers a long poll with what comes while it waits, from another function", async () => {
    const { v3, createTopic } = face;
    await createTopic("polled");
    expect(values((await v3("/topics/polled/partitions/0/records?offset=0&timeout_ms=200")).body)).toEqual([]);
    const poll = v3("/topics/polled/partitions/0/records?offset=0&timeout_ms=20000");
    await v3("/topics/polled/records", { body: text("at last") });
    const { status, body } = await poll;
    expect([status, values(body)]).toEqual([200, ["at last"]]);
  });

  it("writes what was produced with acks=0, although the answer came before; in whichever order", async () => {
    const { v3, createTopic } = face;
    await createTopic("unacknowledged");
    for (const data of ["one", "two"]) {
      const { body } = await v3("/topics/unacknowledged/records?acks=0", { body: text(data) });
      expect(body).toMatchObject({ error_code: 200, offset: -1 });
    }
    // Each by an asynchronous invocation of its own.
    const read = async () => values((await v3("/topics/unacknowledged/partitions/0/records?offset=0")).body).toSorted();
    await expect.poll(read, { timeout: 20_000 }).toEqual(["one", "two"]);
  });

  it("gives each of many writers at once, in processes of their own, offsets of its own", async () => {
    const { v3, createTopic } = face;
    await createTopic("contended");
    const sent = Array.from({ length: 12 }, (_, index) => `record ${index}`);
    const answers = await Promise.all(sent.map((data) => v3("/topics/contended/records", { body: text(data) })));
    expect(answers.map(({ body }) => body.offset).toSorted((a, b) => a - b)).toEqual(sent.map((_, index) => index));
    const { body } = await v3("/topics/contended/partitions/0/records?offset=0");
    const read = values(body) as string[];
    expect(answers.map(({ body: { offset } }) => read[offset])).toEqual(sent);
  });

  it("repeats nothing of an idempotent producer, whichever process its requests come to", async () => {
    const { v3, createTopic } = face;
    await createTopic("idempotent");
    const { body: producer } = await v3("/producers", { method: "POST" });
    const headers = { "producer-id": `${producer.producer_id}`, "producer-epoch": `${producer.producer_epoch}` };
    const send = (sequence: number) =>
      v3("/topics/idempotent/records", {
        body: { partition_id: 0, ...text(`${sequence}`) },
        headers: { ...headers, "producer-sequence": `${sequence}` },
      });
    expect((await send(0)).body).toMatchObject({ offset: 0 });
    const repeated = await Promise.all([send(0), send(0), send(0)]);
    expect(repeated.map(({ body }) => body.offset)).toEqual([0, 0, 0]);
    expect((await send(1)).body).toMatchObject({ offset: 1 });
    expect(values((await v3("/topics/idempotent/partitions/0/records?offset=0")).body)).toEqual(["0", "1"]);
  });

  it("is gone at once, for every function, when its topic is deleted, and can be made anew", async () => {
    const { v3, createTopic } = face;
    await createTopic("deleted");
    await v3("/topics/deleted/records", { body: text("old") });
    expect(values((await v3("/topics/deleted/partitions/0/records?offset=0")).body)).toEqual(["old"]);
    expect((await v3("/topics/deleted", { method: "DELETE" })).status).toBe(204);
    const refused = [
      await v3("/topics/deleted/records", { body: text("late") }),
      await v3("/topics/deleted/partitions/0/records?offset=0"),
      await v3("/topics/deleted"),
    ];
    expect(refused.map(({ status, body }) => [status, body.error_code])).toEqual(Array(3).fill([404, 40403]));
    await createTopic("deleted");
    expect((await v3("/topics/deleted/records", { body: text("new") })).body).toMatchObject({ offset: 0 });
    expect(values((await v3("/topics/deleted/partitions/0/records?offset=0")).body)).toEqual(["new"]);
  });
});
