import { describe, expect, it } from "vitest";
import type { Broker, BrokerParts } from "../../../../shared/broker/broker.ts";
import { deleteTopic } from "../../../../shared/broker/delete-topic.ts";
import { commitOffsets } from "../../../../shared/broker/groups/commit-offsets.ts";
import { consumerGroupHeartbeat } from "../../../../shared/broker/groups/consumer-group-heartbeat.ts";
import { deleteGroup } from "../../../../shared/broker/groups/delete-group.ts";
import { fetchOffsets } from "../../../../shared/broker/groups/fetch-offsets.ts";
import { fetchPartitions } from "../../../../shared/broker/groups/fetch-partitions.ts";
import { leaveConsumerGroup } from "../../../../shared/broker/groups/leave-consumer-group.ts";
import { poll } from "../../../../shared/broker/groups/poll.ts";
import { startPositions } from "../../../../shared/broker/groups/start-positions.ts";
import { sweepGroups } from "../../../../shared/broker/groups/sweep-groups.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import type { GroupStore } from "../../../../shared/group/group-store.ts";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { memoryParts, produce, topicOf } from "../../../fixtures/broker.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";
import { gated } from "../consumers/instances.ts";

const DAY_MS = 24 * 60 * 60_000;

interface Two {
  /** A process that can be stopped at an operation of the group store. */
  readonly slow: Broker;
  readonly fast: Broker;
  readonly store: GroupStore;
  /** Stops the slow one there, until the answer is called. */
  close(): () => void;
  wait(ms: number): Promise<void>;
}

const withTwo =
  (name: keyof GroupStore, test: (two: Two) => Promise<void>, change: Partial<BrokerParts> = {}) =>
  () =>
    inVirtualTime(async (clock) => {
      const store = new MemoryGroupStore();
      const gate = gated<GroupStore>(store, name);
      const parts = memoryParts({ clock, ...change });
      const slow = openBroker({ ...parts, groupStore: gate.store });
      const fast = openBroker({ ...parts, groupStore: store });
      await test({ slow, fast, store, close: gate.close, wait: (ms) => clock.sleep(ms) });
    });

const join = (broker: Broker, memberId: string, change: Partial<Parameters<typeof consumerGroupHeartbeat>[1]> = {}) =>
  consumerGroupHeartbeat(broker, {
    groupId: "g",
    memberId,
    memberEpoch: 0,
    rebalanceTimeoutMs: 60_000,
    subscribedTopicNames: ["orders"],
    clientId: "c",
    clientHost: "/",
    ...change,
  });

async function committed(broker: Broker): Promise<string[]> {
  const fetched = await fetchOffsets(broker, { groupId: "g" });
  if (!fetched.ok) throw new Error(fetched.refusal.message);
  return fetched.value.flatMap((each) => (each.ok ? [`${each.value.partition}@${each.value.offset}`] : []));
}

const sweep = (broker: Broker) => sweepGroups(broker, { untilMs: broker.clock.now() + 20_000 });

describe("a group that is deleted, and another one of its name", () => {
  it(
    "loses nothing to a deletion of the one before that has slept",
    withTwo("deletePartitions", async ({ slow, fast, close, wait }) => {
      await topicOf(fast, "orders");
      await commitOffsets(fast, { groupId: "g", offsets: [{ topic: "orders", partition: 0, offset: 5 }] });
      const open = close();
      const sleeping = deleteGroup(slow, "g").catch(() => undefined);
      await wait(1_000);
      expect(await deleteGroup(fast, "g")).toMatchObject({ ok: true });
      expect(await committed(fast)).toEqual([]);
      await commitOffsets(fast, { groupId: "g", offsets: [{ topic: "orders", partition: 0, offset: 7 }] });
      open();
      await sleeping;
      await wait(1_000);
      expect(await committed(fast)).toEqual(["0@7"]);
    }),
  );

  it(
    "stays listed for the sweep, even if a sweep that found nothing there has slept",
    withTwo("write", async ({ slow, fast, store, close, wait }) => {
      await topicOf(fast, "orders");
      await join(fast, "m");
      await store.write("gone", [{ kind: "put-listing", listing: { groupId: "gone", sweepAt: 0 } }]);
      const open = close();
      const sweeping = sweep(slow);
      await wait(1_000);
      await join(fast, "m", { groupId: "gone" });
      open();
      await sweeping;
      expect(await store.listGroups({ limit: 10 })).toMatchObject([{ groupId: "g" }, { groupId: "gone" }]);
    }),
  );

  it(
    "whose last member is leaving just now keeps its offsets for as long as any other",
    withTwo("readMembers", async ({ slow, fast, close, wait }) => {
      await topicOf(fast, "orders");
      await join(fast, "m");
      const by = { memberId: "m", memberEpoch: 1 };
      await commitOffsets(fast, { groupId: "g", ...by, offsets: [{ topic: "orders", partition: 0, offset: 5 }] });
      for (let hour = 0; hour < 8 * 24 * 60 * 2; hour++) {
        await wait(30_000);
        await join(fast, "m", { memberEpoch: 1, subscribedTopicNames: undefined as never });
      }
      const open = close();
      const sweeping = sweep(slow);
      await wait(1_000);
      expect(await leaveConsumerGroup(fast, { groupId: "g", memberId: "m" })).toMatchObject({ ok: true });
      open();
      expect(await sweeping).toMatchObject({ offsetsDeleted: 0 });
      await wait(6 * DAY_MS);
      await sweep(fast);
      expect(await committed(fast)).toEqual(["0@5"]);
    }),
  );
});

