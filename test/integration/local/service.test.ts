import { connect, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { startDynoxide } from "../../../local/dynoxide.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import {
  processesOf,
  type RunningService,
  runMain,
  startServiceProcess,
  temporaryFolder,
} from "../../fixtures/service.ts";

const folder = temporaryFolder();
const running: RunningService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop("SIGKILL");
});

async function start(
  args: readonly string[] = ["--data", folder.path],
  env: Record<string, string> = {},
): Promise<RunningService> {
  const service = await startServiceProcess(["--port", "0", ...args], env);
  running.push(service);
  return service;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests, which fail where a field is missing
type Answer = { status: number; body: any };

async function call(url: string, path: string, body?: unknown, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    signal: AbortSignal.timeout(20_000),
    ...(body === undefined
      ? {}
      : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    ...init,
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

async function clusterOf({ url }: RunningService): Promise<string> {
  const { body } = await call(url, "/v3/clusters");
  return `/v3/clusters/${body.data[0].cluster_id}`;
}

const eventually = async (holds: () => boolean): Promise<boolean> => {
  for (let tries = 0; tries < 100 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  return holds();
};

/** All records of a partition, page by page. */
async function readAll(url: string, cluster: string, partition: number): Promise<{ offset: number; value: string }[]> {
  const found: { offset: number; value: string }[] = [];
  for (let offset = 0; ; ) {
    const { body } = await call(url, `${cluster}/topics/t/partitions/${partition}/records?offset=${offset}`);
    found.push(
      ...body.data.map((record: { offset: number; value: { data: string } }) => ({
        offset: record.offset,
        value: record.value.data,
      })),
    );
    if (body.metadata.next_offset >= body.metadata.high_watermark) return found;
    offset = body.metadata.next_offset;
  }
}

describe("the local service", () => {
  it("keeps every acknowledged record, once and in its place, over kill -9 at any moment", async () => {
    const acknowledged: { partition: number; offset: number; value: string }[] = [];
    let cluster = "";
    for (let round = 0; round < 3; round++) {
      const service = await start();
      cluster = await clusterOf(service);
      if (round === 0) await call(service.url, `${cluster}/topics`, { topic_name: "t", partitions_count: 2 });
      let isKilled = false;
      const producers = Array.from({ length: 8 }, async (_, producer) => {
        for (let count = 0; !isKilled && count < 1_000; count++) {
          // Some of them too large to be inline, so that files are in the middle of being written too.
          const value = `${round}-${producer}-${count}${count % 10 === 0 ? "x".repeat(40_000) : ""}`;
          const sent = { partition_id: producer % 2, value: { type: "STRING", data: value } };
          const { status, body } = await call(service.url, `${cluster}/topics/t/records`, sent).catch(() => ({
            status: 0,
            body: undefined,
          }));
          if (status === 200) acknowledged.push({ partition: body.partition_id, offset: body.offset, value });
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 700));
      isKilled = true;
      await service.stop("SIGKILL");
      await Promise.all(producers);
    }
    expect(acknowledged.length).toBeGreaterThan(100);
    const { url } = await start();
    for (const partition of [0, 1]) {
      const records = await readAll(url, cluster, partition);
      expect(records.map(({ offset }) => offset)).toEqual(records.map((_, index) => index));
      expect(new Set(records.map(({ value }) => value)).size).toBe(records.length);
      const own = acknowledged.filter((record) => record.partition === partition);
      expect(own.filter(({ offset, value }) => records[offset]?.value !== value)).toEqual([]);
    }
  }, 120_000);

  it("leaves no process behind after kill -9", async () => {
    const data = temporaryFolder();
    const service = await start(["--data", data.path]);
    expect(processesOf(data.path).length).toBeGreaterThanOrEqual(2);
    await service.stop("SIGKILL");
    expect(await eventually(() => processesOf(data.path).length === 0)).toBe(true);
    data.remove();
  });

  it("stops clean on SIGTERM and SIGINT, requests at work answered", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const data = temporaryFolder();
      const service = await start(["--data", data.path]);
      const cluster = await clusterOf(service);
      await call(service.url, `${cluster}/topics`, { topic_name: "t" });
      const polling = call(service.url, `${cluster}/topics/t/partitions/0/records?offset=0&timeout_ms=20000`);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const { code, output } = await service.stop(signal);
      expect([code, output.trim().split("\n")]).toEqual([0, [`Millrace is ready: ${service.url}`]]);
      expect((await polling).status).toBe(200);
      expect(processesOf(data.path)).toEqual([]);
      data.remove();
    }
  });

  it("says in one line that its port or its folder is taken", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => blocker.once("listening", resolve));
    const { port } = blocker.address() as { port: number };
    const other = temporaryFolder();
    const onPort = await runMain(["--port", String(port), "--data", other.path]);
    blocker.close();
    expect([onPort.code, onPort.stderr.trim().split("\n")]).toEqual([
      1,
      [expect.stringContaining(`port ${port} on 127.0.0.1 is taken`)],
    ]);
    expect(processesOf(other.path)).toEqual([]);
    await start();
    const inFolder = await runMain(["--port", "0", "--data", folder.path]);
    expect([inFolder.code, inFolder.stderr.trim().split("\n")]).toEqual([
      1,
      [expect.stringMatching(/data folder .* is in use/)],
    ]);
    other.remove();
  });

  it("tells its options, and what is wrong with those it is given", async () => {
    const help = await runMain(["--help"]);
    expect([help.code, help.stdout]).toEqual([0, expect.stringMatching(/--port.*--data.*--memory/s)]);
    for (const wrong of [
      ["--prot", "1"],
      ["--port", "x"],
      ["--port", "70000"],
      ["--memory", "--data", "x"],
      ["extra"],
    ]) {
      const { code, stderr } = await runMain(wrong);
      expect([wrong, code, stderr.trim().split("\n").length]).toEqual([wrong, 2, 1]);
    }
  });

  it("keeps nothing with --memory", async () => {
    for (let round = 0; round < 2; round++) {
      const service = await start(["--memory"]);
      const cluster = await clusterOf(service);
      expect((await call(service.url, `${cluster}/topics`, { topic_name: "t" })).status).toBe(201);
      const large = { value: { type: "STRING", data: "x".repeat(100_000) } };
      expect((await call(service.url, `${cluster}/topics/t/records`, large)).status).toBe(200);
      expect((await readAll(service.url, cluster, 0)).length).toBe(1);
      await service.stop();
    }
  });

  it("uses another DynamoDB when it is told of one, and keeps segments here where there is no S3", async () => {
    const dynoxide = await startDynoxide(undefined);
    const data = temporaryFolder();
    const service = await start(["--data", data.path], { AWS_ENDPOINT_URL: dynoxide.endpoint });
    expect(processesOf(data.path).filter((line) => line.includes("dynoxide"))).toEqual([]);
    const cluster = await clusterOf(service);
    await call(service.url, `${cluster}/topics`, { topic_name: "t" });
    await call(service.url, `${cluster}/topics/t/records`, { value: { type: "STRING", data: "x".repeat(100_000) } });
    await service.stop();
    const again = await start(["--data", data.path], { AWS_ENDPOINT_URL: dynoxide.endpoint });
    expect((await readAll(again.url, cluster, 0)).map(({ value }) => value.length)).toEqual([100_000]);
    await again.stop();
    await dynoxide.stop();
    data.remove();
  });

  it("carries RecordBatches through API Gateway's base64 unharmed, acks=0 and long polls", async () => {
    const service = await start(["--memory"]);
    const cluster = await clusterOf(service);
    await call(service.url, `${cluster}/topics`, { topic_name: "t" });
    const records = `${cluster}/topics/t/partitions/0/records`;
    const batch = encodeBatch(
      [{ key: null, value: crypto.getRandomValues(Buffer.alloc(1000)), headers: [], timestamp: 5 }],
      { compressionType: "lz4" },
    );
    const type = "application/vnd.millrace.record-batches";
    await call(service.url, records, undefined, {
      method: "POST",
      headers: { "content-type": type },
      body: Buffer.from(batch),
    });
    const back = await fetch(`${service.url}${records}`, { headers: { accept: type } });
    expect(Buffer.from(await back.arrayBuffer()).equals(Buffer.from(batch))).toBe(true);
    const polling = call(service.url, `${records}?offset=1&timeout_ms=20000`);
    expect((await call(service.url, `${records}?acks=0`, { value: null })).body.offset).toBe(-1);
    expect((await polling).body.data).toMatchObject([{ offset: 1, value: null }]);
  });

  it("answers 413 to a body that is too large, however it comes", async () => {
    const service = await start(["--memory"]);
    const path = `${await clusterOf(service)}/topics/t/records`;
    const { hostname, port } = new URL(service.url);
    const raw = (head: string, bytes: number) =>
      new Promise<string>((resolve) => {
        const socket = connect(Number(port), hostname);
        socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${head}\r\n\r\n`);
        let text = "";
        socket.on("data", (part) => {
          text += part;
        });
        socket.on("error", () => {});
        socket.on("close", () => resolve(text));
        for (let sent = 0; sent < bytes; sent += 1 << 20) socket.write(`100000\r\n${" ".repeat(1 << 20)}\r\n`);
        if (bytes > 0) socket.write("0\r\n\r\n");
      });
    expect(await raw("content-length: 99999999999", 0)).toMatch(/^HTTP\/1.1 413 .*"hint"/s);
    expect(await raw("transfer-encoding: chunked", 6 << 20)).toMatch(/^HTTP\/1.1 413 .*"hint"/s);
    expect((await call(service.url, "/health")).body.status).toBe("ok");
  });
});
