import { describe, expect, it } from "vitest";
import type { GroupStore } from "../../shared/group/group-store.ts";
import { acquire, classicGroup, commitOf, offsetOf, release } from "./group-items.ts";

/** What every group store does with offsets. */
export function groupOffsetsContract(name: string, open: () => GroupStore): void {
  describe(`offsets in the group store on ${name}`, () => {
    const group = () => `g-${crypto.randomUUID()}`;

    it("commits what the member owns, since the commit's epoch or an earlier one, each offset by itself", async () => {
      const store = open();
      const groupId = group();
      await store.write(groupId, [acquire(0, "a", 3), acquire(1, "b", 3), acquire(2, "a", 4)]);
      const by = (epoch: number, memberId = "a") => ({ memberId, epoch });
      const commits = [0, 1, 2, 3].map((partition) => commitOf(partition, 10, by(3)));
      expect(await store.commitOffsets(groupId, commits)).toEqual([
        { kind: "committed" },
        { kind: "refused", owner: { memberId: "b", epoch: 3 } },
        { kind: "refused", owner: { memberId: "a", epoch: 4 } },
        { kind: "refused", owner: undefined },
      ]);
      expect(await store.commitOffsets(groupId, [commitOf(2, 11, by(7))])).toEqual([{ kind: "committed" }]);
      const listed = await store.listPartitions(groupId, { limit: 10 });
      expect(listed.map(({ partition, committed }) => [partition, committed?.offset])).toEqual([
        [0, 10],
        [1, undefined],
        [2, 11],
      ]);
    });

    it("lets whoever is no member commit only what nobody owns, and keeps an offset through owners", async () => {
      const store = open();
      const groupId = group();
      await store.write(groupId, [acquire(0, "a")]);
      expect(await store.commitOffsets(groupId, [commitOf(0, 5), commitOf(1, 5)])).toEqual([
        { kind: "refused", owner: { memberId: "a", epoch: 1 } },
        { kind: "committed" },
      ]);
      await store.commitOffsets(groupId, [commitOf(0, 6, { memberId: "a", epoch: 1 })]);
      await store.write(groupId, [release(0, "a")]);
      const partitions = [0, 1].map((partition) => ({ topicId: "T", partition }));
      const items = (await store.readPartitions(groupId, partitions)).sort(
        (one, other) => one.partition - other.partition,
      );
      expect(items.map(({ owner, committed }) => [owner, committed?.offset])).toEqual([
        [undefined, 6],
        [undefined, 5],
      ]);
      await store.write(groupId, [acquire(0, "b", 2)]);
      const [taken] = await store.readPartitions(groupId, [{ topicId: "T", partition: 0 }]);
      expect(taken).toMatchObject({ owner: { memberId: "b", epoch: 2 }, committed: { offset: 6 } });
    });

    it("does not let a commit take the place of one that arrived later, whoever's it is", async () => {
      const store = open();
      const groupId = group();
      const at = (offset: number, committedAt: number) => ({
        ...commitOf(0, 0),
        offset: offsetOf(offset, { committedAt }),
      });
      const write = (offset: number, committedAt: number) => {
        const partition = { topicId: "T", partition: 0 };
        return store.write(groupId, [
          { kind: "put-offset", partition, topic: "orders", offset: offsetOf(offset, { committedAt }) },
        ]);
      };
      expect(await store.commitOffsets(groupId, [at(20, 5)])).toEqual([{ kind: "committed" }]);
      expect(await store.commitOffsets(groupId, [at(10, 4)])).toEqual([{ kind: "overtaken" }]);
      expect(await write(10, 4)).toBe(false);
      expect(await store.commitOffsets(groupId, [at(11, 5)])).toEqual([{ kind: "committed" }]);
      expect(await write(12, 6)).toBe(true);
      const by = { memberId: "a", epoch: 1 };
      expect(await store.commitOffsets(groupId, [{ ...at(10, 4), by }])).toEqual([
        { kind: "refused", owner: undefined },
      ]);
      expect((await store.listPartitions(groupId, { limit: 1 }))[0]?.committed?.offset).toBe(12);
    });

    it("gives back an offset as it was committed", async () => {
      const store = open();
      const groupId = group();
      const offset = offsetOf(Number.MAX_SAFE_INTEGER - 1, {
        leaderEpoch: 9,
        metadata: "ä☃",
        committedAt: 1_700_000_000_123,
      });
      await store.commitOffsets(groupId, [{ ...commitOf(4, 0), offset }]);
      const expected = { topicId: "T", partition: 4, topic: "orders", committed: offset };
      expect(await store.readPartitions(groupId, [{ topicId: "T", partition: 4 }])).toEqual([expected]);
    });

    it("writes offsets of a classic group only while the group is what it was", async () => {
      const store = open();
      const first = classicGroup();
      const { groupId } = first;
      await store.write(groupId, [{ kind: "put-group", group: first }]);
      const commit = (version: number, offset: number) =>
        store.write(groupId, [
          { kind: "check-group", group: { ...first, version } },
          { kind: "put-offset", partition: { topicId: "T", partition: 0 }, topic: "orders", offset: offsetOf(offset) },
        ]);
      expect(await commit(1, 5)).toBe(true);
      await store.write(groupId, [{ kind: "put-group", group: { ...first, version: 2, generationId: 4 } }]);
      expect(await commit(1, 6)).toBe(false);
      expect((await store.listPartitions(groupId, { limit: 1 }))[0]?.committed?.offset).toBe(5);
    });

    it("lists partitions in order of topic and number, page by page, and leaves out what holds nothing", async () => {
      const store = open();
      const groupId = group();
      const at = (topicId: string, partition: number) => ({ ...commitOf(partition, 1), topicId });
      await store.commitOffsets(groupId, [at("T", 10), at("T", 9), at("S", 3)]);
      await store.write(groupId, [acquire(100, "a"), acquire(2, "a")]);
      await store.write(groupId, [release(2, "a")]);
      const all = await store.listPartitions(groupId, { limit: 10 });
      expect(all.map(({ topicId, partition }) => `${topicId}${partition}`)).toEqual(["S3", "T9", "T10", "T100"]);
      const first = await store.listPartitions(groupId, { limit: 2 });
      const rest = await store.listPartitions(groupId, { limit: 2, after: first[1]! });
      expect([...first, ...rest]).toEqual(all);
    });

    it("deletes an offset if it still is the one, and nobody owns it", async () => {
      const store = open();
      const groupId = group();
      await store.commitOffsets(groupId, [commitOf(0, 1), commitOf(1, 1), commitOf(2, 1)]);
      await store.commitOffsets(groupId, [commitOf(1, 2)]);
      await store.write(groupId, [acquire(2, "a")]);
      const offsets = [0, 1, 2, 3].map((partition) => ({ topicId: "T", partition, offset: offsetOf(1) }));
      expect(await store.deleteOffsets(groupId, offsets)).toEqual([true, false, false, false]);
      expect((await store.listPartitions(groupId, { limit: 10 })).map(({ partition }) => partition)).toEqual([1, 2]);
    });
  });
}
