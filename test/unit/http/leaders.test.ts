import { beforeEach, describe, expect, it } from "vitest";
import { alterTopicConfigs } from "../../../shared/broker/alter-topic-configs.ts";
import { shrinkInSyncReplicas } from "../../../shared/broker/change-in-sync-replicas.ts";
import { createTopic } from "../../../shared/broker/create-topic.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { describeTopic } from "../../../shared/broker/describe-topic.ts";
import { memoryBroker, produce, topicOf } from "../../fixtures/broker.ts";
import { answer, type Sent, send } from "../../fixtures/http.ts";
import { Regions } from "../../fixtures/regions.ts";
import { inVirtualTime } from "../../fixtures/virtual-time.ts";

let regions: Regions;
let cluster: string;
beforeEach(async () => {
  regions = new Regions();
  cluster = `/v3/clusters/${(await describeCluster(regions.broker(1))).clusterId}`;
  const created = await createTopic(regions.broker(1), { name: "t", partitionCount: 1, replicationFactor: 3 });
  expect(created.ok).toBe(true);
});

const call = (path: string, sent?: Sent) => answer(send(regions.broker(1), `${cluster}${path}`, sent));
const elect = async (body: object) => (await call("/leader-elections", { body })).body;

describe("an election over HTTP", () => {
  it("moves a partition to the leader that is named, in a new epoch", async () => {
    expect(await elect({ partitions: [{ topic_name: "t", partition_id: 0, leader: 3 }] })).toEqual({
      kind: "KafkaLeaderElectionList",
      data: [
        { topic_name: "t", partition_id: 0, leader: 3, leader_epoch: 1, in_sync_replicas: [1, 2, 3], error_code: 200 },
      ],
    });
    const replicas = (await call("/topics/t/partitions/0/replicas")).body.data;
    expect(replicas.filter((replica: { is_leader: boolean }) => replica.is_leader)).toMatchObject([{ broker_id: 3 }]);
    expect(await produce(regions.broker(2), "t", [{ partition: 0 }])).toEqual(["0:1"]);
  });

  it("moves it back to the preferred leader, and says when that leads already", async () => {
    const partitions = [{ topic_name: "t", partition_id: 0 }];
    await elect({ partitions: [{ topic_name: "t", partition_id: 0, leader: 2 }] });
    expect((await elect({ partitions })).data).toMatchObject([{ leader: 1, leader_epoch: 2, error_code: 200 }]);
    expect((await elect({ election_type: "PREFERRED", partitions })).data).toMatchObject([
      { error_code: 409, kafka_error: "ELECTION_NOT_NEEDED" },
    ]);
  });

  it("is met by a writer that has not heard of it before anything is appended, so that its request follows", async () => {
    expect(await produce(regions.broker(1), "t", [{ partition: 0 }], { acks: -1, timeoutMs: 5_000 })).toEqual(["0:1"]);
    const partitions = [{ topic_name: "t", partition_id: 0, leader: 2 }];
    const by3 = answer(send(regions.broker(3), `${cluster}/leader-elections`, { body: { partitions } }));
    expect((await by3).body.data).toMatchObject([{ leader: 2, leader_epoch: 1, error_code: 200 }]);
    expect(await produce(regions.broker(1), "t", [{ partition: 0 }], { acks: -1, timeoutMs: 5_000 })).toEqual(["0:3"]);
  });

  it("gives nothing to a region that does not answer, though its lease has not run out", async () => {
    await elect({ partitions: [{ topic_name: "t", partition_id: 0, leader: 2 }] });
    for (const id of [1, 3]) {
      await regions.metadataStore.putLease(id, Date.now() + 60_000);
      regions.region(id).isDown = true;
    }
    const partitions = [
      { topic_name: "t", partition_id: 0 },
      { topic_name: "t", partition_id: 0, leader: 3 },
    ];
    expect((await elect({ partitions })).data).toMatchObject([
      { error_code: 50003, kafka_error: "PREFERRED_LEADER_NOT_AVAILABLE" },
      { error_code: 50003, kafka_error: "ELIGIBLE_LEADERS_NOT_AVAILABLE", message: expect.stringContaining("3") },
    ]);
    expect((await call("/topics/t/partitions/0")).body).toMatchObject({ leader_id: 2, leader_epoch: 1 });
  });

  it("of as many partitions as a request may name is done in a request's time, though regions are far from each other", () =>
    inVirtualTime(async (clock) => {
      const far = new Regions({ clock });
      const id = (await describeCluster(far.broker(1))).clusterId;
      await createTopic(far.broker(1), { name: "many", partitionCount: 100, replicationFactor: 3 });
      const way = () => clock.sleep(80);
      for (const region of far.regions) region.before = way;
      for (const name of ["getTopic", "getPartitions", "updatePartition", "getLeases"] as const) {
        const call = far.metadataStore[name].bind(far.metadataStore) as (...args: unknown[]) => Promise<never>;
        far.metadataStore[name] = async (...args: unknown[]) => {
          await way();
          return call(...args);
        };
      }
      const partitions = Array.from({ length: 100 }, (_, partition_id) => {
        return { topic_name: "many", partition_id, leader: ((partition_id + 1) % 3) + 1 };
      });
      const begun = clock.now();
      const { body } = await answer(
        send(far.broker(1), `/v3/clusters/${id}/leader-elections`, { body: { partitions } }),
      );
      expect(body.data).toMatchObject(
        partitions.map(({ partition_id, leader }) => ({ partition_id, leader, error_code: 200 })),
      );
      expect(clock.now() - begun).toBeLessThan(20_000);
    }));

  it("leaves a batch that a reader of records neither sees nor stops at, however little it asks for", async () => {
    const sent = { acks: -1, timeoutMs: 5_000 } as const;
    for (const [value, leader, at] of [["a", 2, 1] as const, ["b", 3, 3] as const]) {
      await elect({ partitions: [{ topic_name: "t", partition_id: 0, leader }] });
      expect(await produce(regions.broker(1), "t", [{ partition: 0, value }], sent)).toEqual([`0:${at}`]);
    }
    const page = async (offset: number) => {
      const { body } = await call(`/topics/t/partitions/0/records?offset=${offset}&max_bytes=1&value_format=STRING`);
      const values = body.data.map(({ value }: { value: { data: string } }) => value.data);
      return [values, body.metadata.next_offset, body.metadata.high_watermark];
    };
    expect(await page(0)).toEqual([["a"], 2, 4]);
    expect(await page(2)).toEqual([["b"], 4, 4]);
    expect(await page(4)).toEqual([[], 4, 4]);
  });

  it("does what one request asks of one partition in turn", async () => {
    const partitions = [2, 3, 2].map((leader) => ({ topic_name: "t", partition_id: 0, leader }));
    expect((await elect({ partitions })).data).toMatchObject([
      { leader: 2, leader_epoch: 1 },
      { leader: 3, leader_epoch: 2 },
      { leader: 2, leader_epoch: 3 },
    ]);
  });

  it("fails for each partition by itself", async () => {
    const partitions = [
      { topic_name: "nope", partition_id: 0 },
      { topic_name: "t", partition_id: 7 },
      { topic_name: "t", partition_id: 0, leader: 9 },
      { topic_name: "t", partition_id: 0, leader: 2 },
    ];
    expect((await elect({ partitions })).data.map(({ kafka_error }: { kafka_error?: string }) => kafka_error)).toEqual([
      "UNKNOWN_TOPIC_OR_PARTITION",
      "UNKNOWN_TOPIC_OR_PARTITION",
      "INVALID_REPLICA_ASSIGNMENT",
      undefined,
    ]);
  });

  it("of nothing is refused, and an unclean one that names its leader", async () => {
    expect((await call("/leader-elections", { body: { partitions: [] } })).status).toBe(400);
    const partitions = [{ topic_name: "t", partition_id: 0, leader: 3 }];
    expect(await call("/leader-elections", { body: { election_type: "UNCLEAN", partitions } })).toMatchObject({
      status: 400,
      body: { error_code: 40002 },
    });
  });
});

