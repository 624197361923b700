import { describe, expect, it } from "vitest";
import { alterTopicConfigs } from "../../../shared/broker/alter-topic-configs.ts";
import { createPartitions } from "../../../shared/broker/create-partitions.ts";
import { createTopic } from "../../../shared/broker/create-topic.ts";
import { deleteTopic } from "../../../shared/broker/delete-topic.ts";
import { describeTopic } from "../../../shared/broker/describe-topic.ts";
import { fetch } from "../../../shared/broker/fetch.ts";
import { listTopics } from "../../../shared/broker/list-topics.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { removeDeletedTopics, SEAL_GRACE_MS } from "../../../shared/broker/remove-deleted-topics.ts";
import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import type { Result } from "../../../shared/kafka/result.ts";
import { logKey } from "../../../shared/log/log-item.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { MemoryLogStore } from "../../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../../shared/storage/memory/memory-metadata-store.ts";
import { memoryBroker, memoryParts, produce, topicOf } from "../../fixtures/broker.ts";

const code = (result: Result<unknown>) => (result.ok ? "ok" : result.refusal.code);

describe("creating a topic", () => {
  it("is refused with Kafka's errors", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "taken.name");
    const create = async (request: Parameters<typeof createTopic>[1]) => code(await createTopic(broker, request));
    expect(await create({ name: "taken.name" })).toBe("TOPIC_ALREADY_EXISTS");
    expect(await create({ name: "taken_name" })).toBe("INVALID_TOPIC_EXCEPTION");
    for (const name of ["", ".", "..", "a b", "a/b", "ü", "x".repeat(250)])
      expect(await create({ name })).toBe("INVALID_TOPIC_EXCEPTION");
    for (const partitionCount of [0, -1, 1.5, 1_001])
      expect(await create({ name: "t", partitionCount })).toBe("INVALID_PARTITIONS");
    for (const replicationFactor of [0, 2])
      expect(await create({ name: "t", replicationFactor })).toBe("INVALID_REPLICATION_FACTOR");
    const configs: Record<string, string>[] = [
      { "retention.ns": "1" },
      { "retention.ms": "soon" },
      { "cleanup.policy": "burn" },
      { "compression.type": "rar" },
      { "max.message.bytes": "99999999999" },
      { "retention.ms": "9223372036854775808" },
      { __proto__x: "1" },
    ];
    for (const config of configs) expect(await create({ name: "t", configs: config })).toBe("INVALID_CONFIG");
    expect((await listTopics(broker)).map(({ name }) => name)).toEqual(["taken.name"]);
  });

  it("by several at once succeeds for one", async () => {
    const parts = memoryParts();
    const results = await Promise.all(
      Array.from({ length: 8 }, () => createTopic(openBroker(parts), { name: "t", partitionCount: 3 })),
    );
    expect(results.map(code).toSorted()).toEqual([...Array.from({ length: 7 }, () => "TOPIC_ALREADY_EXISTS"), "ok"]);
    const winner = results.find(({ ok }) => ok);
    expect(await describeTopic(openBroker(parts), "t")).toEqual(winner);
  });

  it("is not a conflict with oneself when an answer was lost", async () => {
    class Forgetful extends MemoryMetadataStore {
      #lost = false;
      override async createTopic(topic: Parameters<MemoryMetadataStore["createTopic"]>[0]) {
        const isCreated = await super.createTopic(topic);
        if (this.#lost) return isCreated;
        this.#lost = true;
        throw new KafkaError("KAFKA_STORAGE_ERROR", "lost", { outcome: "unknown" });
      }
    }
    expect(code(await createTopic(memoryBroker({ metadataStore: new Forgetful() }), { name: "t" }))).toBe("ok");
  });

  it("only to validate creates nothing", async () => {
    const broker = memoryBroker();
    expect(code(await createTopic(broker, { name: "t", validateOnly: true }))).toBe("ok");
    expect(code(await describeTopic(broker, "t"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });

  it("spreads leaders over the regions", async () => {
    const broker = memoryBroker({ regions: ["us-east-1", "us-east-2", "us-west-2"] });
    const created = await createTopic(broker, { name: "t", partitionCount: 4, replicationFactor: 2 });
    const replicas = created.ok ? created.value.partitions.map(({ leader, replicas: ids }) => [leader, ...ids]) : [];
    expect(replicas).toEqual([
      [1, 1, 2],
      [2, 2, 3],
      [3, 3, 1],
      [1, 1, 2],
    ]);
  });

  it("begins each topic with another region, so that the leaders of topics with one partition are spread too", async () => {
    const broker = memoryBroker({ regions: ["us-east-1", "us-east-2", "us-west-2"] });
    const leaders: number[][] = [];
    for (const name of ["a", "b", "c", "d"]) {
      const created = await createTopic(broker, { name, partitionCount: 1, replicationFactor: 1 });
      leaders.push(created.ok ? created.value.partitions.map(({ leader }) => leader) : []);
    }
    expect(leaders).toEqual([[1], [2], [3], [1]]);
    const grown = await createPartitions(broker, { topic: "b", totalCount: 4 });
    expect(grown.ok && grown.value.partitions.map(({ leader }) => leader)).toEqual([2, 3, 1, 2]);
  });
});

describe("changing a topic", () => {
  it("sets and resets configs, all or none", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t", 1, { "retention.ms": "5" });
    const alter = async (changes: Parameters<typeof alterTopicConfigs>[1]["changes"]) =>
      code(await alterTopicConfigs(broker, { topic: "t", changes }));
    const value = async (name: string) => {
      const described = await describeTopic(broker, "t");
      const entry = described.ok ? described.value.configs.find((config) => config.name === name) : undefined;
      return [entry?.value, entry?.isDefault];
    };
    expect(
      await alter([
        { name: "retention.ms", operation: "SET", value: "7" },
        { name: "nope", operation: "DELETE" },
      ]),
    ).toBe("INVALID_CONFIG");
    expect(await value("retention.ms")).toEqual(["5", false]);
    expect(
      await alter([
        { name: "retention.ms", operation: "DELETE" },
        { name: "segment.ms", operation: "SET", value: "9" },
      ]),
    ).toBe("ok");
    expect(await value("retention.ms")).toEqual(["604800000", true]);
    expect(await value("segment.ms")).toEqual(["9", false]);
  });

  it("refuses configs that do not go together, when they are set and when a topic is created", async () => {
    const broker = memoryBroker();
    const lags = { "min.compaction.lag.ms": "10", "max.compaction.lag.ms": "9" };
    expect(code(await createTopic(broker, { name: "t", configs: lags }))).toBe("INVALID_CONFIG");
    await topicOf(broker, "t", 1, { "max.compaction.lag.ms": "9" });
    const set = (name: string, value: string) =>
      alterTopicConfigs(broker, { topic: "t", changes: [{ name, operation: "SET", value }] });
    expect(code(await set("min.compaction.lag.ms", "9"))).toBe("ok");
    expect(code(await set("max.compaction.lag.ms", "8"))).toBe("INVALID_CONFIG");
    const described = await describeTopic(broker, "t");
    const kept = described.ok && described.value.configs.find(({ name }) => name === "max.compaction.lag.ms")?.value;
    expect(kept).toBe("9");
  });

  it("loses no change when several are made at once", async () => {
    const parts = memoryParts();
    await topicOf(openBroker(parts), "t");
    const names = ["retention.ms", "segment.ms", "retention.bytes", "max.compaction.lag.ms"];
    await Promise.all(
      names.map((name) =>
        alterTopicConfigs(openBroker(parts), { topic: "t", changes: [{ name, operation: "SET", value: "77" }] }),
      ),
    );
    const described = await describeTopic(openBroker(parts), "t");
    const set = described.ok
      ? described.value.configs.filter(({ isDefault }) => !isDefault).map(({ name }) => name)
      : [];
    expect(set.toSorted()).toEqual(names.toSorted());
  });

  it("adds partitions, which other processes find when they are asked for them", async () => {
    const parts = memoryParts();
    const [one, other] = [openBroker(parts), openBroker(parts)];
    await topicOf(one, "t", 2);
    await produce(other, "t", [{ partition: 0 }]);
    expect(code(await createPartitions(one, { topic: "t", totalCount: 2 }))).toBe("INVALID_PARTITIONS");
    expect(code(await createPartitions(one, { topic: "t", totalCount: 5 }))).toBe("ok");
    expect(await produce(other, "t", [{ partition: 4 }])).toEqual(["4:0"]);
  });
});

describe("deleting a topic", () => {
  it("makes it unknown at once, also to processes that remember it", async () => {
    const parts = memoryParts();
    const [one, other] = [openBroker(parts), openBroker(parts)];
    await topicOf(one, "t");
    await produce(other, "t", [{ key: "k" }]);
    expect(code(await deleteTopic(one, "t"))).toBe("ok");
    expect(await produce(other, "t", [{ key: "k" }])).toEqual(["UNKNOWN_TOPIC_OR_PARTITION"]);
    expect(code(await deleteTopic(one, "t"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });

  it("and creating it again makes a new log, also for processes that remember the old one", async () => {
    const parts = memoryParts();
    const [one, other] = [openBroker(parts), openBroker(parts)];
    await topicOf(one, "t");
    await produce(other, "t", [{ value: "old" }, { value: "old" }]);
    const readAll = () =>
      fetch(other, { topic: "t", partition: 0, offset: 0, maxBytes: 1e6, minBytes: 0, maxWaitMs: 0 });
    expect(await readAll()).toMatchObject({ value: { highWatermark: 2 } });
    await deleteTopic(one, "t");
    await topicOf(one, "t");
    expect(await readAll()).toMatchObject({ value: { highWatermark: 0 } });
    expect(await produce(other, "t", [{ value: "new" }])).toEqual(["0:0"]);
    expect(await produce(one, "t", [{ value: "new" }])).toEqual(["0:1"]);
  });

  it("leaves nothing behind when the background work is done", async () => {
    let now = Date.now();
    const parts = memoryParts({ clock: { ...systemClock, now: () => now } });
    const broker = openBroker(parts);
    const topicId = await topicOf(broker, "t", 2, { "millrace.inline.max.bytes": "0" });
    for (let index = 0; index < 10; index++) await produce(broker, "t", [{ partition: index % 2 }]);
    await deleteTopic(broker, "t");
    await topicOf(broker, "t");
    await produce(broker, "t", [{ value: "stays" }]);
    expect(await removeDeletedTopics(broker, { maxItems: 100 })).toEqual({ itemsDeleted: 0, topicsRemoved: 0 });
    now += SEAL_GRACE_MS;
    expect(await removeDeletedTopics(broker, { maxItems: 5 })).toEqual({ itemsDeleted: 5, topicsRemoved: 0 });
    expect(await removeDeletedTopics(broker, { maxItems: 100 })).toMatchObject({ topicsRemoved: 1 });
    expect(await parts.logStore.readItemAtOrBelow(logKey(topicId, 0), Number.MAX_SAFE_INTEGER)).toBeUndefined();
    expect(await parts.segmentStore.listObjects(`${topicId}/`, { maxKeys: 10 })).toEqual([]);
    expect(await parts.metadataStore.getPartitions(topicId)).toEqual([]);
    expect(await parts.metadataStore.listDeletedTopics(10)).toEqual([]);
    expect(await produce(broker, "t", [{ value: "goes on" }])).toEqual(["0:1"]);
  });

  it("that a crash cut short is carried on in the background", async () => {
    let now = Date.now();
    const parts = memoryParts({ clock: { ...systemClock, now: () => now } });
    const broker = openBroker(parts);
    const topicId = await topicOf(broker, "t");
    await produce(broker, "t", [{}]);
    await parts.metadataStore.putDeletedTopic({ topicId, name: "t", partitionCount: 1, deletedAt: now });
    await removeDeletedTopics(broker, { maxItems: 100 });
    expect(code(await describeTopic(broker, "t"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
    now += SEAL_GRACE_MS;
    expect(await removeDeletedTopics(broker, { maxItems: 100 })).toEqual({ itemsDeleted: 2, topicsRemoved: 1 });
    expect(await parts.metadataStore.listDeletedTopics(10)).toEqual([]);
  });

  it("fails where a log cannot be sealed, and leaves the topic's name taken until it is", async () => {
    const logStore = new MemoryLogStore();
    const parts = memoryParts({ logStore });
    const broker = openBroker(parts);
    await topicOf(broker, "t");
    const putItem = logStore.putItem.bind(logStore);
    logStore.putItem = () => Promise.reject(new KafkaError("UNKNOWN_SERVER_ERROR", "denied"));
    await expect(deleteTopic(broker, "t")).rejects.toMatchObject({ code: "UNKNOWN_SERVER_ERROR" });
    expect(code(await createTopic(broker, { name: "t" }))).toBe("TOPIC_ALREADY_EXISTS");
    logStore.putItem = putItem;
    expect(code(await deleteTopic(broker, "t"))).toBe("ok");
    expect(code(await createTopic(broker, { name: "t" }))).toBe("ok");
  });
});
