import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { temporaryFolder } from "../../fixtures/service.ts";
import { REGIONS, RegionCluster } from "./region-cluster.ts";

const folder = temporaryFolder();
let cluster: RegionCluster | undefined;
afterAll(async () => {
  await cluster?.service.stop("SIGKILL");
  folder.remove();
});

/** The lines of shell that show a failover in a document. */
function failoverOf(document: string): string[] {
  const blocks = [...readFileSync(document, "utf8").matchAll(/```sh\n(.*?)```/gs)].map(([, lines]) => lines!.trim());
  return blocks.find((block) => block.includes("/stop"))!.split("\n");
}

it("shows a failover in six lines that do what it says", async () => {
  const lines = failoverOf("README.md");
  expect(lines).toHaveLength(6);
  expect(failoverOf("local/README.md")).toEqual(lines);
  cluster = await RegionCluster.start(folder.path);
  const url = (region: string) => cluster!.url(region);
  // The ports are any free ones, and the lease is short here.
  const script = lines
    .join("\n")
    .replaceAll("http://127.0.0.1:8082", url(REGIONS[0]))
    .replaceAll("http://127.0.0.1:8083", url(REGIONS[1]))
    .replace("sleep 20", "sleep 8");
  expect(script).toContain("sleep 8");
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { timeout: 60_000 });
  // Answers come one after the other, without a line between them.
  const answers = stdout.split(/(?<=\})\s*(?=\{"(?:kind|error_code|region)":)/).map((text) => JSON.parse(text));
  const [created, before, stopped, after, replicas, records, started] = answers;
  expect(answers).toHaveLength(7);
  expect([created.kind, created.topic_name, created.replication_factor]).toEqual(["KafkaTopic", "orders", 3]);
  expect([before.error_code, stopped.state, after.error_code]).toEqual([200, "stopped", 200]);
  const leader = replicas.data.find(({ is_leader }: { is_leader: boolean }) => is_leader);
  expect([2, 3]).toContain(leader.broker_id);
  expect(replicas.data[0]).toMatchObject({ broker_id: 1, is_leader: false, is_in_sync: false });
  expect(
    records.data.map(({ offset, value }: { offset: number; value: { data: string } }) => [offset, value.data]),
  ).toEqual([
    [before.offset, "before"],
    [after.offset, "after"],
  ]);
  expect([started.region, started.state]).toEqual([REGIONS[0], "running"]);
});