describe("an unclean election over HTTP", () => {
  const partitions = [{ topic_name: "t", partition_id: 0 }];
  const electUncleanly = async () => (await elect({ election_type: "UNCLEAN", partitions })).data[0];

  /** Broker 1 alone is in sync, has a record that the others have not, and is gone. */
  async function loseTheLastInSync() {
    const { topicId } = (await describeTopic(regions.broker(1), "t").then((result) => result.ok && result.value)) as {
      topicId: string;
    };
    await produce(regions.broker(1), "t", [{ partition: 0 }]);
    for (const id of [2, 3]) {
      regions.region(id).isDown = true;
      await shrinkInSyncReplicas(regions.broker(1), await regions.registration(topicId), id);
    }
    await produce(regions.open(1), "t", [{ partition: 0 }]);
    for (const id of [2, 3]) regions.region(id).isDown = false;
    regions.region(1).isDown = true;
    await regions.metadataStore.putLease(1, Date.now() - 1);
  }

  it("is not needed while the leader is alive, by its lease or by its table", async () => {
    expect(await electUncleanly()).toMatchObject({ error_code: 409, kafka_error: "ELECTION_NOT_NEEDED" });
    await loseTheLastInSync();
    await regions.metadataStore.putLease(1, Date.now() + 60_000);
    expect(await electUncleanly()).toMatchObject({ error_code: 409, kafka_error: "ELECTION_NOT_NEEDED" });
  });

  it("is refused where the topic does not allow it, and says how it can", async () => {
    await loseTheLastInSync();
    expect(await electUncleanly()).toMatchObject({
      error_code: 50003,
      kafka_error: "ELIGIBLE_LEADERS_NOT_AVAILABLE",
      hint: expect.stringContaining("unclean.leader.election.enable=true"),
    });
  });

  it("answers who leads, from which offset on records may be lost, and where the new epoch begins", async () => {
    await loseTheLastInSync();
    const changes = [{ name: "unclean.leader.election.enable", operation: "SET", value: "true" }] as const;
    const altered = await alterTopicConfigs(regions.broker(2), { topic: "t", changes });
    expect(altered.ok).toBe(true);
    const by2 = answer(
      send(regions.broker(2), `${cluster}/leader-elections`, { body: { election_type: "UNCLEAN", partitions } }),
    );
    expect((await by2).body.data).toEqual([
      {
        topic_name: "t",
        partition_id: 0,
        leader: 2,
        leader_epoch: 1,
        in_sync_replicas: [2],
        unclean: { lost_from_offset: 0, epoch_start_offset: 2 },
        error_code: 200,
      },
    ]);
    const epoch = async (of: number) =>
      (await answer(send(regions.broker(2), `${cluster}/topics/t/partitions/0/leader-epochs/${of}`))).body;
    expect(await epoch(0)).toMatchObject({ end_offset: 2, is_unclean: false });
    expect(await epoch(1)).toMatchObject({ end_offset: 3, is_unclean: true });
  });
});

