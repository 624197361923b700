import { describe, expect, it } from "vitest";
import { assign, assignmentOf } from "../../../../shared/broker/consumers/assign-instance.ts";
import { deleteInstance } from "../../../../shared/broker/consumers/delete-instance.ts";
import { commitInstanceOffsets } from "../../../../shared/broker/consumers/instance-offsets.ts";
import { isOvertaken, orderOf } from "../../../../shared/broker/consumers/instance-order.ts";
import { seek } from "../../../../shared/broker/consumers/seek-instance.ts";
import { subscribe, subscriptionOf, unsubscribe } from "../../../../shared/broker/consumers/subscribe-instance.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { G, withProcesses } from "./instances.ts";

const I = { groupId: G, instanceId: "i" };
const refusedLate = { ok: false, refusal: { reason: "contended" } };

describe("the order of an instance's calls", () => {
  it("rises with each, and is no less than their arrival", () => {
    expect(orderOf({ sequence: 7 }, 1_000)).toBe(1_000);
    expect(orderOf({ sequence: 1_000 }, 1_000)).toBe(1_001);
    // A clock that is behind.
    expect(orderOf({ sequence: 1_000 }, 990)).toBe(1_001);
  });

  it("is not told by clocks that differ by less than a second", () => {
    expect(isOvertaken({ sequence: 10_000 }, 9_000)).toBe(false);
    expect(isOvertaken({ sequence: 10_000 }, 8_999)).toBe(true);
    expect(isOvertaken({ sequence: 10_000 }, 20_000)).toBe(false);
  });
});

describe("a call that waited for a process while a later one was faster", () => {
  it(
    "takes no records along, and commits none that the later one handed out, if it reads",
    withProcesses(async ({ one, two, subscribed, read, wait, committed }) => {
      await topicOf(one, "t");
      await subscribed("i", { autoCommit: true });
      await read(two, "i");
      const receivedAt = Math.floor(one.clock.now());
      await wait(5_000);
      await produce(one, "t", [{}, {}]);
      expect(await read(two, "i")).toEqual(["0@0", "0@1"]);
      await produce(one, "t", [{}]);
      expect(await read(one, "i", { receivedAt })).toBe("contended");
      expect(await committed()).toEqual(["0@0"]);
      expect(await read(two, "i")).toEqual(["0@2"]);
      expect(await committed()).toEqual(["0@2"]);
    }),
  );

  it(
    "commits what it names, and nothing if it means all that was handed out",
    withProcesses(async ({ one, two, subscribed, read, wait, committed }) => {
      await topicOf(one, "t");
      await produce(one, "t", [{}, {}]);
      await subscribed("i");
      await read(two, "i");
      const call = { ...I, receivedAt: Math.floor(one.clock.now()) };
      await wait(5_000);
      await produce(one, "t", [{}, {}]);
      expect(await read(two, "i")).toEqual(["0@2", "0@3"]);
      expect(await commitInstanceOffsets(one, call, undefined)).toMatchObject(refusedLate);
      expect(await committed()).toEqual([]);
      const offsetOf = (offset: number) => [{ topic: "t", partition: 0, offset }];
      expect(await commitInstanceOffsets(one, call, offsetOf(2))).toMatchObject({ ok: true });
      expect(await commitInstanceOffsets(two, I, offsetOf(4))).toMatchObject({ ok: true });
      expect(await commitInstanceOffsets(one, call, offsetOf(2))).toMatchObject({
        ok: false,
        refusal: { code: "COORDINATOR_NOT_AVAILABLE" },
      });
      expect(await committed()).toEqual(["0@4"]);
    }),
  );

  it(
    "does not move the instance, subscribe it or take it out of its group",
    withProcesses(async ({ one, two, subscribed, read, wait }) => {
      await topicOf(one, "t");
      await produce(one, "t", [{}]);
      await subscribed("i");
      const late = { ...I, receivedAt: Math.floor(one.clock.now()) };
      await wait(5_000);
      await read(two, "i");
      const calls = [
        () => seek(one, late, [{ topic: "t", partition: 0, offset: 0 }]),
        () => subscribe(one, late, { kind: "topics", topics: ["other"] }),
        () => unsubscribe(one, late),
        () => assign(one, late, []),
      ];
      for (const call of calls) expect(await call()).toMatchObject(refusedLate);
      expect(await subscriptionOf(one, I)).toEqual({ ok: true, value: ["t"] });
      expect(await assignmentOf(one, I)).toEqual({ ok: true, value: [{ topic: "t", partition: 0 }] });
      expect(await read(two, "i")).toEqual([]);
    }),
  );

  it(
    "does not delete the instance that was created in the place of the one it meant",
    withProcesses(async ({ one, two, subscribed, read, wait }) => {
      await topicOf(one, "t");
      await subscribed("i");
      const late = { ...I, receivedAt: Math.floor(one.clock.now()) };
      await wait(5_000);
      expect(await deleteInstance(two, I)).toMatchObject({ ok: true });
      await subscribed("i");
      expect(await deleteInstance(one, late)).toMatchObject(refusedLate);
      expect(await read(two, "i")).toEqual([]);
      expect(await deleteInstance(two, I)).toMatchObject({ ok: true });
    }),
  );
});
