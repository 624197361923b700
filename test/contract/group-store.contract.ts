import { describe, expect, it } from "vitest";
import type { GroupStore } from "../../shared/group/group-store.ts";
import type { GroupWrite } from "../../shared/group/group-write.ts";
import {
  acquire,
  classicGroup,
  classicMember,
  consumerGroup,
  consumerMember,
  release,
  session,
  target,
} from "./group-items.ts";
import { groupListingsContract } from "./group-store-listings.contract.ts";
import { groupOffsetsContract } from "./group-store-offsets.contract.ts";

/** What every group store does. `isolates`: transactions under way at once; moto undoes one by putting whole tables back. */
export function groupStoreContract(name: string, open: () => GroupStore, { isolates = true } = {}): void {
  groupOffsetsContract(name, open);
  groupListingsContract(name, open);
  describe(`the group store on ${name}`, () => {
    const group = () => `g-${crypto.randomUUID()}`;
    const put = (one: Parameters<GroupStore["write"]>[1][number]) => [one];

    it("gives back groups of both protocols as they were written", async () => {
      const store = open();
      const full = consumerGroup({ emptySince: 7, isDead: true });
      expect(await store.write(full.groupId, put({ kind: "put-group", group: full }))).toBe(true);
      expect(await store.readGroup(full.groupId)).toEqual({ group: full });
      const classic = classicGroup({ rebalanceBy: 9, initialUntil: 8 });
      await store.write(classic.groupId, put({ kind: "put-group", group: classic }));
      expect(await store.readGroup(classic.groupId, "a")).toEqual({ group: classic });
      expect(await store.readGroup(group(), "a")).toEqual({});
    });

    it("changes a group only from the version before, in the life it has", async () => {
      const store = open();
      const first = consumerGroup();
      const { groupId } = first;
      expect(await store.write(groupId, put({ kind: "put-group", group: { ...first, version: 2 } }))).toBe(false);
      expect(await store.write(groupId, put({ kind: "put-group", group: first }))).toBe(true);
      expect(await store.write(groupId, put({ kind: "put-group", group: first }))).toBe(false);
      const second = { ...first, version: 2, groupEpoch: 2 };
      const other = { ...second, incarnation: "another" };
      expect(await store.write(groupId, put({ kind: "put-group", group: other }))).toBe(false);
      expect(await store.write(groupId, put({ kind: "put-group", group: second }))).toBe(true);
      expect(await store.write(groupId, put({ kind: "put-group", group: second }))).toBe(false);
      expect(await store.readGroup(groupId)).toEqual({ group: second });
    });

    it("gives back members of both protocols with their sessions, in order", async () => {
      const store = open();
      const groupId = group();
      const a = consumerMember({
        instanceId: "i",
        rackId: "r",
        serverAssignor: "range",
        subscribedTopicRegex: "o.*",
        revokeBy: 3,
        isFenced: true,
        pendingRevocation: { T: [9, 11, 12] },
      });
      const b = classicMember({ memberId: "b", instanceId: "j" });
      const writes: GroupWrite[] = [
        { kind: "put-member", member: b },
        { kind: "put-member", member: a },
        { kind: "begin-session", session: session("b", 70) },
        // Neither is one of them.
        { kind: "put-target", target },
        { kind: "put-instance", instanceId: "i", memberId: "a" },
      ];
      expect(await store.write(groupId, writes)).toBe(true);
      expect(await store.readMembers(groupId)).toEqual([{ member: a }, { member: b, session: session("b", 70) }]);
      expect(await store.readGroup(groupId, "b")).toEqual({ member: b });
      expect(await store.readMembers(group())).toEqual([]);
    });

    it("applies all writes or none", async () => {
      const store = open();
      const first = consumerGroup();
      const { groupId } = first;
      await store.write(groupId, [{ kind: "put-group", group: first }]);
      const member = consumerMember();
      const stale: GroupWrite[] = [
        { kind: "put-member", member },
        { kind: "begin-session", session: session("a", 70) },
        { kind: "put-group", group: { ...first, version: 3 } },
        acquire(0, "a"),
      ];
      expect(await store.write(groupId, stale)).toBe(false);
      expect(await store.readGroup(groupId, "a")).toEqual({ group: first });
      expect(await store.readPartitions(groupId, [{ topicId: "T", partition: 0 }])).toEqual([]);
    });

    it("changes and removes a member only from the version that is expected, of the same incarnation", async () => {
      const store = open();
      const groupId = group();
      const member = consumerMember();
      await store.write(groupId, put({ kind: "put-member", member }));
      const second = { ...member, version: 2, memberEpoch: 2, previousMemberEpoch: 1 };
      const anothers = { ...second, incarnation: "m2" };
      expect(await store.write(groupId, put({ kind: "put-member", member: anothers }))).toBe(false);
      expect(await store.write(groupId, put({ kind: "delete-member", member: second }))).toBe(false);
      expect(await store.write(groupId, put({ kind: "put-member", member: second }))).toBe(true);
      expect(await store.write(groupId, put({ kind: "delete-member", member: anothers }))).toBe(false);
      expect(await store.write(groupId, put({ kind: "delete-member", member: second }))).toBe(true);
      expect(await store.write(groupId, put({ kind: "put-member", member: { ...second, version: 3 } }))).toBe(false);
      expect(await store.readGroup(groupId, "a")).toEqual({});
    });

    it("extends a session that is there, of the same member, and ends it unless it was extended", async () => {
      const store = open();
      const groupId = group();
      const extend = (sessionExpiresAt: number, incarnation?: string) =>
        store.write(groupId, put({ kind: "extend-session", session: session("a", sessionExpiresAt, incarnation) }));
      const end = (sessionExpiresAt: number) =>
        store.write(groupId, put({ kind: "delete-session", memberId: "a", session: session("a", sessionExpiresAt) }));
      expect(await extend(70)).toBe(false);
      await store.write(groupId, put({ kind: "begin-session", session: session("a", 70) }));
      expect(await extend(80, "m2")).toBe(false);
      expect(await extend(80)).toBe(true);
      expect(await end(70)).toBe(false);
      expect(await end(80)).toBe(true);
      expect(await end(80)).toBe(false);
      expect(await extend(90)).toBe(false);
      expect(await store.write(groupId, put({ kind: "delete-session", memberId: "a" }))).toBe(true);
    });

    it("lets an instance be one member's at a time", async () => {
      const store = open();
      const groupId = group();
      const take = (memberId: string, before?: string) => {
        const write = { kind: "put-instance", instanceId: "i", memberId, ...(before && { before }) } as const;
        return store.write(groupId, [write]);
      };
      const drop = (memberId: string) => store.write(groupId, [{ kind: "delete-instance", instanceId: "i", memberId }]);
      expect(await take("a")).toBe(true);
      expect(await take("b")).toBe(false);
      expect(await take("b", "c")).toBe(false);
      expect(await take("b", "a")).toBe(true);
      expect(await drop("a")).toBe(false);
      expect(await drop("b")).toBe(true);
      expect(await drop("b")).toBe(true);
      expect(await take("c")).toBe(true);
    });

    it("gives back a target assignment and a generation as they were written", async () => {
      const store = open();
      const groupId = group();
      expect(await store.readTarget(groupId)).toBeUndefined();
      expect(await store.readGeneration(groupId)).toBeUndefined();
      const waiting = { generationId: 3, members: ["b", "a"] };
      await store.write(groupId, [
        { kind: "put-target", target },
        { kind: "put-generation", generation: waiting },
      ]);
      expect(await store.readTarget(groupId)).toEqual(target);
      expect(await store.readGeneration(groupId)).toEqual(waiting);
      const synced = { ...waiting, assignments: { a: Uint8Array.of(1, 0, 255), b: new Uint8Array() } };
      await store.write(groupId, [{ kind: "put-generation", generation: synced }]);
      expect(await store.readGeneration(groupId)).toEqual(synced);
      await store.write(groupId, [{ kind: "put-generation", generation: { ...waiting, assignments: {} } }]);
      expect(await store.readGeneration(groupId)).toEqual({ ...waiting, assignments: {} });
    });

    it.runIf(isolates)("gives a partition to one of racing members", async () => {
      const store = open();
      const groupId = group();
      const racers = Array.from({ length: 8 }, (_, index) => `m${index}`);
      const results = await Promise.all(
        racers.map((memberId) =>
          store.write(groupId, [{ kind: "put-member", member: consumerMember({ memberId }) }, acquire(0, memberId)]),
        ),
      );
      expect(results.filter((isApplied) => isApplied)).toHaveLength(1);
      const [item] = await store.readPartitions(groupId, [{ topicId: "T", partition: 0 }]);
      const winner = racers[results.indexOf(true)]!;
      expect(item).toEqual({ topicId: "T", partition: 0, topic: "orders", owner: { memberId: winner, epoch: 1 } });
      expect((await store.readMembers(groupId)).map(({ member }) => member.memberId)).toEqual([winner]);
    });

    it("releases what a member owns, and nobody else's", async () => {
      const store = open();
      const groupId = group();
      await store.write(groupId, [acquire(0, "a"), acquire(1, "a"), acquire(2, "b")]);
      expect(await store.write(groupId, [release(0, "a"), release(2, "a")])).toBe(false);
      expect(await store.write(groupId, [release(0, "a"), release(1, "a")])).toBe(true);
      expect(await store.write(groupId, [release(0, "a")])).toBe(false);
      expect(await store.write(groupId, [acquire(0, "b", 2), acquire(2, "a")])).toBe(false);
      expect(await store.write(groupId, [acquire(0, "b", 2)])).toBe(true);
    });

    it("moves a hundred items at once", async () => {
      const store = open();
      const groupId = group();
      const all = Array.from({ length: 99 }, (_, partition) => acquire(partition, "a"));
      expect(await store.write(groupId, [{ kind: "put-member", member: consumerMember() }, ...all])).toBe(true);
      expect(await store.listPartitions(groupId, { limit: 1000 })).toHaveLength(99);
      const partitions = Array.from({ length: 100 }, (_, partition) => ({ topicId: "T", partition }));
      expect(await store.readPartitions(groupId, partitions)).toHaveLength(99);
    });
  });
}