describe("the end of a leader's epoch", () => {
  it("is where the next one began, and the highWatermark in the newest", async () => {
    await produce(regions.broker(1), "t", [{ partition: 0 }, { partition: 0 }]);
    await elect({ partitions: [{ topic_name: "t", partition_id: 0, leader: 2 }] });
    await produce(regions.broker(1), "t", [{ partition: 0 }]);
    const epoch = async (of: number) => (await call(`/topics/t/partitions/0/leader-epochs/${of}`)).body;
    // Each epoch begins with its barrier, which takes an offset.
    expect(await epoch(0)).toMatchObject({ kind: "KafkaLeaderEpoch", leader_epoch: 0, end_offset: 3 });
    expect(await epoch(1)).toMatchObject({ leader_epoch: 1, end_offset: 5 });
    expect(await call("/topics/t/partitions/0/leader-epochs/2")).toMatchObject({
      status: 404,
      body: { kafka_error: "UNKNOWN_LEADER_EPOCH" },
    });
    expect((await call("/topics/t/partitions/0/leader-epochs/x")).status).toBe(400);
  });

  it("is the log's end where there is one replica", async () => {
    const broker = memoryBroker();
    const { clusterId } = await describeCluster(broker);
    await topicOf(broker, "t");
    await produce(broker, "t", [{}, {}]);
    const path = `/v3/clusters/${clusterId}/topics/t/partitions/0/leader-epochs/0`;
    expect((await answer(send(broker, path))).body).toMatchObject({ leader_epoch: 0, end_offset: 2 });
  });
});
