import { describe, expect, it } from "vitest";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { withGroups } from "../../fixtures/grouped-broker.ts";
import { FIRST, handed, type Json, PollingConsumer, partitions } from "../../fixtures/polling-consumer.ts";

describe("a consumer that polls", () => {
  it(
    "joins with its first call, is handed records, and goes on with what the answer says",
    withGroups(async ({ broker, group }) => {
      await topicOf(broker, "orders");
      await produce(broker, "orders", [{ value: "a" }, { value: "b" }]);
      const first = await group("/poll", { body: FIRST });
      expect(first.status).toBe(200);
      expect(handed(first.body)).toEqual(["orders-0@0=a", "orders-0@1=b"]);
      expect(first.body.member_epoch).toBeGreaterThan(0);
      const second = await group("/poll", { body: first.body.next });
      expect(second.body.data).toEqual([]);
      expect(second.body.member_id).toBe(first.body.member_id);
      await produce(broker, "orders", [{ value: "c" }]);
      expect(handed((await group("/poll", { body: second.body.next })).body)).toEqual(["orders-0@2=c"]);
    }),
  );

  it(
    "commits what it was handed with the poll after, and not before",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders");
      await produce(broker, "orders", [{ value: "a" }]);
      const consumer = new PollingConsumer(grouped);
      await consumer.poll();
      expect((await group("/offsets")).body.data).toEqual([]);
      await consumer.poll();
      expect((await group("/offsets")).body.data).toMatchObject([{ topic_name: "orders", partition_id: 0, offset: 1 }]);
    }),
  );

  it(
    "does not commit if it is told not to, and is handed the same again when it begins anew",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders");
      await produce(broker, "orders", [{ value: "a" }]);
      const consumer = new PollingConsumer(grouped, { ...FIRST, commit: false });
      await consumer.poll();
      const { member_id } = await consumer.poll();
      expect((await group("/offsets")).body.data).toEqual([]);
      expect((await group("/heartbeat", { body: { member_id, member_epoch: -1 } })).status).toBe(200);
      const other = new PollingConsumer(grouped);
      await other.poll();
      expect(other.seen).toEqual(["orders-0@0=a"]);
    }),
  );

  it(
    "waits for records, and heartbeats while it waits",
    withGroups(async (grouped) => {
      const { broker, wait } = grouped;
      await topicOf(broker, "orders");
      const consumer = new PollingConsumer(grouped);
      const begunAt = broker.clock.now();
      const polling = consumer.poll({ timeout_ms: 25_000 });
      await wait(20_000);
      await produce(broker, "orders", [{ value: "late" }]);
      await polling;
      expect(consumer.seen).toEqual(["orders-0@0=late"]);
      expect(broker.clock.now() - begunAt).toBe(20_000);
      // Its session is 45 s: it would be over without the heartbeats of the 20 s.
      await wait(44_000);
      expect((await consumer.poll()).status).toBe(200);
    }),
  );

  it(
    "answers with nothing when its time is over",
    withGroups(async (grouped) => {
      await topicOf(grouped.broker, "orders");
      const begunAt = grouped.broker.clock.now();
      const answered = await new PollingConsumer(grouped).poll({ timeout_ms: 12_345 });
      expect([answered.status, answered.data]).toEqual([200, []]);
      expect(grouped.broker.clock.now() - begunAt).toBe(12_345);
    }),
  );

  it(
    "shares partitions with another one, and hands them over without a record lost or out of turn",
    withGroups(async (grouped) => {
      const { broker } = grouped;
      await topicOf(broker, "orders", 4);
      for (const partition of [0, 1, 2, 3]) await produce(broker, "orders", [{ value: "old", partition }]);
      const [one, other] = [new PollingConsumer(grouped), new PollingConsumer(grouped)];
      expect(partitions(await one.poll())).toEqual([0, 1, 2, 3]);
      expect(partitions(await other.poll())).toEqual([]);
      // Told to give two up, it says that it did by its next poll.
      expect(partitions(await one.poll())).toHaveLength(2);
      expect(partitions(await other.poll())).toEqual([]);
      expect(partitions(await one.poll())).toHaveLength(2);
      expect(partitions(await other.poll())).toHaveLength(2);
      for (const partition of [0, 1, 2, 3]) await produce(broker, "orders", [{ value: "new", partition }]);
      await one.poll();
      await other.poll();
      const all = [...one.seen, ...other.seen].sort();
      expect(all).toEqual([0, 1, 2, 3].flatMap((at) => [`orders-${at}@0=old`, `orders-${at}@1=new`]));
      expect(other.seen.every((each) => each.endsWith("new"))).toBe(true);
    }),
  );

  it(
    "is told in the midst of waiting to give up partitions, and does not wait any longer, so that nobody waits for it",
    withGroups(async (grouped) => {
      const { broker, wait } = grouped;
      await topicOf(broker, "orders", 2);
      const [one, other] = [new PollingConsumer(grouped), new PollingConsumer(grouped)];
      await one.poll();
      const waiting = one.poll({ timeout_ms: 25_000 });
      await other.poll();
      await wait(5_100);
      expect(partitions(await waiting)).toHaveLength(1);
      await one.poll();
      expect(partitions(await other.poll())).toHaveLength(1);
    }),
  );

  it(
    "has the partitions of one that leaves within two heartbeat intervals",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders", 6);
      const [one, other] = [new PollingConsumer(grouped), new PollingConsumer(grouped)];
      for (let round = 0; round < 3; round++) {
        await one.poll();
        await other.poll();
      }
      expect(partitions({ next: other.body })).toHaveLength(3);
      const { heartbeat_interval_ms: intervalMs } = await other.poll();
      await group("/heartbeat", { body: { member_id: one.body.member_id, member_epoch: -1 } });
      const leftAt = broker.clock.now();
      let heartbeats = 0;
      while (partitions({ next: other.body }).length < 6) {
        await grouped.wait(intervalMs);
        await other.poll();
        heartbeats++;
      }
      expect(heartbeats).toBeLessThanOrEqual(2);
      expect(broker.clock.now() - leftAt).toBeLessThanOrEqual(2 * intervalMs);
    }),
  );

  it(
    "is fair: with room for one partition's records it reads another one each time",
    withGroups(async (grouped) => {
      const { broker } = grouped;
      await topicOf(broker, "orders", 3);
      const value = "x".repeat(2_000);
      for (const partition of [0, 1, 2])
        for (let n = 0; n < 2; n++) await produce(broker, "orders", [{ value, partition }]);
      const consumer = new PollingConsumer(grouped, { ...FIRST, max_bytes: 1_000 });
      const order: number[] = [];
      for (let n = 0; n < 6; n++) {
        const { data } = await consumer.poll();
        order.push(...data.map((each: Json) => each.partition_id));
      }
      expect(order.slice(0, 3).sort()).toEqual([0, 1, 2]);
      expect(order.slice(3)).toEqual(order.slice(0, 3));
    }),
  );

  it(
    "begins at the end of the log unless it is told otherwise, and misses nothing from then on",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders");
      await produce(broker, "orders", [{ value: "before" }]);
      const consumer = new PollingConsumer(grouped, { topics: ["orders"] });
      await consumer.poll();
      await produce(broker, "orders", [{ value: "after" }]);
      // It dies here. Its place was the end of the log at its first poll, which its second commits.
      await consumer.poll();
      expect(consumer.seen).toEqual(["orders-0@1=after"]);
      expect((await group("/offsets")).body.data).toMatchObject([{ offset: 1 }]);
    }),
  );

  it(
    "subscribes by a pattern, and to topics that come later",
    withGroups(async (grouped) => {
      const { broker, wait } = grouped;
      await topicOf(broker, "orders-eu");
      await topicOf(broker, "bills");
      const consumer = new PollingConsumer(grouped, { topic_pattern: "orders-.*", auto_offset_reset: "earliest" });
      await consumer.poll();
      await topicOf(broker, "orders-us");
      await produce(broker, "orders-us", [{ value: "a" }]);
      await wait(35_000);
      await consumer.poll();
      expect(consumer.seen).toEqual(["orders-us-0@0=a"]);
    }),
  );
});
