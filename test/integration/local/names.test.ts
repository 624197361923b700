import { afterAll, beforeAll, expect, it } from "vitest";
import { ROUTES } from "../../../shared/http/route-table.ts";
import { type RunningService, startServiceProcess } from "../../fixtures/service.ts";

/** Names that no key of DynamoDB can be, or that no UTF-8 has: memory takes them all, so the real store is asked. */
const NAMES = ["", "n".repeat(3_000), "\ud800", "\u0000", "é".repeat(249), "."];

let service: RunningService;
let clusterId: string;
beforeAll(async () => {
  service = await startServiceProcess(["--port", "0", "--memory"]);
  ({ cluster_id: clusterId } = (await (await fetch(`${service.url}/health`)).json()) as { cluster_id: string });
  await call("POST", `/v3/clusters/${clusterId}/topics`, { topic_name: "t" });
  await call("POST", "/consumers/g", { name: "i" });
});
afterAll(() => service.stop());

async function call(method: string, path: string, body: unknown): Promise<number> {
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: { "content-type": path.startsWith("/consumers") ? "application/vnd.kafka.v2+json" : "application/json" },
    ...(method === "GET" ? {} : { body: JSON.stringify(body) }),
  });
  await response.arrayBuffer();
  return response.status;
}

const sound: Readonly<Record<string, string>> = {
  topic_name: "t",
  partition_id: "0",
  broker_id: "1",
  leader_epoch: "0",
  consumer_group_id: "g",
  consumer_id: "m",
  group_name: "g",
  instance: "i",
  name: "retention.ms",
};

it("that nothing can have are refused in every parameter of a path, and are nobody's failure", async () => {
  const failed: unknown[] = [];
  for (const { method, path } of ROUTES) {
    const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
    for (const parameter of parameters.filter((name) => name !== "cluster_id")) {
      for (const name of NAMES.filter((each) => each !== "" && each.isWellFormed() && each !== ".")) {
        const target = path.replaceAll(/\{(\w+)\}/g, (_, each: string) =>
          each === parameter ? encodeURIComponent(name) : each === "cluster_id" ? clusterId : sound[each]!,
        );
        const status = await call(method, target, {});
        if (status >= 500) failed.push([status, method, path, parameter, name.slice(0, 5), name.length]);
      }
    }
  }
  expect(failed).toEqual([]);
});

it("that nothing can have are refused in bodies and queries, and are nobody's failure", async () => {
  const cluster = `/v3/clusters/${clusterId}`;
  const group = `${cluster}/consumer-groups/g`;
  const partition = (name: string) => ({ topic_name: name, partition_id: 0 });
  const ofRest = (name: string) => ({ topic: name, partition: 0 });
  const requests: readonly [string, (name: string) => unknown][] = [
    [`${cluster}/topics`, (name) => ({ topic_name: name })],
    [`${cluster}/leader-elections`, (name) => ({ partitions: [partition(name)] })],
    [`${cluster}/topics/t/configs:alter`, (name) => ({ data: [{ name, value: "1" }] })],
    [`${group}/offsets`, (name) => ({ offsets: [{ ...partition(name), offset: 0 }] })],
    [`${group}/offsets`, (name) => ({ member_id: name, member_epoch: 1, offsets: [{ ...partition("t"), offset: 0 }] })],
    [`${group}/offsets:reset`, (name) => ({ to: "latest", topics: [name] })],
    [`${group}/offsets:reset`, (name) => ({ to: "latest", partitions: [partition(name)] })],
    [`${group}/poll`, (name) => ({ topics: [name] })],
    [`${group}/poll`, (name) => ({ topics: ["t"], member_id: name, member_epoch: 1 })],
    [`${group}/poll`, (name) => ({ topics: ["t"], instance_id: name })],
    [
      `${group}/poll`,
      (name) => ({
        topics: ["t"],
        member_id: "m",
        member_epoch: 1,
        positions: [{ ...partition(name), topic_id: name, offset: 0, committed_offset: 0 }],
      }),
    ],
    [`${group}/heartbeat`, (name) => ({ member_id: name, member_epoch: 3 })],
    [`${group}/heartbeat`, (name) => ({ member_id: name, member_epoch: -1 })],
    [
      `${group}/heartbeat`,
      (name) => ({ member_epoch: 0, rebalance_timeout_ms: 1_000, subscribed_topic_names: [name] }),
    ],
    [
      `${group}/heartbeat`,
      (name) => ({ member_id: "m", member_epoch: 1, topic_partitions: [{ topic_id: name, partitions: [0] }] }),
    ],
    ["/consumers/h", (name) => ({ name })],
    ["/consumers/g/instances/i/subscription", (name) => ({ topics: [name] })],
    ["/consumers/g/instances/i/assignments", (name) => ({ partitions: [ofRest(name)] })],
    ["/consumers/g/instances/i/positions", (name) => ({ offsets: [{ ...ofRest(name), offset: 0 }] })],
    ["/consumers/g/instances/i/offsets", (name) => ({ offsets: [{ ...ofRest(name), offset: 0 }] })],
  ];
  const failed: unknown[] = [];
  for (const [path, bodyOf] of requests) {
    for (const name of NAMES) {
      const status = await call("POST", path, bodyOf(name));
      if (status >= 500) failed.push([status, path, JSON.stringify(bodyOf(name)).slice(0, 80)]);
    }
  }
  for (const name of NAMES.filter((each) => each.isWellFormed())) {
    const encoded = encodeURIComponent(name);
    for (const target of [
      `${group}/offsets?topic_name=${encoded}`,
      `${group}/offsets?topic_name=t&partition_id=0&member_id=${encoded}&member_epoch=1`,
      `${group}/lags?page_token=${encoded}`,
      `${group}/consumers?page_token=${encoded}`,
      `${cluster}/topics?page_token=${encoded}`,
      `/consumers/g/instances/i/offsets?partitions=${encoded}:0`,
    ]) {
      const status = await call("GET", target, undefined);
      if (status >= 500) failed.push([status, target.slice(0, 120)]);
    }
  }
  expect(failed).toEqual([]);
});
