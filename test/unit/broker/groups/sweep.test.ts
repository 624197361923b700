import { describe, expect, it } from "vitest";
import { commitOffsets } from "../../../../shared/broker/groups/commit-offsets.ts";
import { consumerGroupHeartbeat } from "../../../../shared/broker/groups/consumer-group-heartbeat.ts";
import { describeGroup } from "../../../../shared/broker/groups/describe-group.ts";
import { sweepGroups } from "../../../../shared/broker/groups/sweep-groups.ts";
import type { GroupStore } from "../../../../shared/group/group-store.ts";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { type Grouped, withGroups } from "../../../fixtures/grouped-broker.ts";
import { RecordedMetrics } from "../../../fixtures/recorded-metrics.ts";

const DAY_MS = 24 * 60 * 60_000;

const sweep = ({ broker }: Grouped) => sweepGroups(broker, { untilMs: broker.clock.now() + 50_000 });
const join = ({ broker }: Grouped, groupId: string, memberId: string) =>
  consumerGroupHeartbeat(broker, {
    groupId,
    memberId,
    memberEpoch: 0,
    rebalanceTimeoutMs: 60_000,
    subscribedTopicNames: ["orders"],
    clientId: "c",
    clientHost: "/",
  });
const commit = ({ broker }: Grouped, groupId: string, offset = 1, topic = "orders") =>
  commitOffsets(broker, { groupId, offsets: [{ topic, partition: 0, offset }] });
const stateOf = async ({ broker }: Grouped, groupId: string) => {
  const described = await describeGroup(broker, groupId);
  return described.ok ? described.value.state : described.refusal.code;
};

describe("the sweep over consumer groups", () => {
  it(
    "removes members that nobody has heard of, so that what they had is free without a touch",
    withGroups(async (grouped) => {
      await topicOf(grouped.broker, "orders");
      await join(grouped, "g", "m");
      expect(await sweep(grouped)).toMatchObject({ groups: 1, members: 1 });
      await grouped.wait(46_000);
      expect(await sweep(grouped)).toMatchObject({ groups: 1, members: 0 });
      // Free of its owner: nobody may commit what somebody owns.
      const committed = await commit(grouped, "g");
      expect(committed.ok && committed.value.map(({ refusal }) => refusal)).toEqual([undefined]);
    }),
  );

  it(
    "lets offsets go a week after their group was used last, and the group with the last of them",
    withGroups(async (grouped) => {
      await topicOf(grouped.broker, "orders");
      await commit(grouped, "g");
      expect(await sweep(grouped)).toMatchObject({ groups: 1, offsetsDeleted: 0 });
      await grouped.wait(6 * DAY_MS);
      // It is not due: the sweep does not even look.
      expect(await sweep(grouped)).toMatchObject({ groups: 0 });
      expect(await stateOf(grouped, "g")).toBe("EMPTY");
      await grouped.wait(DAY_MS);
      expect(await sweep(grouped)).toMatchObject({ groups: 1, offsetsDeleted: 1, groupsDeleted: 1 });
      expect(await stateOf(grouped, "g")).toBe("GROUP_ID_NOT_FOUND");
      expect(await sweep(grouped)).toMatchObject({ groups: 0 });
    }),
  );

  it(
    "keeps offsets of topics that members subscribe to, however old",
    withGroups(async (grouped) => {
      const { broker, wait } = grouped;
      await topicOf(broker, "orders");
      await topicOf(broker, "bills");
      await commit(grouped, "g", 1, "bills");
      await commit(grouped, "g");
      for (let day = 0; day < 8; day++) {
        await wait(DAY_MS);
        await join(grouped, "g", "m");
      }
      expect(await sweep(grouped)).toMatchObject({ offsetsDeleted: 1, groupsDeleted: 0 });
      const kept = await commitOffsets(broker, {
        groupId: "g",
        memberId: "m",
        memberEpoch: 99,
        offsets: [{ topic: "orders", partition: 0, offset: 2 }],
      });
      expect(kept).toMatchObject({ ok: false, refusal: { code: "STALE_MEMBER_EPOCH" } });
    }),
  );

  const metrics = new RecordedMetrics();
  it(
    "tells how many members there are, and how far the furthest is behind",
    withGroups(
      async (grouped) => {
        const { broker } = grouped;
        await topicOf(broker, "orders");
        for (let n = 0; n < 5; n++) await produce(broker, "orders", [{}]);
        await commit(grouped, "g", 2);
        await commit(grouped, "empty", 0);
        await join(grouped, "g", "m");
        expect(await sweep(grouped)).toMatchObject({ groups: 2, members: 1, maxLag: 3 });
        expect(metrics.gauges).toMatchObject({ GroupMembers: 1, ConsumerLag: 3 });
        expect(metrics.counts).toMatchObject({ OffsetCommits: 2, GroupRebalances: 1 });
      },
      { metrics },
    ),
  );

  const failing: GroupStore = new Proxy(new MemoryGroupStore(), {
    get(target, name) {
      const operation = Reflect.get(target, name) as unknown;
      if (typeof operation !== "function") return operation;
      return (groupId: unknown, ...rest: unknown[]) =>
        name === "listPartitions" && groupId === "bad"
          ? Promise.reject(new KafkaError("KAFKA_STORAGE_ERROR", "no answer"))
          : operation.call(target, groupId, ...rest);
    },
  });
  it(
    "is not kept from the others by a group that cannot be swept",
    withGroups(
      async (grouped) => {
        await topicOf(grouped.broker, "orders");
        for (const groupId of ["bad", "good"]) await commit(grouped, groupId);
        expect(await sweep(grouped)).toMatchObject({ groups: 1, failed: 1, next: undefined });
      },
      { groupStore: failing },
    ),
  );
});
