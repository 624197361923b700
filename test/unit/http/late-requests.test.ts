import { describe, expect, it } from "vitest";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { type Grouped, withGroups } from "../../fixtures/grouped-broker.ts";
import { answer, type Sent, send } from "../../fixtures/http.ts";
import { FIRST } from "../../fixtures/polling-consumer.ts";
import { places, V2, withEndpoints } from "./v2-consumer-calls.ts";

const offsetIn = async ({ group }: Grouped) => (await group("/offsets")).body.data[0]?.offset;

const JOIN = { member_epoch: 0, rebalance_timeout_ms: 60_000, subscribed_topic_names: ["orders"] };

describe("a request that arrived before another, and comes to a process after it", () => {
  it(
    "does not undo its commit",
    withGroups(async (grouped) => {
      await topicOf(grouped.broker, "orders");
      const commit = (offset: number, receivedAt: number) =>
        grouped.group("/offsets", {
          body: { offsets: [{ topic_name: "orders", partition_id: 0, offset }] },
          receivedAt,
        });
      expect((await commit(20, 2_000)).status).toBe(200);
      expect(await commit(10, 1_000)).toMatchObject({ status: 503, body: { error_code: 50003 } });
      expect(await offsetIn(grouped)).toBe(20);
      expect((await commit(10, 3_000)).status).toBe(200);
      expect(await offsetIn(grouped)).toBe(10);
    }),
  );

  it(
    "does not reset or delete what it committed",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders");
      const offsets = [{ topic_name: "orders", partition_id: 0, offset: 20 }];
      await group("/offsets", { body: { offsets }, receivedAt: 2_000 });
      const reset = (receivedAt: number) => group("/offsets:reset", { body: { to: "earliest" }, receivedAt });
      expect((await reset(1_000)).body.data).toMatchObject([{ committed_offset: 20, error_code: 50003 }]);
      const remove = (receivedAt: number) => group("/offsets?topic_name=orders", { method: "DELETE", receivedAt });
      expect((await remove(1_000)).body.data).toMatchObject([{ error_code: 409 }]);
      expect(await offsetIn(grouped)).toBe(20);
      expect((await reset(3_000)).status).toBe(200);
      expect(await offsetIn(grouped)).toBe(0);
      expect((await remove(4_000)).status).toBe(200);
      expect(await offsetIn(grouped)).toBeUndefined();
    }),
  );

  it(
    "is not heard as the member's heartbeat, whichever it is",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders");
      const { member_id } = (await group("/heartbeat", { body: JOIN, receivedAt: 2_000 })).body;
      const leave = (receivedAt: number) => group("/heartbeat", { body: { member_id, member_epoch: -1 }, receivedAt });
      expect(await leave(1_000)).toMatchObject({ status: 409, body: { kafka_error: "STALE_MEMBER_EPOCH" } });
      expect((await group("/consumers")).body.data).toHaveLength(1);
      expect((await leave(3_000)).status).toBe(200);
      expect((await group("/consumers")).body.data).toEqual([]);
    }),
  );

  it(
    "is judged by the client's own sequence where it has one",
    withGroups(async (grouped) => {
      await topicOf(grouped.broker, "orders");
      const beat = (body: object, receivedAt: number) => grouped.group("/heartbeat", { body, receivedAt });
      const { member_id } = (await beat({ ...JOIN, sequence: 7 }, 2_000)).body;
      const again = { ...JOIN, member_id };
      expect((await beat({ ...again, sequence: 6 }, 3_000)).status).toBe(409);
      expect((await beat({ ...again, sequence: 8 }, 1_000)).status).toBe(200);
    }),
  );

  it(
    "takes nothing along as a poll with the same words, and what follows the later one's answer is newer, whatever the clocks say",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders", 2);
      const poll = (body: object, receivedAt: number) => group("/poll", { body, receivedAt });
      const first = (await poll(FIRST, 1_000)).body;
      expect(first.next.sequence).toBe(1_001);
      await produce(broker, "orders", [{ partition: 0 }]);
      // Another member begins, so that the next poll is told something.
      await poll(FIRST, 1_500);
      const again = (await poll(first.next, 3_000)).body;
      expect(again.next.sequence).toBe(3_001);
      expect(await poll(first.next, 2_000)).toMatchObject({ status: 409 });
      const following = await poll(again.next, 2_990);
      expect([following.status, following.body.next.sequence]).toEqual([200, 3_002]);
      const { member_id } = following.body;
      const leaving = { member_id, member_epoch: -1, sequence: following.body.next.sequence };
      expect((await group("/heartbeat", { body: leaving, receivedAt: 2_995 })).status).toBe(200);
    }),
  );

  it(
    "is told so with 409 as a call of a REST v2 instance, and changes nothing",
    withEndpoints(async ({ broker, wait }) => {
      await wait(60_000);
      await topicOf(broker, "orders");
      await produce(broker, "orders", [{}, {}]);
      const now = () => Math.floor(broker.clock.now());
      const call = (path: string, sent: Sent) =>
        answer(send(broker, `/consumers/g${path}`, { headers: { "content-type": V2, accept: V2 }, ...sent }));
      const I = "/instances/i";
      await call("", { body: { name: "i", "auto.offset.reset": "earliest", "auto.commit.enable": "false" } });
      await call(`${I}/subscription`, { body: JSON.stringify({ topics: ["orders"] }), method: "POST" });
      const before = now() - 5_000;
      const late = { receivedAt: before };
      const calls: [string, Sent][] = [
        [`${I}/records`, { method: "GET" }],
        [`${I}/offsets`, { method: "POST" }],
        [`${I}/positions/end`, { method: "POST", body: JSON.stringify({ partitions: [] }) }],
        [`${I}/subscription`, { method: "POST", body: JSON.stringify({ topics: ["other"] }) }],
        [`${I}/subscription`, { method: "DELETE" }],
        [`${I}/assignments`, { method: "POST", body: JSON.stringify({ partitions: [] }) }],
        [I, { method: "DELETE" }],
      ];
      for (const [path, sent] of calls) {
        const refused = await call(path, { ...sent, ...late });
        expect(refused, `${sent.method} ${path}`).toMatchObject({ status: 409, body: { error_code: 409 } });
        expect(refused.body.message).toContain("a call that arrived later");
      }
      expect(places(await call(`${I}/records`, { method: "GET", receivedAt: now() }))).toHaveLength(2);
      expect((await call(`${I}/offsets?partitions=orders:0`, { method: "GET", ...late })).body).toEqual({
        offsets: [],
      });
      expect((await call(`${I}/subscription`, { method: "GET", ...late })).body).toEqual({ topics: ["orders"] });
    }),
  );
});
