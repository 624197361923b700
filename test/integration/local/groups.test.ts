import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningService, startServiceProcess } from "../../fixtures/service.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests, which fail where a field is missing
type Json = any;

let service: RunningService;
let cluster: string;
const consumers: ChildProcess[] = [];

beforeAll(async () => {
  service = await startServiceProcess(["--port", "0", "--memory"]);
  cluster = `${service.url}/v3/clusters/${(await call(`${service.url}/v3/clusters`)).body.data[0].cluster_id}`;
});
afterAll(async () => {
  for (const consumer of consumers) kill(consumer);
  await service?.stop("SIGKILL");
});

async function call(url: string, body?: object, method = body === undefined ? "GET" : "POST") {
  const init =
    body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url, { method, signal: AbortSignal.timeout(30_000), ...init });
  const text = await response.text();
  return { status: response.status, body: (text === "" ? undefined : JSON.parse(text)) as Json };
}

const group = (name: string, path = "", body?: object, method?: string) =>
  call(`${cluster}/consumer-groups/${name}${path}`, body, method);
const createTopic = (name: string, partitions: number) =>
  call(`${cluster}/topics`, { topic_name: name, partitions_count: partitions });
async function produce(topic: string, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const record = { key: { type: "STRING", data: `k${n}` }, value: { type: "STRING", data: `v${n}` } };
    expect((await call(`${cluster}/topics/${topic}/records`, record)).status).toBe(200);
  }
}

/** The consumer that docs/http.md shows. */
function documentedLoop(): string {
  const blocks = [...readFileSync("docs/http.md", "utf8").matchAll(/```sh\n(.*?)```/gs)].map(([, lines]) => lines!);
  return blocks.find((block) => block.includes("while "))!;
}

/** Runs it in a process group of its own, so that it dies with what it has started. */
function startLoop(topic: string, groupId: string): { readonly process: ChildProcess; readonly seen: string[] } {
  const script = documentedLoop()
    .replace('"orders"', `"${topic}"`)
    .replace("consumer-groups/billing", `consumer-groups/${groupId}`)
    .replace('"timeout_ms":20000', '"timeout_ms":1000');
  expect(script).toContain(`"topics":["${topic}"]`);
  const env = { ...process.env, C: cluster };
  const child = spawn("bash", ["-c", script], { env, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  consumers.push(child);
  const seen: string[] = [];
  let rest = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    seen.push(...lines.map((line) => JSON.parse(line).value.data));
  });
  return { process: child, seen };
}

function kill(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // It has ended.
  }
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 300; tries++) {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

const names = (count: number) => Array.from({ length: count }, (_, n) => `v${n}`).sort();

describe("consumer groups on the local service", () => {
  it("have the loop of docs/http.md share partitions, survive a kill -9, and process each record at least once", async () => {
    expect(documentedLoop().trim().split("\n").length).toBeLessThanOrEqual(10);
    await createTopic("shared", 4);
    await produce("shared", 0, 20);
    const one = startLoop("shared", "loops");
    expect(await eventually(() => one.seen.length >= 20)).toBe(true);
    const other = startLoop("shared", "loops");
    const assignments = async (): Promise<number[]> => {
      const { body } = await group("loops", "/consumers");
      const lists = body.data.map(({ consumer_id }: Json) => group("loops", `/consumers/${consumer_id}/assignments`));
      return (await Promise.all(lists)).map(({ body: list }: Json) => list.data?.length ?? 0);
    };
    expect(await eventually(async () => (await assignments()).join() === "2,2")).toBe(true);
    await produce("shared", 20, 60);
    const all = () => new Set([...one.seen, ...other.seen]);
    expect(await eventually(() => all().size === 60)).toBe(true);
    expect(other.seen.length).toBeGreaterThan(0);

    kill(one.process);
    await produce("shared", 60, 80);
    // Its session is over after 45 s; an administrator need not wait for that.
    const members = (await group("loops", "/consumers")).body.data;
    for (const { consumer_id } of members) {
      const mine = (await group("loops", `/consumers/${consumer_id}`)).body;
      expect(mine.member_epoch).toBeGreaterThan(0);
    }
    expect(await eventually(() => all().size > 60)).toBe(true);
    const leave = { member_id: members[0].consumer_id, member_epoch: -1 };
    const leaveOther = { member_id: members[1].consumer_id, member_epoch: -1 };
    // Whoever of them still lives is told that it was fenced, and joins again by itself.
    expect((await group("loops", "/heartbeat", leave)).status).toBe(200);
    expect((await group("loops", "/heartbeat", leaveOther)).status).toBe(200);
    expect(await eventually(() => all().size === 80)).toBe(true);
    expect([...all()].sort()).toEqual(names(80));
    expect(await eventually(async () => (await group("loops", "/lag-summary")).body.total_lag === 0)).toBe(true);
    kill(other.process);
  }, 90_000);

  it("commit, reset and delete over HTTP, as stored", async () => {
    await createTopic("kept", 2);
    await produce("kept", 0, 10);
    const offsets = [0, 1].map((partition_id) => ({ topic_name: "kept", partition_id, offset: 1, metadata: "n" }));
    expect((await group("admin", "/offsets", { offsets })).status).toBe(200);
    expect((await group("admin")).body).toMatchObject({ state: "EMPTY", type: "CLASSIC", is_simple: true });
    const reset = await group("admin", "/offsets:reset", { to: "latest" });
    const ends = reset.body.data.map(({ new_offset }: Json) => new_offset);
    expect(ends.reduce((sum: number, end: number) => sum + end, 0)).toBe(10);
    expect((await group("admin", "/lag-summary")).body.total_lag).toBe(0);
    expect((await group("admin", "/offsets?topic_name=kept&partition_id=1", undefined, "DELETE")).status).toBe(200);
    expect((await group("admin", "/offsets")).body.data).toMatchObject([{ partition_id: 0, offset: ends[0] }]);
    expect((await group("admin", "", undefined, "DELETE")).status).toBe(204);
    expect((await group("admin")).status).toBe(404);
  });

  it("have a heartbeat's terms, a fenced commit, and a member that leaves", async () => {
    await createTopic("beat", 3);
    const joining = { member_epoch: 0, rebalance_timeout_ms: 60_000, subscribed_topic_names: ["beat"] };
    const { body: told } = await group("beats", "/heartbeat", joining);
    expect(told.assignment).toMatchObject([{ topic_name: "beat", partitions: [0, 1, 2] }]);
    const { member_id, member_epoch } = told;
    const again = await group("beats", "/heartbeat", { member_id, member_epoch });
    expect(again.body).toMatchObject({ member_epoch, assignment: null });
    const offsets = [{ topic_name: "beat", partition_id: 0, offset: 0 }];
    expect((await group("beats", "/offsets", { member_id, member_epoch, offsets })).status).toBe(200);
    const stale = await group("beats", "/offsets", { member_id, member_epoch: member_epoch + 1, offsets });
    expect([stale.status, stale.body.kafka_error]).toEqual([409, "STALE_MEMBER_EPOCH"]);
    expect((await group("beats", "/heartbeat", { member_id, member_epoch: -1 })).status).toBe(200);
    expect((await group("beats")).body.state).toBe("EMPTY");
  });
});
