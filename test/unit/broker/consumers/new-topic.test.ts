import { describe, expect, it } from "vitest";
import { assign } from "../../../../shared/broker/consumers/assign-instance.ts";
import { createInstance } from "../../../../shared/broker/consumers/create-instance.ts";
import { commitInstanceOffsets } from "../../../../shared/broker/consumers/instance-offsets.ts";
import { deleteTopic } from "../../../../shared/broker/delete-topic.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { G, withProcesses } from "./instances.ts";

const I = { groupId: G, instanceId: "i" };

describe("a consumer instance that was assigned a partition by hand, of a topic that is deleted and made anew", () => {
  it(
    "begins with the new one where auto.offset.reset says, in whichever process",
    withProcesses(async ({ one, two, read, committed, wait }) => {
      await topicOf(one, "t");
      await produce(one, "t", [{}, {}, {}]);
      await createInstance(one, {
        ...I,
        format: "binary",
        autoOffsetReset: "earliest",
        autoCommit: false,
        minBytes: 1,
        clientHost: "/",
      });
      await assign(one, I, [{ topic: "t", partition: 0 }]);
      expect(await read(one, "i")).toEqual(["0@0", "0@1", "0@2"]);
      expect(await commitInstanceOffsets(two, I, undefined)).toMatchObject({ ok: true });
      await deleteTopic(one, "t");
      expect(await read(one, "i", { timeoutMs: 10 })).toEqual([]);
      await topicOf(one, "t");
      await produce(one, "t", [{}, {}]);
      expect(await read(one, "i", { timeoutMs: 10 })).toEqual(["0@0", "0@1"]);
      // Whatever this process remembers of the old one.
      expect(await read(two, "i", { timeoutMs: 10 })).toEqual([]);
      await produce(one, "t", [{}]);
      await wait(10_000);
      expect(await read(two, "i", { timeoutMs: 10 })).toEqual(["0@2"]);
      expect(await commitInstanceOffsets(two, I, undefined)).toMatchObject({ ok: true });
      expect(await committed()).toEqual(["0@3"]);
    }),
  );
});
