import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiKey, invoke, json, logLines, restartFunction } from "./control-plane.ts";
import { type Deployment, deployment } from "./deployment.ts";
import { type Face, openFace } from "./face.ts";
import { logItems, removeLogItems } from "./log-items.ts";
import type { Answer } from "./request.ts";
import { objectsUnder } from "./segments.ts";

const first = deployment("first");
const second = deployment("second");
const WEEK_SECONDS = 7 * 24 * 3_600;

let face: Face;
let given: { readonly ScheduleExpression: string; readonly Description: string };
beforeAll(async () => {
  face = await openFace(first, "ApiKey", { "x-api-key": await apiKey(first, "default") });
  given = await rule(first);
});
afterAll(() => hurry(given.ScheduleExpression));

/** The upkeep's clock. */
async function rule({ name }: Deployment) {
  return (await json("events", "AWSEvents.DescribeRule", { Name: `${name}-upkeep` })).body;
}

/** An hour is long for a test: the deployed rule is put at another pace, as it is otherwise. On or off stays. */
async function hurry(ScheduleExpression: string): Promise<void> {
  const { State } = await rule(first);
  const { Description } = given;
  await json("events", "AWSEvents.PutRule", { Name: `${first.name}-upkeep`, ScheduleExpression, Description, State });
}

const text = (data: string) => ({ partition_id: 0, value: { type: "STRING", data } });

async function send(topic: string, values: readonly string[]): Promise<void> {
  for (const data of values) {
    const { status, body } = await face.v3(`/topics/${topic}/records`, { body: text(data) });
    expect([status, body.error_code]).toEqual([200, 200]);
  }
}

const fetchFrom = (topic: string, offset: number | string) =>
  face.v3(`/topics/${topic}/partitions/0/records?offset=${offset}&value_format=STRING`);

const boundsOf = async (topic: string) => (await face.v3(`/topics/${topic}/partitions/0/offset`)).body;

async function readAll(topic: string, from = 0): Promise<string[]> {
  const values: string[] = [];
  for (let offset = from; ; ) {
    const { status, body, text: all } = await fetchFrom(topic, offset);
    expect([status, all]).toEqual([200, expect.any(String)]);
    values.push(...body.data.map(({ value }: { value: { data: string } }) => value.data));
    if (body.metadata.next_offset >= body.metadata.high_watermark) return values;
    offset = body.metadata.next_offset;
  }
}

/** Inline in an item, and large enough for S3. */
const small = (index: number) => `${index} ${"s".repeat(30 * 1024)}`;
const large = (index: number) => `${index} ${"l".repeat(200 * 1024)}`;

describe("the clock of the upkeep", () => {
  it("stands still in a deployment without topics, and is started by the first record", {
    timeout: 120_000,
  }, async () => {
    const other = await openFace(second, "ApiKey", { "x-api-key": await apiKey(second, "default") });
    const call = (path: string, sent?: Parameters<Face["v3"]>[1]) => patiently(() => other.v3(path, sent));
    const topics = (await call("/topics")).body.data as { topic_name: string }[];
    for (const { topic_name } of topics) await call(`/topics/${topic_name}`, { method: "DELETE" });
    const kept = (await invoke(`${second.name}-maintenance`)) as { upkeep: { needsClock: boolean } };
    expect([kept.upkeep.needsClock, (await rule(second)).State]).toEqual([false, "DISABLED"]);
    expect((await call("/topics", { body: { topic_name: "begun", partitions_count: 1 } })).status).toBe(201);
    expect((await rule(second)).State).toBe("DISABLED");
    expect((await call("/topics/begun/records", { body: text("first") })).status).toBe(200);
    await expect.poll(async () => (await rule(second)).State, { timeout: 60_000, interval: 500 }).toBe("ENABLED");
    // The other tests of this deployment look at its topics. MiniStack brings no other stream's records while this one's wait their minute: so it comes first.
    expect((await call("/topics/begun", { method: "DELETE" })).status).toBe(204);
  });
});

