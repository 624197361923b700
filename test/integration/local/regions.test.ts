import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { processesOf, runMain, startServiceProcess, temporaryFolder } from "../../fixtures/service.ts";
import { eventually, REGIONS, RegionCluster } from "./region-cluster.ts";

const [EAST, WEST, EU] = REGIONS;
const folder = temporaryFolder();
let cluster: RegionCluster;
beforeAll(async () => {
  cluster = await RegionCluster.start(folder.path);
});
afterAll(async () => {
  await cluster.service.stop("SIGKILL");
  folder.remove();
});

async function topicOf(name: string, partitions = 1): Promise<string> {
  const created = await cluster.call(WEST, "/topics", { topic_name: name, partitions_count: partitions });
  expect([created.status, created.body.replication_factor]).toEqual([201, 3]);
  return name;
}

/** Waits until a broker leads partition 0, or another than it does. */
async function leaderBecomes(topic: string, at: string, isIt: (leader: number) => boolean): Promise<number> {
  let leader = 0;
  await eventually(async () => {
    leader = (await cluster.leadership(at, topic, 0))?.leader ?? 0;
    return leader > 0 && isIt(leader);
  });
  expect(isIt(leader)).toBe(true);
  return leader;
}

const allInSync = (topic: string, at: string) =>
  eventually(async () => (await cluster.leadership(at, topic, 0))?.inSync.length === 3);

/** Values that were acknowledged with acks=all: at these offsets they must be found. */
async function producedAt(region: string, topic: string, values: readonly string[]) {
  const offsets: { offset: number; value: string }[] = [];
  for (const value of values) {
    const { status, body } = await cluster.produce(region, topic, 0, value);
    expect([value, status, body]).toEqual([value, 200, expect.anything()]);
    offsets.push({ offset: body.offset, value });
  }
  return offsets;
}

/** The first that is acknowledged after a failover: requests that wait for the old leader fail first, and may be in the log. */
async function firstProducedAt(region: string, topic: string, value: string) {
  for (let attempt = 0; attempt < 4; attempt++) {
    const { status, body } = await cluster.produce(region, topic, 0, `${value} ${attempt}`);
    if (status === 200) return [{ offset: body.offset as number, value: `${value} ${attempt}` }];
  }
  throw new Error(`no produce at ${region} was acknowledged`);
}

