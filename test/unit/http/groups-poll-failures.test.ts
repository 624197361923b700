import { describe, expect, it } from "vitest";
import { deleteTopic } from "../../../shared/broker/delete-topic.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import { MemoryLogStore } from "../../../shared/storage/memory/memory-log-store.ts";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { withGroups } from "../../fixtures/grouped-broker.ts";
import { answer, send } from "../../fixtures/http.ts";
import { FIRST, handed, type Json, PollingConsumer, partitions } from "../../fixtures/polling-consumer.ts";

describe("a consumer that polls, when something goes wrong", () => {
  it(
    "is told that it was fenced after a long silence, and joins again with what it is told",
    withGroups(async (grouped) => {
      const { broker, wait } = grouped;
      await topicOf(broker, "orders");
      await produce(broker, "orders", [{ value: "a" }]);
      const [sleepy, other] = [new PollingConsumer(grouped), new PollingConsumer(grouped)];
      await sleepy.poll();
      await wait(50_000);
      await other.poll();
      const fenced = await sleepy.poll();
      expect(fenced).toMatchObject({ status: 404, kafka_error: "UNKNOWN_MEMBER_ID" });
      expect(fenced.hint).toMatch(/joins again/);
      expect(fenced.next.positions).toBeUndefined();
      expect((await sleepy.poll()).status).toBe(200);
      // What it had been handed and never committed was handed to the other one: at least once.
      expect(other.seen).toEqual(["orders-0@0=a"]);
    }),
  );

  it(
    "finds its partitions again when the answer that told it of them was lost",
    withGroups(async (grouped) => {
      const { broker } = grouped;
      await topicOf(broker, "orders", 2);
      const [one, other] = [new PollingConsumer(grouped), new PollingConsumer(grouped)];
      await one.poll();
      await other.poll();
      await one.poll();
      await one.poll();
      // Sent twice with the same body: the first answer never arrived.
      const before = other.body;
      await other.poll();
      other.body = before;
      expect(partitions(await other.poll())).toHaveLength(1);
    }),
  );

  it(
    "may be answered by another process each time: none of them remembers anything",
    withGroups(async (grouped) => {
      const { broker } = grouped;
      await topicOf(broker, "orders");
      const { body } = await answer(send(broker, "/v3/clusters"));
      const path = `/v3/clusters/${body.data[0].cluster_id}/consumer-groups/g/poll`;
      let next: Json = FIRST;
      const seen: string[] = [];
      for (let n = 0; n < 5; n++) {
        await produce(broker, "orders", [{ value: `v${n}` }]);
        const { status, body: polled }: Json = await answer(send(openBroker(broker), path, { body: next }));
        expect(status).toBe(200);
        seen.push(...handed(polled));
        next = polled.next;
      }
      expect(seen).toEqual([0, 1, 2, 3, 4].map((n) => `orders-0@${n}=v${n}`));
    }),
  );

  it(
    "is not confused by a poll that was given up and arrives late",
    withGroups(async (grouped) => {
      const { broker } = grouped;
      await topicOf(broker, "orders", 2);
      const [one, other] = [new PollingConsumer(grouped), new PollingConsumer(grouped)];
      await one.poll();
      const late = one.body;
      await one.poll();
      await other.poll();
      await one.poll();
      await other.poll();
      const { status, body } = await grouped.group("/poll", { body: late });
      expect([status, body.kafka_error]).toEqual([409, "STALE_MEMBER_EPOCH"]);
      expect(partitions(await one.poll())).toHaveLength(1);
    }),
  );

  it(
    "is refused with auto_offset_reset none where nothing is committed",
    withGroups(async (grouped) => {
      await topicOf(grouped.broker, "orders");
      const refused = await new PollingConsumer(grouped, { topics: ["orders"], auto_offset_reset: "none" }).poll();
      expect(refused).toMatchObject({ status: 416, kafka_error: "OFFSET_OUT_OF_RANGE" });
      expect(refused.hint).toBeDefined();
    }),
  );

  it(
    "goes on where auto_offset_reset says when its place is not in the log",
    withGroups(async (grouped) => {
      const { broker } = grouped;
      await topicOf(broker, "orders");
      await produce(broker, "orders", [{ value: "a" }]);
      const consumer = new PollingConsumer(grouped, { ...FIRST, commit: false });
      await consumer.poll();
      const [position] = consumer.body.positions;
      const answered = await consumer.poll({ positions: [{ ...position, offset: 1_000 }] });
      expect([answered.status, handed(answered)]).toEqual([200, ["orders-0@0=a"]]);
    }),
  );

  let down = /none/;
  const logStore = new Proxy(new MemoryLogStore(), {
    get(target, name) {
      const operation = Reflect.get(target, name) as unknown;
      if (typeof operation !== "function") return operation;
      return (log: unknown, ...rest: unknown[]) =>
        down.test(String(log))
          ? Promise.reject(new KafkaError("KAFKA_STORAGE_ERROR", "no answer"))
          : operation.call(target, log, ...rest);
    },
  });

  it(
    "reads the other partitions while one cannot be read, and tells if none can",
    withGroups(
      async (grouped) => {
        const { broker } = grouped;
        await topicOf(broker, "orders", 2);
        for (const partition of [0, 1]) await produce(broker, "orders", [{ value: "a", partition }]);
        down = /#1$/;
        const consumer = new PollingConsumer(grouped);
        await consumer.poll({ timeout_ms: 8_000 });
        expect(consumer.seen).toEqual(["orders-0@0=a"]);
        down = /#\d$/;
        const told = await consumer.poll({ timeout_ms: 8_000 });
        expect([told.status, told.kafka_error]).toEqual([503, "KAFKA_STORAGE_ERROR"]);
        down = /none/;
        await consumer.poll();
        expect(consumer.seen).toEqual(["orders-0@0=a", "orders-1@0=a"]);
      },
      { logStore },
    ),
  );

  it(
    "goes on at the beginning of a topic that was deleted and made anew",
    withGroups(async (grouped) => {
      const { broker, wait } = grouped;
      await topicOf(broker, "orders");
      await produce(broker, "orders", [{ value: "old" }, { value: "old" }]);
      const consumer = new PollingConsumer(grouped);
      await consumer.poll();
      await deleteTopic(broker, "orders");
      await topicOf(broker, "orders");
      await produce(broker, "orders", [{ value: "new" }]);
      expect((await consumer.poll()).status).toBe(200);
      await wait(35_000);
      // The old one is given up, and then the new one is there.
      await consumer.poll();
      await consumer.poll();
      expect(consumer.seen).toEqual(["orders-0@0=old", "orders-0@1=old", "orders-0@0=new"]);
    }),
  );

  it(
    "keeps a static member's place while it is away, and lets no second one in",
    withGroups(async (grouped) => {
      const { broker, group, wait } = grouped;
      await topicOf(broker, "orders", 2);
      const [one, other] = ["a", "b"].map((instance_id) => new PollingConsumer(grouped, { ...FIRST, instance_id }));
      for (let round = 0; round < 3; round++) {
        await one!.poll();
        await other!.poll();
      }
      const mine = partitions({ next: one!.body });
      const twin = await new PollingConsumer(grouped, { ...FIRST, instance_id: "a" }).poll();
      expect([twin.status, twin.kafka_error, twin.next]).toEqual([409, "UNRELEASED_INSTANCE_ID", undefined]);
      const { member_id } = one!.body;
      await group("/heartbeat", { body: { member_id, member_epoch: -2, instance_id: "a" } });
      await wait(20_000);
      expect(partitions(await other!.poll())).toHaveLength(1);
      const back = new PollingConsumer(grouped, { ...FIRST, instance_id: "a" });
      expect(partitions(await back.poll())).toEqual(mine);
    }),
  );
});
