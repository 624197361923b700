import { describe, expect, it } from "vitest";
import type { ConsumerInstance } from "../../shared/broker/consumers/instance.ts";
import type { InstanceStore } from "../../shared/broker/consumers/instance-store.ts";

function instanceOf(change: Partial<ConsumerInstance> = {}): ConsumerInstance {
  return {
    groupId: `g-${crypto.randomUUID()}`,
    instanceId: "one",
    format: "json",
    autoOffsetReset: "earliest",
    autoCommit: true,
    minBytes: 1,
    memberId: "m",
    clientHost: "/10.0.0.1",
    revisions: ["r1"],
    sequence: 1,
    expiresAt: 1_000_500,
    consumes: { kind: "nothing" },
    memberEpoch: 0,
    heartbeatAt: 0,
    positions: [],
    ...change,
  };
}

/** The instance as another write of it leaves it. */
const later = (instance: ConsumerInstance, revision: string, change: Partial<ConsumerInstance> = {}) => ({
  ...instance,
  ...change,
  revisions: [revision, ...instance.revisions],
});

/** What every store of consumer instances does. */
export function instanceStoreContract(name: string, open: () => InstanceStore): void {
  describe(`the instance store on ${name}`, () => {
    it("gives back an instance as it was written, its positions in their order", async () => {
      const store = open();
      const full = instanceOf({
        instanceId: "a/b ü#1",
        requestTimeoutMs: 7,
        revisions: ["r3", "r2", "r1"],
        consumes: { kind: "topics", topics: ["orders", "returns"] },
        memberEpoch: 12,
        heartbeatAt: 1_700_000_000_001,
        positions: [
          { topic: "returns", topicId: "R", partition: 1, offset: 2 ** 53 - 2, committedOffset: 2 ** 53 - 3 },
          { topic: "orders", topicId: "O", partition: 70, offset: 0, committedOffset: 0 },
          { topic: "orders", topicId: "O", partition: 3 },
          { topic: "orders", topicId: "O", partition: 4, committedOffset: 9 },
          { topic: "returns", topicId: "R", partition: 0, offset: 3, committedOffset: 8 },
        ],
      });
      expect(await store.putInstance(full, undefined)).toEqual({ kind: "put" });
      expect(await store.readInstance(full)).toEqual(full);
      const pattern = later(full, "r4", { consumes: { kind: "pattern", pattern: "o.*" }, positions: [] });
      await store.putInstance(pattern, "r3");
      expect(await store.readInstance(full)).toEqual(pattern);
    });

    it("knows instances by their group and their name", async () => {
      const store = open();
      const one = instanceOf();
      const other = { ...one, instanceId: "other", memberId: "o" };
      await store.putInstance(one, undefined);
      await store.putInstance(other, undefined);
      expect(await store.readInstance(one)).toEqual(one);
      expect(await store.readInstance(other)).toEqual(other);
      expect(await store.readInstance({ ...one, groupId: `${one.groupId}-2` })).toBeUndefined();
    });

    it("writes an instance only from the revision before, and answers with what is there instead", async () => {
      const store = open();
      const first = instanceOf();
      await store.putInstance(first, undefined);
      const second = later(first, "r2", { memberEpoch: 2 });
      const taken = { ...instanceOf({ ...first, revisions: ["x"] }) };
      expect(await store.putInstance(taken, undefined)).toEqual({ kind: "refused", found: first });
      expect(await store.putInstance(second, "another")).toEqual({ kind: "refused", found: first });
      expect(await store.putInstance(second, "r1")).toEqual({ kind: "put" });
      expect(await store.putInstance(later(first, "r2b"), "r1")).toEqual({ kind: "refused", found: second });
      const gone = instanceOf({ revisions: ["y", "z"] });
      expect(await store.putInstance(gone, "z")).toEqual({ kind: "refused", found: undefined });
    });

    it("takes a write that is repeated as the one that it was", async () => {
      const store = open();
      const first = instanceOf();
      await store.putInstance(first, undefined);
      expect(await store.putInstance(first, undefined)).toEqual({ kind: "put" });
      const second = later(first, "r2", { memberEpoch: 2 });
      await store.putInstance(second, "r1");
      expect(await store.putInstance(second, "r1")).toEqual({ kind: "put" });
      expect(await store.readInstance(first)).toEqual(second);
    });

    it("puts an instance's end off, never forward, and changes nothing else of it", async () => {
      const store = open();
      const first = instanceOf();
      await store.putInstance(first, undefined);
      expect(await store.extendInstance(first, { memberId: "m", expiresAt: 1_002_000 })).toBe(true);
      expect(await store.extendInstance(first, { memberId: "m", expiresAt: 1_001_000 })).toBe(false);
      expect(await store.extendInstance(first, { memberId: "another", expiresAt: 1_003_000 })).toBe(false);
      expect(await store.readInstance(first)).toEqual({ ...first, expiresAt: 1_002_000 });
      expect(await store.putInstance(later(first, "r2"), "r1")).toEqual({ kind: "put" });
      expect(await store.extendInstance(instanceOf(), { memberId: "m", expiresAt: 1_002_000 })).toBe(false);
    });

    it("deletes an instance, and not another one that was given its name", async () => {
      const store = open();
      const first = instanceOf();
      await store.putInstance(first, undefined);
      expect(await store.deleteInstance(first, "another")).toBe(false);
      expect(await store.deleteInstance(first, "m")).toBe(true);
      expect(await store.deleteInstance(first, "m")).toBe(false);
      expect(await store.readInstance(first)).toBeUndefined();
    });

    it("deletes what has expired, so many at a time, and nothing that has not", async () => {
      const store = open();
      const expired = [instanceOf({ expiresAt: 900 }), instanceOf({ expiresAt: 950 }), instanceOf({ expiresAt: 999 })];
      const alive = instanceOf({ expiresAt: 1_000 });
      for (const each of [...expired, alive]) await store.putInstance(each, undefined);
      expect(await store.deleteExpiredInstances(1_000, 2)).toBe(2);
      expect(await store.deleteExpiredInstances(1_000, 10)).toBe(1);
      expect(await store.readInstance(alive)).toEqual(alive);
    });

    it("holds the positions of ten thousand partitions", async () => {
      const store = open();
      const positions = Array.from({ length: 10_000 }, (_, index) => ({
        topic: `topic-${index % 10}`,
        topicId: `T${index % 10}-aaaaaaaaaaaaaaaaaaaa`,
        partition: Math.floor(index / 10),
        offset: (index * 2_654_435_761) % 2 ** 45,
        committedOffset: (index * 40_503) % 2 ** 45,
      }));
      const topics = Array.from({ length: 1_000 }, () => crypto.randomUUID());
      const full = instanceOf({ positions, consumes: { kind: "topics", topics } });
      expect(await store.putInstance(full, undefined)).toEqual({ kind: "put" });
      expect(await store.readInstance(full)).toEqual(full);
    });
  });
}
