import { describe, expect, it } from "vitest";
import type { GroupStore } from "../../shared/group/group-store.ts";
import type { GroupWrite } from "../../shared/group/group-write.ts";
import { commitOf, consumerGroup, consumerMember, session, target } from "./group-items.ts";

/** What every group store does with many groups, and with the end of one. */
export function groupListingsContract(name: string, open: () => GroupStore): void {
  describe(`many groups on ${name}`, () => {
    const group = () => `g-${crypto.randomUUID()}`;

    it("removes the partitions of a dead group, however many they are", async () => {
      const store = open();
      const groupId = group();
      await store.write(groupId, [{ kind: "put-group", group: consumerGroup({ groupId }) }]);
      for (let topic = 0; topic < 3; topic++) {
        const commits = Array.from({ length: 90 }, (_, partition) => ({
          ...commitOf(partition, 1),
          topicId: `T${topic}`,
        }));
        await store.commitOffsets(groupId, commits);
      }
      expect(await store.deletePartitions(consumerGroup({ groupId }), 500)).toBe(270);
      expect(await store.listPartitions(groupId, { limit: 100 })).toEqual([]);
    });

    it("reads many groups at a time, and leaves out those that are not there", async () => {
      const store = open();
      const prefix = group();
      const ids = Array.from({ length: 100 }, (_, index) => `${prefix}${index}`);
      for (const groupId of ids.slice(0, 3))
        await store.write(groupId, [{ kind: "put-group", group: consumerGroup({ groupId }) }]);
      const found = await store.readGroups(ids);
      expect(found.sort((one, other) => (one.groupId < other.groupId ? -1 : 1))).toEqual(
        ids.slice(0, 3).map((groupId) => consumerGroup({ groupId })),
      );
      expect(await store.readGroups([])).toEqual([]);
    });

    it("keeps the place where a sweep stopped, until it is told that there is none", async () => {
      const store = open();
      const place = { after: "g€", lag: 12, lagBefore: 3 };
      await store.putSweepPlace(place);
      expect(await store.readSweepPlace()).toEqual(place);
      await store.putSweepPlace({ ...place, after: "h", lag: 0 });
      expect(await store.readSweepPlace()).toEqual({ ...place, after: "h", lag: 0 });
      await store.putSweepPlace(undefined);
      await store.putSweepPlace(undefined);
      expect(await store.readSweepPlace()).toBeUndefined();
    });

    it("does something only if there is no group", async () => {
      const store = open();
      const groupId = group();
      const unlist = () => store.write(groupId, [{ kind: "check-no-group" }, { kind: "delete-listing", groupId }]);
      await store.write(groupId, [{ kind: "put-listing", listing: { groupId, sweepAt: 0 } }]);
      await store.write(groupId, [{ kind: "put-group", group: consumerGroup({ groupId }) }]);
      expect(await unlist()).toBe(false);
      await store.write(groupId, [{ kind: "delete-group", group: consumerGroup({ groupId }) }]);
      expect(await unlist()).toBe(true);
      expect((await store.listGroups({ limit: 1000 })).map((each) => each.groupId)).not.toContain(groupId);
    });

    it("deletes a group with all that lies beside it, and lists those that there are", async () => {
      const store = open();
      const prefix = group();
      const ids = ["c", "a", "b"].map((letter) => `${prefix}${letter}`);
      for (const [index, groupId] of ids.entries()) {
        await store.write(groupId, [
          { kind: "put-group", group: consumerGroup({ groupId }) },
          { kind: "put-listing", listing: { groupId, sweepAt: index * 10 } },
          { kind: "put-target", target },
        ]);
        await store.commitOffsets(
          groupId,
          Array.from({ length: 30 }, (_, partition) => commitOf(partition, 1)),
        );
      }
      const listed = async (options: object = {}) =>
        (await store.listGroups({ limit: 10, after: prefix, ...options })).map(({ groupId }) =>
          groupId.slice(prefix.length),
        );
      const mine = (found: string[]) => found.filter((letter) => letter.length === 1);
      expect(mine(await listed()).slice(0, 3)).toEqual(["a", "b", "c"]);
      expect(await listed({ limit: 1, after: ids[1] })).toEqual(["b"]);
      expect(mine(await listed({ sweepBefore: 20 }))).toEqual(["a", "c"]);

      const groupId = ids[1]!;
      expect(await store.deletePartitions(consumerGroup({ groupId, version: 2 }), 20)).toBeUndefined();
      expect(await store.listPartitions(groupId, { limit: 100 })).toHaveLength(30);
      expect(await store.deletePartitions(consumerGroup({ groupId }), 20)).toBe(20);
      expect(await store.deletePartitions(consumerGroup({ groupId }), 20)).toBe(10);
      const end = (version: number) =>
        store.write(groupId, [
          { kind: "delete-group", group: consumerGroup({ groupId, version }) },
          { kind: "delete-listing", groupId },
        ]);
      expect(await end(2)).toBe(false);
      expect(await end(1)).toBe(true);
      expect(await store.readGroup(groupId)).toEqual({});
      expect(await store.readTarget(groupId)).toBeUndefined();
      // Whoever is late with it leaves the next group of that name alone.
      await store.write(groupId, [{ kind: "put-group", group: consumerGroup({ groupId, incarnation: "next" }) }]);
      await store.commitOffsets(groupId, [commitOf(0, 1)]);
      expect(await store.deletePartitions(consumerGroup({ groupId }), 20)).toBeUndefined();
      expect(await store.listPartitions(groupId, { limit: 10 })).toHaveLength(1);
      expect(mine(await listed()).slice(0, 2)).toEqual(["b", "c"]);
    });

    it("keeps groups apart whose names contain what keys are made of", async () => {
      const store = open();
      const one = group();
      const other = `${one}#x`;
      await store.write(one, [{ kind: "put-member", member: consumerMember({ memberId: "x#y" }) }]);
      await store.write(other, [{ kind: "put-member", member: consumerMember({ memberId: "y" }) }]);
      expect((await store.readMembers(one)).map(({ member }) => member.memberId)).toEqual(["x#y"]);
      expect((await store.readMembers(other)).map(({ member }) => member.memberId)).toEqual(["y"]);
    });

    it("reads members over pages of a megabyte", async () => {
      const store = open();
      const groupId = group();
      const subscribedTopicNames = Array.from({ length: 1_000 }, (_, index) => `${"t".repeat(46)}${index}`);
      const ids = Array.from({ length: 50 }, (_, index) => `m${index + 10}`);
      for (const memberId of ids) {
        const writes: GroupWrite[] = [
          { kind: "put-member", member: consumerMember({ memberId, subscribedTopicNames }) },
          { kind: "begin-session", session: session(memberId, 70) },
        ];
        expect(await store.write(groupId, writes)).toBe(true);
      }
      const read = await store.readMembers(groupId);
      expect(read.map(({ member }) => member.memberId)).toEqual(ids);
      expect(read.every(({ session: each }) => each?.sessionExpiresAt === 70)).toBe(true);
      expect(read.at(-1)?.member).toEqual(consumerMember({ memberId: "m59", subscribedTopicNames }));
    });
  });
}
