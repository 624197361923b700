import { beforeEach, describe, expect, it } from "vitest";
import { createTopic } from "../../../shared/broker/create-topic.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { electLeader } from "../../../shared/broker/elect-leader.ts";
import type { PartitionRegistration } from "../../../shared/broker/metadata-store.ts";
import { MAX_TOPICS } from "../../../shared/kafka/limits.ts";
import { memoryBroker, topicOf } from "../../fixtures/broker.ts";
import { answer, ORIGIN, send } from "../../fixtures/http.ts";
import { Regions } from "../../fixtures/regions.ts";

let world: Regions;
let cluster: string;
const topicIds = new Map<string, string>();

beforeEach(async () => {
  world = new Regions();
  cluster = `/v3/clusters/${(await describeCluster(world.broker(1))).clusterId}`;
  for (const [name, configs] of [
    ["orders", { "min.insync.replicas": "2" }],
    ["returns", {}],
  ] as const) {
    const created = await createTopic(world.broker(1), { name, partitionCount: 3, configs });
    topicIds.set(name, created.ok ? created.value.topicId : "");
  }
});

const call = (path: string) => answer(send(world.broker(2), path));
const v3 = (path: string) => call(`${cluster}${path}`);
const registration = (topic: string, partition: number) => world.registration(topicIds.get(topic)!, partition);

async function change(topic: string, partition: number, to: Partial<PartitionRegistration>): Promise<void> {
  const before = await registration(topic, partition);
  const isChanged = await world.metadataStore.updatePartition({
    ...before,
    ...to,
    partitionEpoch: before.partitionEpoch + 1,
  });
  expect(isChanged).toBe(true);
}

/** `topic-partition` of those that a filter finds. */
async function found(filter: string): Promise<string[]> {
  const { status, body } = await v3(`/topics/-/partitions?filter=${filter}`);
  expect([filter, status]).toEqual([filter, 200]);
  return body.data.map(({ topic_name, partition_id }: Record<string, unknown>) => `${topic_name}-${partition_id}`);
}

/** Leases as if region 1 were gone and the others were not. */
async function loseRegion1(): Promise<void> {
  await world.metadataStore.putLease(1, Date.now() - 1);
  for (const id of [2, 3]) await world.metadataStore.putLease(id, Date.now() + 60_000);
}

describe("partitions over HTTP", () => {
  it("show leader, epochs, replicas and in-sync set, in v3 and v2", async () => {
    const { topicId } = await registration("orders", 0);
    await electLeader(world.broker(1), { topicId, partition: 0, leader: 2, gone: [1] });
    expect((await v3("/topics/orders/partitions/0")).body).toEqual({
      kind: "KafkaPartition",
      metadata: {
        self: `${ORIGIN}${cluster}/topics/orders/partitions/0`,
        resource_name: `crn:///kafka=${cluster.split("/").at(-1)}/topic=orders/partition=0`,
      },
      cluster_id: cluster.split("/").at(-1),
      topic_name: "orders",
      partition_id: 0,
      leader: { related: `${ORIGIN}${cluster}/topics/orders/partitions/0/replicas/2` },
      replicas: { related: `${ORIGIN}${cluster}/topics/orders/partitions/0/replicas` },
      reassignment: { related: `${ORIGIN}${cluster}/topics/orders/partitions/0/reassignment` },
      leader_id: 2,
      leader_epoch: 1,
      partition_epoch: 1,
      assigned_replicas: [1, 2, 3],
      in_sync_replicas: [2, 3],
    });
    const told = (await v3("/topics/orders/partitions/0/replicas")).body.data;
    expect(
      told.map(({ broker_id, is_leader, is_in_sync }: Record<string, unknown>) => [broker_id, is_leader, is_in_sync]),
    ).toEqual([
      [1, false, false],
      [2, true, true],
      [3, false, true],
    ]);
    expect((await call("/topics/orders/partitions/0")).body).toEqual({
      partition: 0,
      leader: 2,
      replicas: [
        { broker: 1, leader: false, in_sync: false },
        { broker: 2, leader: true, in_sync: true },
        { broker: 3, leader: false, in_sync: true },
      ],
    });
    expect((await call("/topics/orders")).body.partitions.map(({ leader }: { leader: number }) => leader)).toEqual([
      2, 2, 3,
    ]);
  });

  it("of all topics are listed together, and by the states that kafka-topics --describe filters by", async () => {
    expect((await v3("/topics/-/partitions")).body.data).toHaveLength(6);
    for (const filter of ["under_replicated", "unavailable", "under_min_isr"]) expect(await found(filter)).toEqual([]);
    await change("orders", 1, { inSyncReplicas: [2, 3] });
    await change("orders", 2, { inSyncReplicas: [3] });
    await change("returns", 0, { inSyncReplicas: [1] });
    expect(await found("under_replicated")).toEqual(["orders-1", "orders-2", "returns-0"]);
    expect(await found("at_min_isr")).toEqual(["orders-1", "returns-0"]);
    expect(await found("under_min_isr")).toEqual(["orders-2"]);
    await loseRegion1();
    // Leaders go round the brokers, from one topic to the next too.
    expect(await found("unavailable")).toEqual(["orders-0", "returns-2"]);
    expect(await v3("/topics/-/partitions?filter=sad")).toMatchObject({ status: 400, body: { error_code: 400 } });
  });

  it("come page by page, each page with a link that keeps the filter", async () => {
    const broker = memoryBroker();
    const path = `/v3/clusters/${(await describeCluster(broker)).clusterId}/topics/-/partitions`;
    const name = (index: number) => String(index).padStart(200, "t");
    const topics = Math.min(7, MAX_TOPICS);
    for (let index = 0; index < topics; index++) await topicOf(broker, name(index), 1_000);
    const pages: string[] = [];
    const seen: string[] = [];
    for (let target: string | undefined = `${path}?filter=at_min_isr`; target !== undefined; ) {
      const { status, body } = await answer(send(broker, target));
      expect([status, body.metadata.self]).toEqual([200, `${ORIGIN}${path}?filter=at_min_isr`]);
      pages.push(target);
      seen.push(
        ...body.data.map(({ topic_name, partition_id }: Record<string, unknown>) => `${topic_name}-${partition_id}`),
      );
      target = body.metadata.next?.slice(ORIGIN.length);
    }
    expect(pages.length).toBeGreaterThan(1);
    expect(new Set(seen).size).toBe(topics * 1_000);
    expect(seen).toHaveLength(topics * 1_000);
  });
});

describe("brokers over HTTP", () => {
  it("are all listed in v3, with the replicas they hold, and say whether their region counts as gone; v2 lists those alive", async () => {
    const fenced = async () =>
      (await v3("/brokers")).body.data.map(({ broker_id, rack, is_fenced }: Record<string, unknown>) => [
        broker_id,
        rack,
        is_fenced,
      ]);
    const all = (gone: boolean) => [
      [1, "us-east-1", gone],
      [2, "us-east-2", false],
      [3, "us-west-2", false],
    ];
    expect(await fenced()).toEqual(all(false));
    expect((await call("/brokers")).body).toEqual({ brokers: [1, 2, 3] });
    await loseRegion1();
    expect(await fenced()).toEqual(all(true));
    expect((await v3("/brokers/1")).body.is_fenced).toBe(true);
    expect((await call("/brokers")).body).toEqual({ brokers: [2, 3] });
    const { data } = (await v3("/brokers/1/partition-replicas")).body;
    expect(data).toHaveLength(6);
    expect(data.filter(({ is_leader }: { is_leader: boolean }) => is_leader)).toHaveLength(2);
  });
});