describe("a deployed log", () => {
  const sent = Array.from({ length: 40 }, (_, index) => (index === 7 ? large(index) : small(index)));
  const more = ["first behind the seam", "second behind the seam"];
  let topicId: string;
  const segments = async () =>
    (await objectsUnder(first, `${topicId}/0/segments/`)).filter((key) => /\.log$/.test(key));

  const baseOffsets = async () => (await segments()).map((key) => Number(key.split("/").at(-1)!.split(".")[0]));

  it("is kept from its first record on: a writer begins the upkeep, and the items after it have a TTL", {
    timeout: 120_000,
  }, async () => {
    const configs = { "retention.ms": "-1", "local.retention.ms": "1000", "segment.bytes": String(1024 * 1024) };
    const made = await face.v3("/topics", {
      body: {
        topic_name: "retained",
        partitions_count: 1,
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      },
    });
    expect([made.status, made.text]).toEqual([201, expect.any(String)]);
    topicId = made.body.topic_id;
    // A process that has rung for another log leaves this one to the clock, for five minutes: which tests came before does not count.
    await restartFunction(`${first.name}-produce`, { MILLRACE_TEST_RESTART: "for the first record" });
    await send("retained", sent.slice(0, 1));
    // Nobody has kept it: its first item has no TTL, and is copied at once because of that.
    await expect.poll(segments, { timeout: 60_000, interval: 500 }).toHaveLength(1);
    // A process that wrote before there was a state goes by that for ten minutes.
    await restartFunction(`${first.name}-produce`, { MILLRACE_TEST_RESTART: "for retention" });
    await send("retained", sent.slice(1, 2));
    const [before, after] = await logItems(first, `${topicId}#0`);
    expect(before).toEqual({ baseOffset: 0, expiresAt: undefined });
    const left = after!.expiresAt! - Date.now() / 1_000;
    expect(left).toBeGreaterThan(WEEK_SECONDS - 60);
    expect(left).toBeLessThan(WEEK_SECONDS + 60);
  });

  it("is copied into segments when it fills one, long before the hour, by whoever filled it", {
    timeout: 120_000,
  }, async () => {
    const before = (await segments()).length;
    await send("retained", sent.slice(2));
    await expect
      .poll(async () => (await segments()).length, { timeout: 60_000, interval: 500 })
      .toBeGreaterThan(before);
    const lines = await logLines(`/aws/lambda/${first.name}-maintenance`);
    expect(lines.some((line) => line.includes('"segmentsTiered":1') || /"segmentsTiered":[1-9]/.test(line))).toBe(true);
    expect(lines.some((line) => line.includes('"BytesTiered"'))).toBe(true);
  });

  it("is looked after by the clock, which is on: hot items are no longer read when they are cold and old", {
    timeout: 200_000,
  }, async () => {
    expect((await rule(first)).State).toBe("ENABLED");
    await hurry("rate(1 minute)");
    const bounds = () => boundsOf("retained");
    await expect
      .poll(async () => (await bounds()).earliest_local_offset, { timeout: 180_000, interval: 2_000 })
      .toBe(sent.length - 1);
    expect(await bounds()).toMatchObject({ earliest_offset: 0 });
  });

  it("is read from offset 0 on when its hot items are gone, over the seam, by a process that knows nothing of it", {
    timeout: 120_000,
  }, async () => {
    const hot = (await boundsOf("retained")).earliest_local_offset as number;
    const items = await logItems(first, `${topicId}#0`);
    // What is deleted here is what TTL deletes a week later, and maintenance, of what has none, ten minutes later.
    expect(items.filter(({ expiresAt }) => expiresAt === undefined).map(({ baseOffset }) => baseOffset)).toEqual([0]);
    await removeLogItems(first, `${topicId}#0`, hot);
    expect(await logItems(first, `${topicId}#0`)).toHaveLength(items.length - hot);
    await restartFunction(`${first.name}-fetch`, { MILLRACE_TEST_RESTART: "for retention" });
    await send("retained", more);
    expect(await readAll("retained")).toEqual([...sent, ...more]);
    const { body } = await fetchFrom("retained", 7);
    expect(body.data[0]).toMatchObject({ offset: 7, value: { data: sent[7] } });
    const { timestamp } = (await fetchFrom("retained", 20)).body.data[0];
    const at = new Date(timestamp).getTime();
    const found = await face.v3(`/topics/retained/partitions/0/records?timestamp=${at}&value_format=STRING`);
    expect(found.body.data[0].offset).toBeLessThanOrEqual(20);
    expect(found.body.data[0].offset).toBeGreaterThan(0);
  });

  it("loses its records when their deletion is asked for, whichever process is asked for them", {
    timeout: 60_000,
  }, async () => {
    const deleted = await face.v3("/topics/retained/partitions/0/records?before_offset=10", { method: "DELETE" });
    expect([deleted.status, deleted.body.low_watermark]).toEqual([200, 10]);
    // Another process goes by the partition's registration for five seconds.
    await expect.poll(async () => (await fetchFrom("retained", 9)).status, { timeout: 10_000 }).toBe(416);
    expect(await readAll("retained", 10)).toEqual([...sent.slice(10), ...more]);
  });

  it("loses what is older than retention.ms, by the clock, objects included", { timeout: 260_000 }, async () => {
    // Those that have a batch of an item's object in them, or an item without a TTL, wait for ten minutes, with what is hot of it.
    const removable = async () => (await baseOffsets()).filter((offset) => offset > 7 && offset < sent.length);
    expect(await removable()).not.toEqual([]);
    const body = { value: "1" };
    const changed = await face.v3("/topics/retained/configs/retention.ms", { method: "PUT", body });
    expect(changed.status).toBe(204);
    await expect
      .poll(async () => (await boundsOf("retained")).earliest_offset, { timeout: 90_000, interval: 1_000 })
      .toBe(sent.length + 1);
    expect((await fetchFrom("retained", sent.length)).status).toBe(416);
    expect(await readAll("retained", sent.length + 1)).toEqual(more.slice(1));
    await expect.poll(removable, { timeout: 150_000, interval: 2_000 }).toEqual([]);
  });
});

/** Again until it is not throttled: the second deployment lets few requests in. */
async function patiently(call: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    const answer = await call();
    if (answer.status !== 429 || attempt === 20) return answer;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