describe("a topic that was deleted and made anew under its name", () => {
  /** The slow process has the old one in mind. */
  const withNewTopic = (test: (two: Two & { readonly topicId: string; readonly oldId: string }) => Promise<void>) =>
    withTwo("write", async (two) => {
      const { slow, fast, wait } = two;
      const oldId = await topicOf(fast, "orders");
      for (let n = 0; n < 8; n++) await produce(fast, "orders", [{ value: `old ${n}` }]);
      await commitOffsets(fast, { groupId: "g", offsets: [{ topic: "orders", partition: 0, offset: 5 }] });
      expect(await slow.topics.get("orders")).toBeDefined();
      await deleteTopic(fast, "orders");
      const topicId = await topicOf(fast, "orders");
      for (let n = 0; n < 4; n++) await produce(fast, "orders", [{ value: `new ${n}` }]);
      await test({ ...two, topicId, oldId });
      await wait(0);
    });

  it(
    "has none of the old one's offsets for a member, whatever a process remembers",
    withNewTopic(async ({ slow, fast, topicId }) => {
      const joined = await join(fast, "m");
      expect(joined).toMatchObject({ ok: true, value: { assignment: [{ topicId, partitions: [0] }] } });
      const memberEpoch = joined.ok ? joined.value.memberEpoch : 0;
      const asked = { groupId: "g", memberId: "m", memberEpoch, autoOffsetReset: "earliest" } as const;
      const partitions = [{ topic: "orders", partition: 0 }];
      const begins = await startPositions(slow, { ...asked, partitions });
      expect(begins).toMatchObject({ ok: true, value: [{ ok: true, value: { offset: 0, isCommitted: false } }] });
    }),
  );

  it(
    "is read from its beginning by a poll, whatever the process remembers that serves it",
    withNewTopic(async ({ slow, fast, topicId }) => {
      const request = {
        groupId: "g",
        memberId: "m",
        topics: ["orders"],
        rebalanceTimeoutMs: 60_000,
        clientId: "c",
        clientHost: "/",
        commits: true,
        autoOffsetReset: "earliest",
        maxBytes: 1 << 20,
        maxWaitMs: 0,
      } as const;
      const joined = await poll(slow, { ...request, memberEpoch: 0, positions: [] });
      expect(joined).toMatchObject({ ok: true, value: { positions: [{ topicId, offset: 0 }] } });
      const { memberEpoch, positions } = joined.ok ? joined.value : { memberEpoch: 0, positions: [] };
      const polled = await poll(fast, { ...request, memberEpoch, positions });
      expect(polled).toMatchObject({ ok: true, value: { found: [{ position: { topicId, offset: 0 } }] } });
    }),
  );

  it(
    "is not read in place of the old one, nor the old one in its place",
    withNewTopic(async ({ slow, fast, topicId }) => {
      const position = { topic: "orders", partition: 0, offset: 0 };
      const request = { maxBytes: 1 << 20, maxWaitMs: 0 };
      const ofNew = await fetchPartitions(slow, { ...request, positions: [{ ...position, topicId }] });
      expect(ofNew).toMatchObject([{ fetched: { ok: true, value: { highWatermark: 4 } } }]);
      const bytes = ofNew[0]!.fetched.ok ? Buffer.from(ofNew[0]!.fetched.value.batches).toString("latin1") : "";
      expect(bytes).toContain("new 0");
      const ofOld = await fetchPartitions(fast, { ...request, positions: [{ ...position, topicId: "another" }] });
      expect(ofOld).toMatchObject([{ fetched: { ok: false, refusal: { code: "UNKNOWN_TOPIC_OR_PARTITION" } } }]);
    }),
  );

  it(
    "is not what a reader of the old one is told the end of, when it comes to the old one's",
    withNewTopic(async ({ slow, oldId }) => {
      const positions = [{ topic: "orders", topicId: oldId, partition: 0, offset: 8 }];
      const found = await fetchPartitions(slow, { positions, maxBytes: 1 << 20, maxWaitMs: 0 });
      expect(found).toMatchObject([{ fetched: { ok: false, refusal: { code: "UNKNOWN_TOPIC_OR_PARTITION" } } }]);
    }),
  );

  it(
    "takes no commit of what was read of the old one",
    withNewTopic(async ({ fast }) => {
      const offset = { topic: "orders", topicId: "another", partition: 0, offset: 3 };
      const answer = await commitOffsets(fast, { groupId: "g", offsets: [offset] });
      expect(answer).toMatchObject({ ok: true, value: [{ refusal: { code: "UNKNOWN_TOPIC_OR_PARTITION" } }] });
      expect(await committed(fast)).toEqual([]);
    }),
  );

  it(
    "lets the old one's offsets go when their time is over, though its name is subscribed to",
    withNewTopic(async ({ fast, store, wait }) => {
      await join(fast, "m");
      for (let time = 0; time < 8 * 24 * 60 * 2; time++) {
        await wait(30_000);
        await join(fast, "m", { memberEpoch: 1, subscribedTopicNames: undefined as never });
      }
      expect(await sweep(fast)).toMatchObject({ offsetsDeleted: 1 });
      expect(await store.listPartitions("g", { limit: 10 })).toMatchObject([{ owner: { memberId: "m" } }]);
    }),
  );
});
