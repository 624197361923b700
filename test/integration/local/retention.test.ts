import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type RunningService, startServiceProcess, temporaryFolder } from "../../fixtures/service.ts";

const folder = temporaryFolder();
const running: RunningService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop("SIGKILL");
});

const HURRIED = { MILLRACE_UPKEEP_EVERY_MS: "200" };

async function start(): Promise<RunningService> {
  const service = await startServiceProcess(["--port", "0", "--data", folder.path], HURRIED);
  running.push(service);
  return service;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests, which fail where a field is missing
async function call(url: string, path: string, init: RequestInit = {}): Promise<{ status: number; body: any }> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(20_000), headers, ...init });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

const post = (url: string, path: string, body: unknown) =>
  call(url, path, { method: "POST", body: JSON.stringify(body) });

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("it did not come to that");
}

/** Files of the data folder's bucket whose name ends like this. */
function objects(ending: string): string[] {
  const entries = readdirSync(join(folder.path, "segments"), { recursive: true, encoding: "utf8" });
  return entries.filter((name) => name.endsWith(ending) && statSync(join(folder.path, "segments", name)).isFile());
}

it("tiers, expires and deletes by itself, over a kill -9, and a reader that starts at offset 0 notices no seam", async () => {
  let { url, stop } = await start();
  const cluster = `/v3/clusters/${(await call(url, "/v3/clusters")).body.data[0].cluster_id}`;
  const topic = `${cluster}/topics/t/partitions/0`;
  const configs = {
    "retention.ms": "-1",
    "local.retention.ms": "500",
    "segment.ms": "500",
    "millrace.inline.max.bytes": "200",
  };
  await post(url, `${cluster}/topics`, {
    topic_name: "t",
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  });
  const sent: string[] = [];
  const send = async (count: number) => {
    for (let record = 0; record < count; record++) {
      const data = `r${sent.length} ${"x".repeat(300)}`;
      const { body } = await post(url, `${cluster}/topics/t/records`, {
        partition_id: 0,
        value: { type: "STRING", data },
      });
      expect(body.offset).toBe(sent.length);
      sent.push(data);
    }
  };
  const readAll = async (from = 0) => {
    const found: string[] = [];
    for (let offset = from; ; ) {
      const { body } = await call(url, `${topic}/records?offset=${offset}&value_format=STRING`);
      found.push(...body.data.map((record: { value: { data: string } }) => record.value.data));
      if (body.metadata.next_offset >= body.metadata.high_watermark) return found;
      offset = body.metadata.next_offset;
    }
  };
  await send(20);
  await until(async () => (await call(url, `${topic}/offset`)).body.earliest_local_offset >= 19);
  expect(objects(".log").length).toBeGreaterThan(0);
  await stop("SIGKILL");
  ({ url, stop } = await start());
  await send(20);
  await until(async () => (await call(url, `${topic}/offset`)).body.earliest_local_offset >= 39);
  expect(await readAll()).toEqual(sent);

  const deleted = await call(url, `${topic}/records?before_offset=30`, { method: "DELETE" });
  expect(deleted.body.low_watermark).toBe(30);
  expect((await call(url, `${topic}/records?offset=29`)).status).toBe(416);
  expect(await readAll(30)).toEqual(sent.slice(30));

  await call(url, `${cluster}/topics/t/configs/retention.ms`, { method: "PUT", body: JSON.stringify({ value: "1" }) });
  await until(async () => (await call(url, `${topic}/offset`)).body.earliest_offset === 39);
  await send(1);
  expect((await readAll(39)).length).toBe(2);
}, 60_000);
