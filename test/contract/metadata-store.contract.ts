import { describe, expect, it } from "vitest";
import type { MetadataStore, PartitionRegistration, TopicItem } from "../../shared/broker/metadata-store.ts";

/** What every metadata store does. */
export function metadataStoreContract(name: string, open: () => MetadataStore): void {
  describe(`the metadata store on ${name}`, () => {
    const topic = (change: Partial<TopicItem> = {}): TopicItem => ({
      name: `t-${crypto.randomUUID()}`,
      topicId: crypto.randomUUID(),
      partitionCount: 2,
      replicationFactor: 1,
      configs: { "retention.ms": "1" },
      createdAt: 5,
      version: 0,
      ...change,
    });
    const registration = (topicId: string, partition: number): PartitionRegistration => ({
      topicId,
      partition,
      replicas: [1],
      leader: 1,
      leaderEpoch: 0,
      inSyncReplicas: [1],
      joining: [],
      partitionEpoch: 0,
      logStartOffset: 0,
    });

    it("keeps the first cluster id for good", async () => {
      const store = open();
      const first = await store.clusterId("one");
      expect(await store.clusterId("two")).toBe(first);
    });

    it("keeps a group where it was begun first, whoever asks", async () => {
      const [store, groupId] = [open(), `g-${crypto.randomUUID()}`];
      expect(await store.groupHome(groupId)).toBeUndefined();
      const homes = await Promise.all([2, 3, 2, 1].map((candidate) => store.groupHome(groupId, candidate)));
      expect(new Set(homes).size).toBe(1);
      expect(await store.groupHome(groupId)).toBe(homes[0]);
      expect(await store.groupHome(`${groupId}-other`)).toBeUndefined();
    });

    it("creates a topic once, and says yes again to whoever created it", async () => {
      const [store, mine] = [open(), topic()];
      expect(await store.createTopic(mine)).toBe(true);
      expect(await store.createTopic(mine)).toBe(true);
      expect(await store.createTopic({ ...mine, topicId: crypto.randomUUID() })).toBe(false);
      expect(await store.getTopic(mine.name)).toEqual(mine);
      expect(await store.getTopic("t-never")).toBeUndefined();
    });

    it("lets one of racing creators have a name", async () => {
      const store = open();
      const { name } = topic();
      const results = await Promise.all(Array.from({ length: 8 }, () => store.createTopic(topic({ name }))));
      expect(results.filter((isCreated) => isCreated)).toHaveLength(1);
    });

    it("changes a topic only from the version before", async () => {
      const [store, mine] = [open(), topic()];
      await store.createTopic(mine);
      expect(await store.updateTopic({ ...mine, partitionCount: 3, version: 1 })).toBe(true);
      expect(await store.updateTopic({ ...mine, partitionCount: 4, version: 1 })).toBe(false);
      expect(await store.updateTopic({ ...mine, topicId: crypto.randomUUID(), version: 2 })).toBe(false);
      expect((await store.getTopic(mine.name))?.partitionCount).toBe(3);
    });

    it("takes a change that is there already for one's own, sent again", async () => {
      const [store, mine] = [open(), topic()];
      const changed = { ...mine, partitionCount: 3, version: 1 };
      await store.createTopic(mine);
      expect(await store.updateTopic(changed)).toBe(true);
      expect(await store.updateTopic(changed)).toBe(true);
      expect(await store.createTopic(mine)).toBe(true);
      expect(await store.getTopic(mine.name)).toEqual(changed);
      const elected = { ...registration(mine.topicId, 0), leaderEpoch: 1, partitionEpoch: 1 };
      await store.createPartitions([registration(mine.topicId, 0)]);
      expect(await store.updatePartition(elected)).toBe(true);
      expect(await store.updatePartition(elected)).toBe(true);
      expect(await store.getPartitions(mine.topicId)).toEqual([elected]);
    });

    it("changes nothing that is not there", async () => {
      const [store, mine] = [open(), topic({ version: 1 })];
      expect(await store.updateTopic(mine)).toBe(false);
      expect(await store.updatePartition({ ...registration(mine.topicId, 0), partitionEpoch: 1 })).toBe(false);
      expect(await store.deleteTopic(mine.name, mine.topicId)).toBe(false);
      expect(await store.getTopic(mine.name)).toBeUndefined();
      expect(await store.getPartitions(mine.topicId)).toEqual([]);
    });

    it("lets one of racing changes of a topic win", async () => {
      const [store, mine] = [open(), topic()];
      await store.createTopic(mine);
      const change = (partitionCount: number) => store.updateTopic({ ...mine, partitionCount, version: 1 });
      const results = await Promise.all(Array.from({ length: 16 }, (_, racer) => change(racer + 3)));
      expect(results.filter((isChanged) => isChanged)).toHaveLength(1);
      expect((await store.getTopic(mine.name))?.partitionCount).toBe(results.indexOf(true) + 3);
    });

    it("deletes a topic only if it is still the same", async () => {
      const [store, mine] = [open(), topic()];
      await store.createTopic(mine);
      expect(await store.deleteTopic(mine.name, crypto.randomUUID())).toBe(false);
      expect(await store.deleteTopic(mine.name, mine.topicId)).toBe(true);
      expect(await store.deleteTopic(mine.name, mine.topicId)).toBe(false);
      expect(await store.getTopic(mine.name)).toBeUndefined();
    });

    it("lists topics in order of name, page by page", async () => {
      const store = open();
      const prefix = `zz-${crypto.randomUUID()}`;
      for (const name of ["c", "a", "b"]) await store.createTopic(topic({ name: `${prefix}-${name}` }));
      const first = await store.listTopics({ limit: 2, after: prefix });
      expect(first.map(({ name }) => name)).toEqual([`${prefix}-a`, `${prefix}-b`]);
      const rest = await store.listTopics({ limit: 2, after: `${prefix}-b` });
      expect(rest[0]?.name).toBe(`${prefix}-c`);
    });

    it("lists topics over pages of a megabyte", async () => {
      const store = open();
      const prefix = `zz-${crypto.randomUUID()}`;
      const configs = { "retention.ms": "1".repeat(100_000) };
      const topics = Array.from({ length: 24 }, (_, index) => topic({ name: `${prefix}-${index + 10}`, configs }));
      for (const each of topics) await store.createTopic(each);
      const listed = await store.listTopics({ limit: 1000, after: prefix });
      for (const each of topics) await store.deleteTopic(each.name, each.topicId);
      expect(listed.filter(({ name }) => name.startsWith(prefix))).toEqual(topics);
    });

    it("keeps registrations in order of partition, and those that are there as they are", async () => {
      const [store, id] = [open(), crypto.randomUUID()];
      await store.createPartitions(Array.from({ length: 12 }, (_, partition) => registration(id, partition)));
      await store.createPartitions([{ ...registration(id, 3), leaderEpoch: 9 }, registration(id, 12)]);
      const found = await store.getPartitions(id);
      expect(found.map(({ partition }) => partition)).toEqual(Array.from({ length: 13 }, (_, index) => index));
      expect(found[3]).toEqual(registration(id, 3));
      await store.deletePartitions(id, 13);
      expect(await store.getPartitions(id)).toEqual([]);
    });

    it("changes a registration only from the epoch before", async () => {
      const [store, id] = [open(), crypto.randomUUID()];
      await store.createPartitions([registration(id, 0)]);
      expect(await store.updatePartition({ ...registration(id, 0), leaderEpoch: 1, partitionEpoch: 1 })).toBe(true);
      expect(await store.updatePartition({ ...registration(id, 0), leaderEpoch: 2, partitionEpoch: 1 })).toBe(false);
      expect((await store.getPartitions(id))[0]?.leaderEpoch).toBe(1);
    });

    it("gives back a registration as it was written: who joins, and that it is ended", async () => {
      const [store, id] = [open(), crypto.randomUUID()];
      const first = { ...registration(id, 0), replicas: [2, 3, 1], leader: 2, inSyncReplicas: [2, 3] };
      await store.createPartitions([first]);
      expect(await store.getPartitions(id)).toEqual([first]);
      const joining = { ...first, joining: [1], leaderEpoch: 1, partitionEpoch: 1 };
      expect(await store.updatePartition(joining)).toBe(true);
      expect(await store.getPartitions(id)).toEqual([joining]);
      const joined = { ...joining, joining: [], inSyncReplicas: [2, 3, 1], partitionEpoch: 2 };
      expect(await store.updatePartition(joined)).toBe(true);
      expect((await store.getPartitions(id))[0]).not.toHaveProperty("isEnded");
      const ended = { ...joined, isEnded: true as const, partitionEpoch: 3 };
      expect(await store.updatePartition(ended)).toBe(true);
      expect(await store.getPartitions(id)).toEqual([ended]);
    });

    it("does not take another's change for one's own, though it differs only in who joins or that it is ended", async () => {
      const [store, id] = [open(), crypto.randomUUID()];
      await store.createPartitions([registration(id, 0)]);
      const change = { ...registration(id, 0), joining: [2], partitionEpoch: 1 };
      expect(await store.updatePartition(change)).toBe(true);
      expect(await store.updatePartition({ ...change, joining: [3] })).toBe(false);
      expect(await store.updatePartition({ ...change, inSyncReplicas: [1, 2] })).toBe(false);
      expect(await store.updatePartition({ ...change, leader: 2 })).toBe(false);
      expect(await store.updatePartition({ ...change, isEnded: true })).toBe(false);
      expect(await store.getPartitions(id)).toEqual([change]);
    });

    it("lets one of racing elections win", async () => {
      const [store, id] = [open(), crypto.randomUUID()];
      await store.createPartitions([registration(id, 0)]);
      const elect = (leader: number) =>
        store.updatePartition({ ...registration(id, 0), leader, leaderEpoch: 1, partitionEpoch: 1 });
      const results = await Promise.all(Array.from({ length: 16 }, (_, racer) => elect(racer + 1)));
      expect(results.filter((isElected) => isElected)).toHaveLength(1);
      expect((await store.getPartitions(id))[0]?.leader).toBe(results.indexOf(true) + 1);
    });

    it("lists every broker's lease as it was renewed last", async () => {
      const store = open();
      // Leases are of the whole cluster: brokers that no other test uses.
      const [one, other] = [10_001, 10_002];
      await store.putLease(one, 1_700_000_000_000);
      await store.putLease(other, 1_700_000_000_500);
      await store.putLease(one, 1_700_000_003_000);
      const leases = await store.getLeases();
      expect([leases.get(one), leases.get(other)]).toEqual([1_700_000_003_000, 1_700_000_000_500]);
      expect(leases.has(10_003)).toBe(false);
    });

    it("keeps the work of a deletion until it is done", async () => {
      const store = open();
      const deleted = { topicId: crypto.randomUUID(), name: "t", partitionCount: 1, deletedAt: 7 };
      await store.putDeletedTopic(deleted);
      expect(await store.listDeletedTopics(1000)).toContainEqual(deleted);
      await store.removeDeletedTopic(deleted.topicId);
      expect(await store.listDeletedTopics(1000)).not.toContainEqual(deleted);
    });

    it("hands out every producer id once", async () => {
      const store = open();
      const ids = await Promise.all(Array.from({ length: 20 }, () => store.nextProducerId()));
      expect(new Set(ids).size).toBe(20);
      expect(Math.min(...ids)).toBeGreaterThanOrEqual(0);
    });
  });
}
