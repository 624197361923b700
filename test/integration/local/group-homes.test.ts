import { afterAll, beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../../fixtures/service.ts";
import { eventually, REGIONS, RegionCluster } from "./region-cluster.ts";

const [EAST, WEST, EUROPE] = REGIONS;
const folder = temporaryFolder();
let cluster: RegionCluster;
beforeAll(async () => {
  cluster = await RegionCluster.start(folder.path);
});
afterAll(async () => {
  await cluster?.service.stop("SIGKILL");
  folder.remove();
});

it("a consumer may poll another region each time; while its group's home is gone it waits, and then goes on where it was", async () => {
  await cluster.call(EUROPE, "/topics", { topic_name: "orders" });
  const produce = (value: string) => cluster.produce(EUROPE, "orders", 0, value);
  const seen: string[] = [];
  let body: object = { topics: ["orders"], auto_offset_reset: "earliest" };
  const poll = async (region: string) => {
    const { status, body: answered } = await cluster.call(region, "/consumer-groups/g/poll", body);
    if (status !== 200) return answered?.kafka_error ?? status;
    body = answered.next;
    seen.push(...answered.data.map(({ value }: { value: { data: string } }) => value.data));
    return status;
  };
  // Begun in the west, which has the group from then on; the partition's leader is in the east.
  for (const [value, region] of [
    ["a", WEST],
    ["b", EAST],
    ["c", EUROPE],
    ["d", WEST],
  ] as const) {
    expect((await produce(value)).status).toBe(200);
    expect(await poll(region)).toBe(200);
  }
  expect(seen).toEqual(["a", "b", "c", "d"]);
  const told = await cluster.call(EAST, "/consumer-groups/g");
  expect([told.body.state, told.body.coordinator.related.slice(-9)]).toEqual(["STABLE", "brokers/2"]);

  await cluster.control(WEST, "stop");
  expect(await poll(EUROPE)).toBe("COORDINATOR_NOT_AVAILABLE");
  const other = await cluster.call(EUROPE, "/consumer-groups/h/offsets", {
    offsets: [{ topic_name: "orders", partition_id: 0, offset: 1 }],
  });
  expect(other.status).toBe(200);
  const listed = await cluster.call(EUROPE, "/consumer-groups");
  expect(listed.body.data.map((each: { consumer_group_id: string }) => each.consumer_group_id)).toEqual(["h"]);

  await cluster.control(WEST, "start");
  expect(await eventually(async () => (await poll(EUROPE)) === 200)).toBe(true);
  expect((await produce("e")).status).toBe(200);
  expect(await poll(EAST)).toBe(200);
  expect(seen).toEqual(["a", "b", "c", "d", "e"]);
}, 90_000);
