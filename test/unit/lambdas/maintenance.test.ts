import type { DynamoDBStreamEvent } from "aws-lambda";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { handler } from "../../../lambdas/maintenance/handler.ts";
import type { Broker } from "../../../shared/broker/broker.ts";
import { deleteTopic } from "../../../shared/broker/delete-topic.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { SEAL_GRACE_MS } from "../../../shared/broker/remove-deleted-topics.ts";
import type { UpkeepClock } from "../../../shared/broker/tiering/upkeep-clock.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { MemorySegmentRegistry } from "../../../shared/storage/memory/memory-segment-registry.ts";
import { memoryParts, produce, topicOf } from "../../fixtures/broker.ts";

const shared = vi.hoisted(() => ({ broker: undefined as unknown, clock: undefined as unknown }));
vi.mock("../../../lambdas/process-broker.ts", () => ({
  processBroker: () => shared.broker,
  processEnvironment: () => ({ upkeepRule: undefined }),
}));
vi.mock(import("../../../lambdas/maintenance/upkeep-clock.ts"), async (importOriginal) => ({
  ...(await importOriginal()),
  processUpkeepClock: () => shared.clock as UpkeepClock | undefined,
}));

let now: number;
let slept: number;
let parts: ReturnType<typeof memoryParts>;
let broker: Broker;
beforeEach(() => {
  [now, slept] = [Date.now(), 0];
  // Its sleeps of seconds pass at once; timeouts, which are longer than anything takes here, are left alone.
  const sleep = async (ms: number, signal?: AbortSignal) => {
    if (signal !== undefined) return systemClock.sleep(ms, signal);
    now += ms;
    slept += ms;
  };
  parts = memoryParts({ clock: { now: () => now, sleep } });
  broker = openBroker(parts);
  shared.broker = broker;
  shared.clock = { turnOn: async () => {}, turnOff: async () => {} };
});

/** What Lambda hands over: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html */
const EVENT = {
  Records: ["111", "222"].map((SequenceNumber) => ({
    eventName: "INSERT",
    eventSource: "aws:dynamodb",
    dynamodb: { Keys: { kind: { S: "deleted-topic" }, name: { S: SequenceNumber } }, SequenceNumber },
  })),
} as DynamoDBStreamEvent;

/** Lambda's context, of an invocation with so much time, on the broker's clock. */
function lasting(ms: number) {
  const end = now + ms;
  return { getRemainingTimeInMillis: () => end - now };
}

async function deletedTopic(name: string, records = 3): Promise<void> {
  await topicOf(broker, name);
  for (let index = 0; index < records; index++) await produce(broker, name, [{ value: "x" }]);
  await deleteTopic(broker, name);
}

const left = () => parts.metadataStore.listDeletedTopics(10);

