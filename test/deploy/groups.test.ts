import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, it } from "vitest";
import { apiKey, functionConfiguration, json, restartFunction } from "./control-plane.ts";
import { type Deployment, deployment, ENDPOINT, REGION } from "./deployment.ts";
import { type Face, openFace } from "./face.ts";
import { type Answer, ROOT } from "./request.ts";

const first = deployment("first");
const second = deployment("second");
const V2 = "application/vnd.kafka.v2+json";
const V2_JSON = "application/vnd.kafka.json.v2+json";

let face: Face;
let silentSince: number;
beforeAll(async () => {
  face = await openFace(first, "ApiKey", { "x-api-key": await apiKey(first, "default") });
  await face.createTopic("left-alone");
  const body = { member_epoch: 0, subscribed_topic_names: ["left-alone"], rebalance_timeout_ms: 30_000 };
  const joined = await group("silent", "/heartbeat", { body: { ...body, topic_partitions: [] } });
  expect([joined.status, joined.text]).toEqual([200, expect.any(String)]);
  silentSince = Date.now();
});

const group = (id: string, path: string, sent?: Parameters<Face["v3"]>[1]) =>
  face.v3(`/consumer-groups/${id}${path}`, sent);
const produce = (topic: string, data: string) =>
  face.v3(`/topics/${topic}/records`, { body: { value: { type: "STRING", data } } });

/** Polls as a loop of curl does: what an answer has as `next` is the next request's body. Answers the last, and all that was handed out. */
async function loop(id: string, body: object, polls: number, path = `/v3/clusters/${face.cluster}/consumer-groups`) {
  const values: unknown[] = [];
  let next = body;
  let answer: Answer | undefined;
  for (let at = 0; at < polls; at++) {
    answer = await face.call(`${path}/${id}/poll`, { body: next });
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
    values.push(...answer.body.data.map(({ value }: { value: { data: unknown } }) => value.data));
    next = answer.body.next;
  }
  return { values, next, answer: answer! };
}

/** The state of a sweep's clock. */
async function stateOf({ name }: Deployment, clock: "minute" | "hour"): Promise<string> {
  return (await json("events", "AWSEvents.DescribeRule", { Name: `${name}-sweep-${clock}` })).body.State;
}

const clocksOf = async (of: Deployment) => [await stateOf(of, "minute"), await stateOf(of, "hour")];

