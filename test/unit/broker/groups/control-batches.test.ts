import { describe, expect, it } from "vitest";
import type { Broker } from "../../../../shared/broker/broker.ts";
import { assign } from "../../../../shared/broker/consumers/assign-instance.ts";
import { createInstance } from "../../../../shared/broker/consumers/create-instance.ts";
import { pollInstance } from "../../../../shared/broker/consumers/poll-instance.ts";
import { readPositions } from "../../../../shared/broker/groups/read-positions.ts";
import { leadLog } from "../../../../shared/broker/lead-log.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import { v2RecordList } from "../../../../shared/http/routes/v2-consumer-record-list.ts";
import { logKey } from "../../../../shared/log/log-item.ts";
import type { Clock } from "../../../../shared/runtime/clock.ts";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { MemoryInstanceStore } from "../../../../shared/storage/memory/memory-instance-store.ts";
import { MemoryLogStore } from "../../../../shared/storage/memory/memory-log-store.ts";
import { MemorySegmentStore } from "../../../../shared/storage/memory/memory-segment-store.ts";
import { memoryParts, produce, topicOf } from "../../../fixtures/broker.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";

/** Two regions: a leader's log begins with a barrier, a control batch that no consumer is handed. */
async function replicatedTopic(clock: Clock, values: readonly string[]): Promise<{ broker: Broker; topicId: string }> {
  const stores = [1, 2].map(() => ({
    logStore: new MemoryLogStore(),
    segmentStore: new MemorySegmentStore(),
    groupStore: new MemoryGroupStore(),
    instanceStore: new MemoryInstanceStore(),
  }));
  const parts = memoryParts({ clock, regions: ["us-east-1", "us-west-2"] });
  const replicas = new Map(stores.map((each, index) => [index + 1, each]));
  const own = { ...parts, ...stores[0]!, replicas, brokerId: 1 };
  const broker = openBroker(own);
  const topicId = await topicOf(broker, "t");
  const log = logKey(topicId, 0);
  await leadLog(own, log, (await parts.metadataStore.getPartitions(topicId))[0]!);
  // The replicator, which is not at work here, would carry it to the follower.
  const { items } = await stores[0]!.logStore.readItems(log, 0, { maxItems: 10, maxBytes: 1 << 20 });
  for (const item of items) await stores[1]!.logStore.putItem(log, item);
  for (const value of values) expect(await produce(broker, "t", [{ value }])).toHaveLength(1);
  return { broker, topicId };
}

/** What comes of partition 0 from offset 0 on, as `base..next` of each stretch, and where the position is. */
async function read(broker: Broker, topicId: string, maxBytes: number, waitMs: number) {
  const read = await readPositions(broker, {
    positions: [{ topic: "t", topicId, partition: 0, offset: 0 }],
    autoOffsetReset: "earliest",
    maxBytes,
    untilMs: broker.clock.now() + waitMs,
    isWaiting: false,
  });
  if (!read.ok) throw new Error(read.refusal.message);
  const found = read.value.found.map(({ position, fetched }) =>
    fetched.ok ? `${position.offset}..${fetched.value.nextOffset}` : fetched.refusal.code,
  );
  return { found, at: read.value.positions.map(({ offset }) => offset) };
}

describe("a consumer that meets a control batch", () => {
  it("is handed the record behind it, however few bytes it asks for", () =>
    inVirtualTime(async (clock) => {
      const { broker, topicId } = await replicatedTopic(clock, ["a", "b"]);
      expect(await read(broker, topicId, 1, 0)).toEqual({ found: ["1..2"], at: [1] });
      expect(await read(broker, topicId, 1 << 20, 0)).toEqual({ found: ["0..3"], at: [0] });
    }));

  it("goes on waiting behind it, and does not meet it again", () =>
    inVirtualTime(async (clock) => {
      const { broker, topicId } = await replicatedTopic(clock, []);
      expect(await read(broker, topicId, 1 << 20, 0)).toEqual({ found: [], at: [1] });
      const from = clock.now();
      expect(await read(broker, topicId, 1 << 20, 3_000)).toEqual({ found: [], at: [1] });
      expect(clock.now() - from).toBeGreaterThanOrEqual(3_000);
      const waiting = read(broker, topicId, 1 << 20, 20_000);
      await clock.sleep(2_000);
      await produce(broker, "t", [{ value: "a" }]);
      expect(await waiting).toEqual({ found: ["1..2"], at: [1] });
      expect(clock.now() - from).toBeLessThan(20_000);
    }));

  it("reads as a consumer instance the one record that max_bytes lets through", () =>
    inVirtualTime(async (clock) => {
      const { broker } = await replicatedTopic(clock, ["a", "b"]);
      const name = { groupId: "g", instanceId: "i" };
      const config = { format: "binary", autoOffsetReset: "earliest", autoCommit: false, minBytes: 1 } as const;
      await createInstance(broker, { ...name, ...config, clientHost: "/" });
      await assign(broker, name, [{ topic: "t", partition: 0 }]);
      const offsets = async () => {
        const polled = await pollInstance(broker, { ...name, formats: ["binary"], maxBytes: 1 }, (found, format) =>
          v2RecordList(found, format, 1),
        );
        if (!polled.ok) throw new Error(polled.refusal.message);
        return polled.value.texts.map((text) => (JSON.parse(text) as { offset: number }).offset);
      };
      expect(await offsets()).toEqual([1]);
      expect(await offsets()).toEqual([2]);
      expect(await offsets()).toEqual([]);
    }));
});
