import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTables } from "../../fixtures/dynamodb.ts";
import { type RunningService, startServiceProcess } from "../../fixtures/service.ts";

const V2 = "application/vnd.kafka.v2+json";
const EMBEDDED_JSON = "application/vnd.kafka.json.v2+json";

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests, which fail where a field is missing
type Answer = { status: number; body: any };

/** A request of node's own client: fetch sends no body with a GET. */
function call(url: string, method = "GET", body?: unknown, accept = V2): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    // Without its length node sends the body of a GET as if it were the next request.
    const length = { "content-length": String(Buffer.byteLength(text)) };
    const headers = { accept, ...(body === undefined ? {} : { "content-type": V2, ...length }) };
    const sent = request(url, { method, headers, timeout: 30_000 }, (response) => {
      let received = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        received += part;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode!, body: received === "" ? undefined : JSON.parse(received) }),
      );
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer from ${url}`)));
    sent.on("error", reject);
    sent.end(text);
  });
}

async function produce({ url }: RunningService, topic: string, values: readonly unknown[]): Promise<void> {
  const response = await fetch(`${url}/topics/${topic}`, {
    method: "POST",
    headers: { "content-type": EMBEDDED_JSON },
    body: JSON.stringify({ records: values.map((value) => ({ value })) }),
  });
  expect(response.status).toBe(200);
}

async function createTopic({ url }: RunningService, topic_name: string, partitions_count: number): Promise<void> {
  const clusters = (await call(`${url}/v3/clusters`, "GET", undefined, "application/json")).body.data;
  const response = await fetch(`${url}/v3/clusters/${clusters[0].cluster_id}/topics`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ topic_name, partitions_count }),
  });
  expect(response.status).toBe(201);
}

const valuesOf = ({ body }: Answer): unknown[] => body.map(({ value }: { value: unknown }) => value);

describe("consumer instances at two endpoints of one store", () => {
  let tables: Awaited<ReturnType<typeof startTables>>;
  const services: RunningService[] = [];
  const start = async (env: Record<string, string> = {}) => {
    const store = { AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint, AWS_REGION: "us-east-1" };
    const credentials = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
    const service = await startServiceProcess(["--port", "0", "--memory"], { ...store, ...credentials, ...env });
    services.push(service);
    return service;
  };
  beforeAll(async () => {
    tables = await startTables();
    await Promise.all([start(), start()]);
  });
  afterAll(async () => {
    for (const service of services) await service.stop("SIGKILL");
    await tables.stop();
  });

  it("are one and the same: alternate calls, a kill -9, and the life goes on at the other endpoint", async () => {
    const [one, two] = services as [RunningService, RunningService];
    await createTopic(one, "orders", 1);
    await produce(one, "orders", [1, 2, 3]);
    const config = { name: "i", format: "json", "auto.offset.reset": "earliest", "auto.commit.enable": "false" };
    const created = await call(`${one.url}/consumers/g`, "POST", config);
    expect(created.body).toEqual({ instance_id: "i", base_uri: `${one.url}/consumers/g/instances/i` });
    const at = ({ url }: RunningService) => `${url}/consumers/g/instances/i`;
    expect((await call(`${at(two)}/subscription`, "POST", { topics: ["orders"] })).status).toBe(204);
    expect(valuesOf(await call(`${at(one)}/records`, "GET", undefined, EMBEDDED_JSON))).toEqual([1, 2, 3]);
    expect((await call(`${at(two)}/offsets`, "POST")).body).toEqual([]);
    await produce(two, "orders", [4]);
    expect(valuesOf(await call(`${at(two)}/records`, "GET", undefined, EMBEDDED_JSON))).toEqual([4]);

    // It waits for records at an endpoint that dies.
    const third = await start();
    const cutOff = call(`${at(third)}/records?timeout=20000`, "GET", undefined, EMBEDDED_JSON).catch(() => "cut off");
    await new Promise((resolve) => setTimeout(resolve, 500));
    await third.stop("SIGKILL");
    expect(await cutOff).toBe("cut off");
    await produce(two, "orders", [5]);
    expect(valuesOf(await call(`${at(one)}/records`, "GET", undefined, EMBEDDED_JSON))).toEqual([5]);

    const partitions = { partitions: [{ topic: "orders", partition: 0 }] };
    expect((await call(`${at(one)}/offsets`, "GET", partitions)).body).toEqual({
      offsets: [{ topic: "orders", partition: 0, offset: 3, metadata: "" }],
    });
    expect((await call(`${at(two)}/positions/beginning`, "POST", partitions)).status).toBe(204);
    expect(valuesOf(await call(`${at(one)}/records`, "GET", undefined, EMBEDDED_JSON))).toEqual([1, 2, 3, 4, 5]);
    expect((await call(at(two), "DELETE")).status).toBe(204);
    expect(await call(`${at(one)}/records`, "GET", undefined, EMBEDDED_JSON)).toMatchObject({
      status: 404,
      body: { error_code: 40403 },
    });
  });

  it("share a topic's partitions, and read each record once while none of them comes or goes", async () => {
    const [one, two] = services as [RunningService, RunningService];
    await createTopic(one, "shared", 4);
    const config = { format: "json", "auto.offset.reset": "earliest", "auto.commit.enable": "true" };
    const instances: string[] = [];
    for (const { url } of [one, two]) {
      const { body } = await call(`${url}/consumers/pair`, "POST", config);
      instances.push(`/consumers/pair/instances/${body.instance_id}`);
      await call(`${url}/consumers/pair/instances/${body.instance_id}/subscription`, "POST", { topics: ["shared"] });
    }
    const assigned = async () => {
      const answers = await Promise.all(instances.map((path) => call(`${two.url}${path}/assignments`)));
      return answers.map(({ body }) => body.partitions.length);
    };
    // A heartbeat is due every five seconds.
    for (let rounds = 0; rounds < 60 && (await assigned()).join() !== "2,2"; rounds++) {
      await Promise.all(
        instances.map((path) => call(`${one.url}${path}/records?timeout=500`, "GET", undefined, EMBEDDED_JSON)),
      );
    }
    expect(await assigned()).toEqual([2, 2]);
    const sent = Array.from({ length: 40 }, (_, index) => index);
    for (const value of sent) await produce(one, "shared", [value]);
    const seen: unknown[] = [];
    for (let rounds = 0; rounds < 20 && seen.length < sent.length; rounds++) {
      const endpoint = rounds % 2 === 0 ? one : two;
      const read = (path: string) => call(`${endpoint.url}${path}/records`, "GET", undefined, EMBEDDED_JSON);
      for (const answer of await Promise.all(instances.map(read))) seen.push(...valuesOf(answer));
    }
    expect(seen.sort((a, b) => Number(a) - Number(b))).toEqual(sent);
  });

  it("hand each record out once to however many reads of one instance come at once, at both endpoints", async () => {
    const [one, two] = services as [RunningService, RunningService];
    await createTopic(one, "raced", 2);
    const config = { name: "i", format: "json", "auto.offset.reset": "earliest", "auto.commit.enable": "false" };
    await call(`${one.url}/consumers/raced`, "POST", config);
    const at = ({ url }: RunningService) => `${url}/consumers/raced/instances/i`;
    await call(`${at(two)}/subscription`, "POST", { topics: ["raced"] });
    const seen: unknown[] = [];
    const sent: number[] = [];
    for (let round = 0; round < 8; round++) {
      const values = Array.from({ length: 6 }, (_, index) => round * 6 + index);
      for (const value of values) await produce(one, "raced", [value]);
      sent.push(...values);
      const answers = await Promise.all(
        [one, two, one, two].map((service) =>
          call(`${at(service)}/records?timeout=100&max_bytes=1`, "GET", undefined, EMBEDDED_JSON),
        ),
      );
      for (const answer of answers) {
        if (answer.status === 200) seen.push(...valuesOf(answer));
        else expect(answer).toMatchObject({ status: 409, body: { error_code: 409 } });
      }
    }
    for (let reads = 0; reads < 100 && seen.length < sent.length; reads++) {
      seen.push(...valuesOf(await call(`${at(two)}/records?timeout=100`, "GET", undefined, EMBEDDED_JSON)));
    }
    expect(valuesOf(await call(`${at(one)}/records?timeout=100`, "GET", undefined, EMBEDDED_JSON))).toEqual([]);
    expect(seen.sort((a, b) => Number(a) - Number(b))).toEqual(sent);
  });

  it("tell what is committed of a partition as often as it is named", async () => {
    const [one] = services as [RunningService];
    await createTopic(one, "twice", 1);
    const place = { topic: "twice", partition: 0 };
    const group = `${one.url}/consumers/twice`;
    expect((await call(group, "POST", { name: "i" })).status).toBe(200);
    const offsets = [7, 3].map((offset) => ({ ...place, offset }));
    expect((await call(`${group}/instances/i/offsets`, "POST", { offsets })).status).toBe(200);
    const committed = await call(`${group}/instances/i/offsets`, "GET", { partitions: [place, place] });
    const expected = { ...place, offset: 4, metadata: "" };
    expect(committed).toEqual({ status: 200, body: { offsets: [expected, expected] } });
  });

  it("speak Strimzi's dialect where that is set", async () => {
    const [one] = services as [RunningService];
    const strimzi = await start({ MILLRACE_CONSUMER_DIALECT: "strimzi" });
    await createTopic(one, "bridge", 1);
    await call(`${strimzi.url}/consumers/bridged`, "POST", { name: "i", "enable.auto.commit": false });
    const offsets = [{ topic: "bridge", partition: 0, offset: 7 }];
    const committed = async ({ url }: RunningService) =>
      (await call(`${url}/consumers/bridged/instances/i/offsets?partitions=bridge:0`)).body.offsets[0].offset;
    const commit = ({ url }: RunningService) =>
      call(`${url}/consumers/bridged/instances/i/offsets`, "POST", { offsets });
    expect((await commit(strimzi)).status).toBe(204);
    expect(await committed(one)).toBe(7);
    expect((await commit(one)).status).toBe(200);
    expect(await committed(strimzi)).toBe(8);
  });
});