describe("a deployed consumer group", () => {
  it("is consumed by a loop of one call, which commits what it was handed out before", async () => {
    await face.createTopic("polled-by-group");
    for (const data of ["one", "two"]) await produce("polled-by-group", data);
    const begin = { topics: ["polled-by-group"], auto_offset_reset: "earliest", timeout_ms: 2_000 };
    const { values, next } = await loop("loop", begin, 2);
    expect(values).toEqual(["one", "two"]);
    const offsets = await group("loop", "/offsets");
    expect(offsets.body.data).toMatchObject([{ topic_name: "polled-by-group", partition_id: 0, offset: 2 }]);
    // In processes of their own, and under the other path.
    await restartFunction(`${first.name}-coordinator`, { MILLRACE_TEST_RESTART: "set" });
    await produce("polled-by-group", "three");
    const path = `/kafka/v3/clusters/${face.cluster}/consumer-groups`;
    expect((await loop("loop", { ...next, timeout_ms: 5_000 }, 1, path)).values).toEqual(["three"]);
  });

  it("waits for records that come while it polls, by another function, and reads those that lie in S3", async () => {
    await face.createTopic("large-by-group");
    const large = "0123456789".repeat(20_000);
    const begin = { topics: ["large-by-group"], auto_offset_reset: "earliest" };
    const { next } = await loop("large", begin, 1);
    const waiting = loop("large", { ...next, timeout_ms: 20_000 }, 1);
    await produce("large-by-group", large);
    expect((await waiting).values).toEqual([large]);
  });

  it("shares partitions among its members, tells of them and of their lag, and fences who is late", async () => {
    await face.createTopic("shared", 2);
    const heartbeat = (body: object) => group("members", "/heartbeat", { body });
    const subscription = { subscribed_topic_names: ["shared"], rebalance_timeout_ms: 30_000 };
    const joining = { member_epoch: 0, topic_partitions: [], ...subscription };
    const { body: one } = await heartbeat(joining);
    expect(one.assignment).toMatchObject([{ topic_name: "shared", partitions: [0, 1] }]);
    const { body: other } = await heartbeat(joining);
    const owned = (partitions: number[]) => [{ topic_id: one.assignment[0].topic_id, partitions }];
    const call = { member_id: one.member_id, member_epoch: one.member_epoch };
    const { body: told } = await heartbeat({ ...call, topic_partitions: owned([0, 1]) });
    const kept = told.assignment[0].partitions as number[];
    expect(kept).toHaveLength(1);
    const { body: revoked } = await heartbeat({ ...call, topic_partitions: owned(kept) });
    const { body: given } = await heartbeat({ member_id: other.member_id, member_epoch: other.member_epoch });
    expect([...kept, ...given.assignment[0].partitions].toSorted()).toEqual([0, 1]);

    for (const partition_id of [0, 1]) {
      await face.v3("/topics/shared/records", { body: { partition_id, value: { type: "STRING", data: "x" } } });
    }
    const offsets = [{ topic_name: "shared", partition_id: kept[0], offset: 1 }];
    const commit = { member_id: one.member_id, member_epoch: revoked.member_epoch, offsets };
    expect((await group("members", "/offsets", { body: commit })).status).toBe(200);
    const late = await group("members", "/offsets", {
      body: { ...commit, member_id: other.member_id, member_epoch: 0 },
    });
    expect([late.status >= 400, typeof late.body.kafka_error]).toEqual([true, "string"]);
    const { body: consumers } = await group("members", "/consumers");
    expect(consumers.data.map(({ consumer_id }: { consumer_id: string }) => consumer_id).toSorted()).toEqual(
      [one.member_id, other.member_id].toSorted(),
    );
    const { body: lags } = await group("members", "/lags");
    expect(lags.data).toContainEqual(expect.objectContaining({ partition_id: kept[0], current_offset: 1, lag: 0 }));
    expect(
      (await face.v3("/consumer-groups")).body.data.map(
        (each: { consumer_group_id: string }) => each.consumer_group_id,
      ),
    ).toContain("members");
    expect((await group("members", "", { method: "HEAD" })).status).toBe(200);
  });

  it("is deleted with its offsets when its members have left, and refuses to be before", async () => {
    await face.createTopic("deleted-group");
    await produce("deleted-group", "x");
    const { next, answer } = await loop("to-delete", { topics: ["deleted-group"], auto_offset_reset: "earliest" }, 2);
    const refused = await group("to-delete", "", { method: "DELETE" });
    expect([refused.status, refused.body.kafka_error]).toEqual([expect.any(Number), "NON_EMPTY_GROUP"]);
    const { member_id } = answer.body;
    expect(next).toMatchObject({ member_id });
    expect((await group("to-delete", "/heartbeat", { body: { member_id, member_epoch: -1 } })).status).toBe(200);
    expect((await group("to-delete", "", { method: "DELETE" })).status).toBe(204);
    expect((await group("to-delete", "")).status).toBe(404);
  });

  it("has consumer instances of the v2 API, whose calls may come to any process", async () => {
    await face.createTopic("by-instance");
    await produce("by-instance", '"data"');
    const v2 = (path: string, sent: { method?: string; body?: object; accept?: string } = {}) =>
      face.call(`/consumers/instances${path}`, {
        ...(sent.method === undefined ? {} : { method: sent.method }),
        ...(sent.body === undefined ? {} : { body: sent.body }),
        headers: { "content-type": V2, accept: sent.accept ?? V2 },
      });
    const create = { name: "one", format: "binary", "auto.offset.reset": "earliest" };
    const made = await v2("", { body: create });
    expect([made.status, made.body.instance_id]).toEqual([200, "one"]);
    // Its URL is behind the API's own, stage included.
    const url = face.url.href.replace(/\/$/, "").replace(/^https?:/, "");
    expect(made.body.base_uri.replace(/^https?:/, "")).toBe(`${url}/consumers/instances/instances/one`);
    expect((await v2("", { body: create })).body.error_code).toBe(40902);
    const subscribed = await v2("/instances/one/subscription", { body: { topics: ["by-instance"] } });
    expect(subscribed.status).toBe(204);
    const read = async () =>
      (await v2("/instances/one/records?timeout=3000", { accept: "application/vnd.kafka.binary.v2+json" })).body;
    let records = await read();
    if (records.length === 0) records = await read();
    expect(records).toMatchObject([
      { topic: "by-instance", partition: 0, offset: 0, value: Buffer.from('"data"').toString("base64") },
    ]);
    await restartFunction(`${first.name}-coordinator`, { MILLRACE_TEST_RESTART: "again" });
    expect((await v2("/instances/one/offsets", { method: "POST" })).status).toBeLessThan(300);
    const wrong = await v2("/instances/one/records", { accept: V2_JSON });
    expect([wrong.status, wrong.body.error_code]).toEqual([406, 40601]);
    expect((await v2("/instances/one", { method: "DELETE" })).status).toBe(204);
    const gone = await v2("/instances/one/records");
    expect([gone.status, gone.body.error_code]).toEqual([404, 40403]);
  });
});

