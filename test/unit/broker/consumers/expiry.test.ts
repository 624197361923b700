import { describe, expect, it } from "vitest";
import { createInstance } from "../../../../shared/broker/consumers/create-instance.ts";
import { subscriptionOf } from "../../../../shared/broker/consumers/subscribe-instance.ts";
import { describeGroup } from "../../../../shared/broker/groups/describe-group.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { G, withProcesses } from "./instances.ts";

const I = { groupId: G, instanceId: "i" };
const MINUTE_MS = 60_000;

describe("a consumer instance", () => {
  it(
    "is there as long as it is used, by whatever call",
    withProcesses(async ({ one, two, subscribed, wait }) => {
      await subscribed("i");
      for (let uses = 0; uses < 10; uses++) {
        await wait(4.9 * MINUTE_MS);
        expect(await subscriptionOf(uses % 2 === 0 ? one : two, I)).toMatchObject({ ok: true });
      }
    }),
  );

  it(
    "is not written by each call that changes nothing",
    withProcesses(async ({ one, store, subscribed, wait }) => {
      await subscribed("i");
      const before = await store.readInstance(I);
      await wait(50_000);
      await subscriptionOf(one, I);
      expect(await store.readInstance(I)).toEqual(before);
      await wait(20_000);
      await subscriptionOf(one, I);
      expect((await store.readInstance(I))!.expiresAt).toBeGreaterThan(before!.expiresAt);
    }),
  );

  it(
    "stays a member of its group though it reads every four minutes only, for longer than a group waits for others",
    withProcesses(async ({ one, subscribed, read, wait }) => {
      await topicOf(one, "t");
      await subscribed("i");
      for (let reads = 0; reads < 4; reads++) {
        await read(one, "i");
        await wait(4 * MINUTE_MS);
        expect(await describeGroup(one, G)).toMatchObject({
          ok: true,
          value: { members: [{ clientId: "i", memberEpoch: 1 }] },
        });
      }
    }),
  );

  it(
    "is gone when nobody has used it for six minutes, its membership before; and its name is free",
    withProcesses(async ({ one, store, subscribed, read, wait }) => {
      await topicOf(one, "t");
      await subscribed("i");
      await read(one, "i");
      await wait(6 * MINUTE_MS + 1);
      expect(await subscriptionOf(one, I)).toMatchObject({ ok: false, refusal: { reason: "instance-not-found" } });
      expect(await read(one, "i")).toBe("instance-not-found");
      expect(await describeGroup(one, G)).toMatchObject({ ok: true, value: { members: [] } });
      // The store removes it when it likes; its name is free before.
      const old = await store.readInstance(I);
      await subscribed("i");
      expect((await store.readInstance(I))!.memberId).not.toBe(old!.memberId);
      await produce(one, "t", [{}]);
      expect(await read(one, "i")).toEqual(["0@0"]);
    }),
  );

  it(
    "that has expired is replaced by one of two that are created at once under its name",
    withProcesses(async ({ one, two, subscribed, wait }) => {
      await subscribed("i");
      await wait(7 * MINUTE_MS);
      const config = {
        format: "json",
        autoOffsetReset: "latest",
        autoCommit: true,
        minBytes: 1,
        clientHost: "/",
      } as const;
      const created = await Promise.all([one, two].map((broker) => createInstance(broker, { ...config, ...I })));
      expect(created.map(({ ok }) => ok).sort()).toEqual([false, true]);
      expect(created.find(({ ok }) => !ok)).toMatchObject({ refusal: { reason: "instance-exists" } });
    }),
  );
});
