import { beforeAll, describe, expect, it } from "vitest";
import { SEAL_GRACE_MS } from "../../shared/broker/remove-deleted-topics.ts";
import { apiKey, invoke, logLines, restartFunction } from "./control-plane.ts";
import { deployment, EMULATOR } from "./deployment.ts";
import { type Face, openFace } from "./face.ts";
import { logItems } from "./log-items.ts";
import { objectsUnder } from "./segments.ts";

const first = deployment("first");
const SECRET = "canary-5f2c9b71";
let key: string;
let face: Face;
beforeAll(async () => {
  key = await apiKey(first, "default");
  face = await openFace(first, "ApiKey", { "x-api-key": key });
});

describe("functions that begin anew", () => {
  it("find everything where it was, and an idempotent producer goes on", async () => {
    const { v3, createTopic } = face;
    await createTopic("kept", 2);
    const { body: producer } = await v3("/producers", { method: "POST" });
    const send = (sequence: number, data: string) =>
      v3("/topics/kept/records", {
        body: { partition_id: 1, value: { type: "STRING", data } },
        headers: {
          "producer-id": `${producer.producer_id}`,
          "producer-epoch": `${producer.producer_epoch}`,
          "producer-sequence": `${sequence}`,
        },
      });
    await send(0, "before");
    for (const lambda of ["produce", "fetch"])
      await restartFunction(`${first.name}-${lambda}`, { MILLRACE_TEST_RESTART: "set" });
    expect((await v3("")).body.cluster_id).toBe(face.cluster);
    expect((await send(0, "before")).body).toMatchObject({ error_code: 200, offset: 0 });
    expect((await send(2, "too early")).body).toMatchObject({ error_code: 409 });
    expect((await send(1, "after")).body).toMatchObject({ error_code: 200, offset: 1 });
    const { body } = await v3("/topics/kept/partitions/1/records?offset=0");
    expect(body.data.map(({ value }: { value: { data: string } }) => value.data)).toEqual(["before", "after"]);
  });
});

describe("the maintenance function", () => {
  it("removes what a deleted topic left behind, asked by nobody, objects included", { timeout: 700_000 }, async () => {
    const { v3, createTopic } = face;
    const topicId = await createTopic("removed");
    for (const data of ["small", "large ".repeat(100_000)]) {
      await v3("/topics/removed/records", { body: { value: { type: "STRING", data } } });
    }
    expect(await itemsOf(`${topicId}#0`)).toBeGreaterThanOrEqual(2);
    const objects = await objectsUnder(first, `${topicId}/`);
    expect(objects).toHaveLength(1);
    const deletedAt = Date.now();
    expect((await v3("/topics/removed", { method: "DELETE" })).status).toBe(204);
    expect(await itemsOf(`${topicId}#0`)).toBeGreaterThanOrEqual(2);
    // The mapping's window of five minutes, which MiniStack leaves out, the topic's own, and that of another run before it.
    await expect.poll(() => itemsOf(`${topicId}#0`), { timeout: 600_000, interval: 2_000 }).toBe(0);
    expect(Date.now() - deletedAt).toBeGreaterThan(SEAL_GRACE_MS);
    await expect.poll(() => objectsUnder(first, `${topicId}/`), { timeout: 30_000 }).toEqual([]);
    expect(await v3("/topics/removed")).toMatchObject({ status: 404 });
  });

  it("says what it removed and kept to whoever invokes it by hand", async () => {
    const removed = await invoke(`${first.name}-maintenance`);
    expect(removed).toMatchObject({ itemsDeleted: expect.any(Number), topicsRemoved: expect.any(Number) });
    expect(removed).toMatchObject({ upkeep: { failed: 0, left: 0, partitions: expect.any(Number) } });
  });
});

const itemsOf = async (tp: string) => (await logItems(first, tp)).length;

describe("what the functions log", () => {
  it("is metrics and errors, never what is in a record or shows who a caller is", async () => {
    const { v3, call, createTopic } = face;
    await createTopic("secret");
    const record = {
      key: { type: "STRING", data: `${SECRET}-key` },
      value: { type: "STRING", data: `${SECRET}-value` },
      headers: [{ name: `${SECRET}-header`, value: Buffer.from(`${SECRET}-header`).toString("base64") }],
    };
    await v3("/topics/secret/records", { body: record });
    await v3("/topics/secret/records", { body: { ...record, [`${SECRET}-field`]: 1 } });
    await v3("/topics/secret/records", { body: `{"value":{"type":"JSON","data":"${SECRET}"` });
    await v3("/topics/secret/partitions/0/records?offset=0");
    const poll = { topics: ["secret"], auto_offset_reset: "earliest", [`${SECRET}-field`]: 1 };
    await v3("/consumer-groups/secret/poll", { body: { topics: ["secret"], auto_offset_reset: "earliest" } });
    await v3("/consumer-groups/secret/poll", { body: poll });
    await v3("/topics/secret/partitions/0/records?offset=0&key_format=JSON");
    await call("/topics/secret", {
      body: { records: [{ value: SECRET }] },
      headers: { "content-type": "application/vnd.kafka.binary.v2+json" },
    });
    const lines = (
      await Promise.all(
        ["produce", "fetch", "coordinator", "maintenance", "authorizer"].map((name) =>
          logLines(`/aws/lambda/${first.name}-${name}`),
        ),
      )
    ).flat();
    expect(lines.some((line) => line.includes('"RecordsIn"'))).toBe(true);
    expect(lines.filter((line) => line.includes(SECRET) || line.includes(key))).toEqual([]);
    expect(lines.filter((line) => /"level":"ERROR"/.test(line))).toEqual([]);
  });

  // LocalStack's own function logs have lines of its container's runtime in them.
  it.skipIf(EMULATOR === "localstack")("is JSON, but for the emulator's own lines and node's", async () => {
    const lines = await logLines(`/aws/lambda/${first.name}-produce`);
    const others = lines.filter((line) => !line.startsWith("{") && !/^(START|END|REPORT) RequestId: /.test(line));
    // MiniStack patches https.request with url.parse, which node warns of.
    expect(others.filter((line) => !/DEP0169|node --trace-deprecation/.test(line))).toEqual([]);
    for (const line of lines.filter((line) => line.startsWith("{"))) expect(JSON.parse(line)).toBeTypeOf("object");
  });
});