describe("maintenance, begun by the stream of deleted topics", () => {
  it("waits until the minute of one that was deleted just now is over, and removes it", async () => {
    await deletedTopic("t");
    expect(await handler(EVENT, lasting(900_000))).toEqual({ batchItemFailures: [] });
    expect(await left()).toEqual([]);
    expect(slept).toBeGreaterThanOrEqual(SEAL_GRACE_MS);
    expect(slept).toBeLessThan(2 * SEAL_GRACE_MS);
  });

  it("waits for nothing where the minute is over", async () => {
    await deletedTopic("t");
    now += SEAL_GRACE_MS;
    expect(await handler(EVENT, lasting(900_000))).toEqual({ batchItemFailures: [] });
    expect([slept, await left()]).toEqual([0, []]);
  });

  it("carries on a deletion that was cut short, to its end", async () => {
    const topicId = await topicOf(broker, "t");
    await parts.metadataStore.putDeletedTopic({ topicId, name: "t", partitionCount: 1, deletedAt: now });
    expect(await handler(EVENT, lasting(900_000))).toEqual({ batchItemFailures: [] });
    expect([await left(), await parts.metadataStore.getTopic("t")]).toEqual([[], undefined]);
  });

  it("has the records brought again, from the first on, when its time does not suffice", async () => {
    await deletedTopic("t");
    expect(await handler(EVENT, lasting(20_000))).toEqual({ batchItemFailures: [{ itemIdentifier: "111" }] });
    expect(await left()).toHaveLength(1);
  });

  it("gives up waiting after two minutes, and has the records brought again", async () => {
    await deletedTopic("t");
    const real = broker.metadataStore.listDeletedTopics.bind(broker.metadataStore);
    // Deleted anew again and again, as it were: its minute never ends.
    vi.spyOn(broker.metadataStore, "listDeletedTopics").mockImplementation(async (limit) =>
      (await real(limit)).map((topic) => ({ ...topic, deletedAt: now })),
    );
    expect(await handler(EVENT, lasting(900_000))).toEqual({ batchItemFailures: [{ itemIdentifier: "111" }] });
    expect(slept).toBeLessThanOrEqual(2 * SEAL_GRACE_MS);
  });

  it("fails where a store does, so that the records come again and an alarm goes off", async () => {
    await deletedTopic("t");
    now += SEAL_GRACE_MS;
    vi.spyOn(broker.logStore, "deleteItems").mockRejectedValue(new Error("refused for good"));
    await expect(handler(EVENT, lasting(900_000))).rejects.toThrow("refused for good");
    expect(await left()).toHaveLength(1);
  });

  it("keeps no log where no clock comes back: writers would give its items a TTL, and nobody would copy them", async () => {
    const registry = new MemorySegmentRegistry();
    broker = openBroker({ ...parts, segmentRegistry: registry });
    shared.broker = broker;
    shared.clock = undefined;
    const topicId = await topicOf(broker, "kept", 1, { "segment.ms": "3600000" });
    await produce(broker, "kept", [{ value: "x", timestamp: now }]);
    now += 3_600_000;
    expect(await handler({}, lasting(900_000))).toEqual({ itemsDeleted: 0, topicsRemoved: 0 });
    expect(await registry.readTieringState(`${topicId}#0`)).toBeUndefined();
  });

  it("by the clock keeps logs too, in the time that is left", async () => {
    const registry = new MemorySegmentRegistry();
    broker = openBroker({ ...parts, segmentRegistry: registry });
    shared.broker = broker;
    const topicId = await topicOf(broker, "kept", 1, { "segment.ms": "3600000", "retention.ms": "-1" });
    for (let record = 0; record < 3; record++) await produce(broker, "kept", [{ value: "x", timestamp: now }]);
    now += 3_600_000;
    // With hardly a minute it begins nothing that takes long, and says so.
    expect(await handler({ upkeep: true }, lasting(50_000))).toMatchObject({
      upkeep: { segmentsTiered: 0, left: 1, needsClock: true },
    });
    expect(await handler({ source: "aws.events" }, lasting(900_000))).toMatchObject({
      itemsDeleted: 0,
      upkeep: { partitions: 1, segmentsTiered: 1, left: 0, failed: 0 },
    });
    expect(await registry.readTieringState(`${topicId}#0`)).toMatchObject({ tieredEndOffset: 3 });
    // Somebody was just here: writers who ring at once make one run.
    now += 30_000;
    const read = vi.spyOn(registry, "listSegments");
    await handler({ upkeep: true }, lasting(900_000));
    expect(read).not.toHaveBeenCalled();
  });

  it("by a writer who has filled a segment keeps that log alone, and has the clock go on", async () => {
    const turned: string[] = [];
    shared.clock = { turnOn: async () => void turned.push("on"), turnOff: async () => void turned.push("off") };
    const registry = new MemorySegmentRegistry();
    broker = openBroker({ ...parts, segmentRegistry: registry });
    shared.broker = broker;
    const configs = { "segment.ms": "3600000", "retention.ms": "-1" };
    const topicId = await topicOf(broker, "kept", 2, configs);
    for (const partition of [0, 1]) await produce(broker, "kept", [{ value: "x", partition, timestamp: now }]);
    await deletedTopic("gone");
    now += 3_600_000;
    expect(await handler({ upkeep: `${topicId}#1` }, lasting(900_000))).toEqual({
      itemsDeleted: 0,
      topicsRemoved: 0,
      upkeep: expect.objectContaining({ partitions: 1, segmentsTiered: 1 }),
    });
    expect(turned).toEqual(["on"]);
    expect(await registry.readTieringState(`${topicId}#0`)).toBeUndefined();
    expect(await left()).toHaveLength(1);
    await expect(handler({ upkeep: "no-log" }, lasting(900_000))).rejects.toThrow('or a log as "topicId#partition"');
  });

  it("by hand sets the clock going where it finds something that will be due; by the clock that goes it need not", async () => {
    const turned: string[] = [];
    shared.clock = { turnOn: async () => void turned.push("on"), turnOff: async () => void turned.push("off") };
    broker = openBroker({ ...parts, segmentRegistry: new MemorySegmentRegistry() });
    shared.broker = broker;
    await topicOf(broker, "kept");
    await produce(broker, "kept", [{ value: "x", timestamp: now }]);
    await handler({ source: "aws.events" }, lasting(900_000));
    expect(turned).toEqual([]);
    await handler({}, lasting(900_000));
    expect(turned).toEqual(["on"]);
  });

  it("leaves half of its time to the logs, however much deleted topics left behind", async () => {
    broker = openBroker({ ...parts, segmentRegistry: new MemorySegmentRegistry() });
    shared.broker = broker;
    const topicId = await topicOf(broker, "kept", 1, { "segment.ms": "3600000", "retention.ms": "-1" });
    await produce(broker, "kept", [{ value: "x", timestamp: now }]);
    await deletedTopic("large");
    now += 3_600_000;
    // Each step takes a minute, and there is always more.
    vi.spyOn(broker.logStore, "deleteItems").mockImplementation(async () => {
      now += 60_000;
      return 1_000;
    });
    const run = await handler({ source: "aws.events" }, lasting(900_000));
    expect(run).toMatchObject({ topicsRemoved: 0, upkeep: { segmentsTiered: 1, left: 0 } });
    expect(run.itemsDeleted).toBeGreaterThan(5_000);
    expect(await broker.segmentRegistry!.readTieringState(`${topicId}#0`)).toMatchObject({ tieredEndOffset: 1 });
  });

  it("by hand waits for nothing, and says what it removed", async () => {
    await deletedTopic("t");
    expect(await handler({}, lasting(900_000))).toMatchObject({ itemsDeleted: 0, topicsRemoved: 0 });
    now += SEAL_GRACE_MS;
    expect(await handler({}, lasting(900_000))).toMatchObject({ topicsRemoved: 1 });
    expect(slept).toBe(0);
  });
});