describe("the local service with several regions", () => {
  it("takes a produce at every endpoint, wherever the leader is, and shows it at every endpoint", async () => {
    const topic = await topicOf("everywhere", 3);
    const leaders = await Promise.all([0, 1, 2].map((partition) => cluster.leadership(EU, topic, partition)));
    expect(leaders.map((found) => found?.leader)).toEqual([1, 2, 3]);
    for (const partition of [0, 1, 2]) {
      for (const region of REGIONS) {
        const { status } = await cluster.produce(region, topic, partition, `${partition} ${region}`);
        expect([region, partition, status]).toEqual([region, partition, 200]);
      }
    }
    // Too large to be inline: its batches lie in the bucket of each region.
    expect((await cluster.produce(WEST, topic, 0, "x".repeat(100_000))).status).toBe(200);
    for (const region of REGIONS) {
      for (const partition of [0, 1, 2]) {
        const values = (await cluster.readAll(region, topic, partition)).map(({ value }) => value);
        expect(values.slice(0, 3)).toEqual(REGIONS.map((from) => `${partition} ${from}`));
        expect(values[3]?.length).toBe(partition === 0 ? 100_000 : undefined);
      }
    }
  });

  it("elects another leader when the leader's region stops, with all that was acknowledged; it follows when it is back", async () => {
    const topic = await topicOf("stopped");
    const before = await producedAt(EAST, topic, ["one", "x".repeat(100_000), "three"]);
    expect(await cluster.readAll(EU, topic, 0)).toEqual(before);
    expect((await cluster.control(EAST, "stop", EU)).body).toMatchObject({ region: EAST, state: "stopped" });
    // What lies in a region is read there, whether or not another leads by now.
    expect((await cluster.readAll(EU, topic, 0)).slice(0, before.length)).toEqual(before);
    const refused = await cluster.call(EAST, "/topics");
    expect([refused.status, refused.body.message]).toEqual([503, `region ${EAST} is stopped`]);
    const leader = await leaderBecomes(topic, EU, (id) => id !== 1);
    const after = [...(await firstProducedAt(EU, topic, "four")), ...(await producedAt(EU, topic, ["five"]))];
    expect(await cluster.readAll(WEST, topic, 0)).toEqual(expect.arrayContaining([...before, ...after]));

    expect((await cluster.control(EAST, "start")).body).toMatchObject({ region: EAST, state: "running" });
    expect(await allInSync(topic, EAST)).toBe(true);
    expect((await cluster.leadership(EAST, topic, 0))?.leader).toBe(leader);
    const back = await producedAt(EAST, topic, ["six"]);
    const all = [...before, ...after, ...back];
    expect(await cluster.readAll(EAST, topic, 0)).toEqual(expect.arrayContaining(all));
  });

  it("counts a region whose store is killed as stopped, with its process", async () => {
    process.kill(cluster.storePid(WEST)!, "SIGKILL");
    expect(await eventually(async () => (await cluster.states())[WEST] === "stopped")).toBe(true);
    const left = () => processesOf(folder.path).filter((line) => line.includes(`/regions/${WEST}`));
    expect(await eventually(() => left().length === 0)).toBe(true);
    expect((await cluster.control(WEST, "isolate")).status).toBe(409);
    expect((await cluster.control(WEST, "start")).status).toBe(200);
    expect(left().length).toBeGreaterThan(0);
  });

  it("elects another leader when the leader's region is isolated, which acknowledges nothing until it is back", async () => {
    const topic = await topicOf("isolated");
    const before = await producedAt(WEST, topic, ["one"]);
    const { leader } = (await cluster.leadership(WEST, topic, 0))!;
    const region = cluster.regionOf(leader);
    const [other] = cluster.regions.filter((name) => name !== region);
    expect((await cluster.control(region, "isolate")).body.state).toBe("isolated");
    const cutOff = cluster.produce(region, topic, 0, "cut off", "all", 4_000);
    await leaderBecomes(topic, other!, (id) => id !== leader);
    const after = await firstProducedAt(other!, topic, "two");
    expect((await cutOff).status).not.toBe(200);
    expect((await cluster.call(region, "/topics")).status).not.toBe(200);

    expect((await cluster.control(region, "start")).body.state).toBe("running");
    expect(await allInSync(topic, region)).toBe(true);
    const back = await producedAt(region, topic, ["three"]);
    const all = [...before, ...after, ...back];
    expect(await cluster.readAll(region, topic, 0)).toEqual(expect.arrayContaining(all));
  });

  it("delays what crosses to and from a slow region, and what stays within the others not", async () => {
    const topic = await topicOf("slow");
    await producedAt(EAST, topic, ["one"]);
    for (const wrong of ["slow", "slow?ms=x", "slow?ms=60001"]) {
      expect([wrong, (await cluster.control(EU, wrong)).status]).toEqual([wrong, 400]);
    }
    expect((await cluster.control(EU, "slow?ms=300")).body).toMatchObject({ region: EU, slow_ms: 300 });
    const start = performance.now();
    await producedAt(EAST, topic, ["two"]);
    // There and back again to a follower that acks=all waits for; a clock may be a little early.
    expect(performance.now() - start).toBeGreaterThan(590);
    expect((await cluster.control(EU, "slow?ms=0")).body.slow_ms).toBe(0);
    expect((await cluster.readAll(EU, topic, 0)).map(({ value }) => value)).toEqual(["one", "two"]);
  });

  it("says what regions and ways to change them there are", async () => {
    expect((await cluster.control("eu-north-1", "stop")).body).toMatchObject({
      error_code: 404,
      hint: `the regions are ${REGIONS.join(", ")}`,
    });
    expect((await cluster.control(EU, "explode")).status).toBe(404);
    expect(await cluster.states()).toEqual(Object.fromEntries(REGIONS.map((name) => [name, "running"])));
  });
});

describe("the data folder of several regions", () => {
  it("has all of it when the service starts again, and is of these regions alone", async () => {
    const data = temporaryFolder();
    const first = await RegionCluster.start(data.path, [EAST, EU]);
    expect((await first.call(EU, "/topics", { topic_name: "t" })).body.replication_factor).toBe(2);
    expect((await first.produce(EU, "t", 0, "kept")).status).toBe(200);
    expect((await first.service.stop("SIGTERM")).code).toBe(0);
    expect(processesOf(data.path)).toEqual([]);

    for (const args of [[], ["--regions", `${EU},${EAST}`]]) {
      const { code, stderr } = await runMain(["--port", "0", "--data", data.path, ...args]);
      expect([code, stderr.trim().split("\n")]).toEqual([1, [expect.stringContaining(`--regions ${EAST},${EU}`)]]);
    }
    const again = await RegionCluster.start(data.path, [EAST, EU]);
    expect((await again.readAll(EAST, "t", 0)).map(({ value }) => value)).toEqual(["kept"]);
    await again.service.stop("SIGKILL");
    expect(await eventually(() => processesOf(data.path).length === 0)).toBe(true);
    data.remove();
  });

  it("is not that of a service without regions", async () => {
    const data = temporaryFolder();
    const single = await startServiceProcess(["--port", "0", "--data", data.path]);
    await single.stop();
    const { code, stderr } = await runMain(["--port", "0", "--data", data.path, "--regions", EAST]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("start without --regions")]);
    data.remove();
  });
});