describe("the clock of the sweep", () => {
  it("stands still in a deployment without groups", { timeout: 200_000 }, async () => {
    await expect.poll(() => clocksOf(second), { timeout: 180_000, interval: 2_000 }).toEqual(["DISABLED", "DISABLED"]);
  });

  it("starts when a group begins, slows down when its last member has left, and stops when it is deleted", {
    timeout: 260_000,
  }, async () => {
    const other = await openFace(second, "ApiKey", { "x-api-key": await apiKey(second, "default") });
    const call = async (path: string, sent?: Parameters<Face["v3"]>[1]) => {
      // The deployment lets few requests in: second-deployment.test.ts.
      for (let attempt = 0; ; attempt++) {
        const answer = await other.v3(path, sent);
        if (answer.status !== 429 || attempt === 10) return answer;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    };
    await call("/topics", { body: { topic_name: "clocked", partitions_count: 1 } });
    const { body: joined } = await call("/consumer-groups/clocked/heartbeat", {
      body: {
        member_epoch: 0,
        subscribed_topic_names: ["clocked"],
        rebalance_timeout_ms: 30_000,
        topic_partitions: [],
      },
    });
    await expect.poll(() => stateOf(second, "minute"), { timeout: 30_000, interval: 500 }).toBe("ENABLED");
    const { member_id, member_epoch } = joined;
    const offsets = [{ topic_name: "clocked", partition_id: 0, offset: 0 }];
    const committed = await call("/consumer-groups/clocked/offsets", { body: { member_id, member_epoch, offsets } });
    expect([committed.status, committed.text]).toEqual([200, expect.any(String)]);
    const left = await call("/consumer-groups/clocked/heartbeat", { body: { member_id, member_epoch: -1 } });
    expect(left.status).toBe(200);
    await expect.poll(() => clocksOf(second), { timeout: 100_000, interval: 1_000 }).toEqual(["DISABLED", "ENABLED"]);
    expect((await call("/consumer-groups/clocked", { method: "DELETE" })).status).toBe(204);
    await expect.poll(() => clocksOf(second), { timeout: 100_000, interval: 1_000 }).toEqual(["DISABLED", "DISABLED"]);
    // The other tests of this deployment look at its topics.
    expect((await call("/topics/clocked", { method: "DELETE" })).status).toBe(204);
  });

  it("brings the sweep that misses a member of whom nobody else would ask", { timeout: 300_000 }, async () => {
    const { Environment } = await functionConfiguration(`${first.name}-coordinator`);
    const client = new DynamoDBClient({ endpoint: ENDPOINT.href, region: REGION, credentials: ROOT });
    const get = new GetItemCommand({
      TableName: Environment.Variables["MILLRACE_GROUP_TABLE"]!,
      Key: { groupKey: { S: "g#silent" }, itemKey: { S: "group" } },
      ConsistentRead: true,
    });
    const members = async () => {
      const { Item } = await client.send(get);
      // An empty group that has no offsets goes after a while.
      return Item === undefined ? 0 : (JSON.parse(Item["value"]!.S!).memberCount as number);
    };
    await expect.poll(members, { timeout: 240_000, interval: 2_000 }).toBe(0);
    // Its session is 45 s.
    expect(Date.now() - silentSince).toBeGreaterThan(45_000);
  });
});
