import { describe, expect, it } from "vitest";
import { commitOffsets } from "../../../../shared/broker/groups/commit-offsets.ts";
import { describeGroup } from "../../../../shared/broker/groups/describe-group.ts";
import { heartbeat } from "../../../../shared/broker/groups/heartbeat.ts";
import { type JoinedGroup, joinGroup } from "../../../../shared/broker/groups/join-group.ts";
import { leaveGroup } from "../../../../shared/broker/groups/leave-group.ts";
import { syncGroup } from "../../../../shared/broker/groups/sync-group.ts";
import type { Result } from "../../../../shared/kafka/result.ts";
import { topicOf } from "../../../fixtures/broker.ts";
import { type Grouped, withGroups } from "../../../fixtures/grouped-broker.ts";

const PROTOCOLS = [{ name: "range", metadata: Buffer.from("m") }];

function join({ broker }: Grouped, clientId: string, change: Partial<Parameters<typeof joinGroup>[1]> = {}) {
  return joinGroup(broker, {
    groupId: "g",
    memberId: "",
    newMemberId: clientId,
    requiresKnownMemberId: false,
    protocolType: "consumer",
    protocols: PROTOCOLS,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    clientId,
    clientHost: "/",
    maxWaitMs: 60_000,
    ...change,
  });
}

function joined(result: Result<JoinedGroup>): Extract<JoinedGroup, { kind: "joined" }> {
  if (!result.ok || result.value.kind !== "joined") throw new Error(JSON.stringify(result));
  return result.value;
}

/** ConsumerProtocolAssignment of one partition of "orders". */
function assignmentOf(partition: number): Uint8Array {
  const name = Buffer.from("orders");
  const bytes = Buffer.alloc(2 + 4 + 2 + name.length + 4 + 4 + 4);
  bytes.writeInt32BE(1, 2);
  bytes.writeInt16BE(name.length, 6);
  name.copy(bytes, 8);
  bytes.writeInt32BE(1, 8 + name.length);
  bytes.writeInt32BE(partition, 12 + name.length);
  bytes.writeInt32BE(-1, 16 + name.length);
  return bytes;
}

describe("a group of the classic protocol", () => {
  it(
    "forms without any process that remembers who waits: leader and follower join, sync, commit and leave",
    withGroups(async (grouped) => {
      const { broker } = grouped;
      await topicOf(broker, "orders", 2);
      const begunAt = broker.clock.now();
      const joins = (await Promise.all([join(grouped, "a"), join(grouped, "b")])).map(joined);
      // group.initial.rebalance.delay.ms, and the look after it.
      expect(broker.clock.now() - begunAt).toBeLessThan(3_000 + 1_000);
      const leader = joins.find(({ memberId, leaderId }) => memberId === leaderId)!;
      const follower = joins.find(({ memberId, leaderId }) => memberId !== leaderId)!;
      expect(leader.members.map(({ memberId }) => memberId).sort()).toEqual(["a", "b"]);
      expect(follower.members).toEqual([]);
      const { generationId } = leader;
      const sync = (memberId: string, assignments: { memberId: string; assignment: Uint8Array }[]) =>
        syncGroup(broker, { groupId: "g", memberId, generationId, assignments, maxWaitMs: 30_000 });

      // The follower is first, and waits until the leader has assigned.
      const waiting = sync(follower.memberId, []);
      await grouped.wait(5_000);
      const assignments = [leader, follower].map(({ memberId }, at) => ({ memberId, assignment: assignmentOf(at) }));
      expect(await sync(leader.memberId, assignments)).toMatchObject({ ok: true, value: { kind: "synced" } });
      const synced = await waiting;
      expect(synced.ok && synced.value.kind === "synced" && [...synced.value.assignment]).toEqual([...assignmentOf(1)]);

      expect(await heartbeat(broker, { groupId: "g", memberId: follower.memberId, generationId })).toEqual({
        ok: true,
        value: { isRebalancing: false },
      });
      const described = await describeGroup(broker, "g");
      expect(described.ok && [described.value.state, described.value.assignor]).toEqual(["STABLE", "range"]);
      const assigned =
        described.ok && described.value.members.map(({ memberId, assignment }) => [memberId, assignment]);
      expect(assigned).toContainEqual([follower.memberId, [{ topic: "orders", partition: 1 }]]);

      const commit = (epoch: number) =>
        commitOffsets(broker, {
          groupId: "g",
          memberId: follower.memberId,
          memberEpoch: epoch,
          offsets: [{ topic: "orders", partition: 1, offset: 3 }],
        });
      expect(await commit(generationId + 1)).toMatchObject({ ok: false, refusal: { code: "ILLEGAL_GENERATION" } });
      expect(await commit(generationId)).toMatchObject({ ok: true });

      const left = await leaveGroup(broker, {
        groupId: "g",
        members: [{ memberId: leader.memberId }, { memberId: "nobody" }],
      });
      expect(left).toMatchObject([{ ok: true }, { ok: false, refusal: { code: "UNKNOWN_MEMBER_ID" } }]);
      expect(await heartbeat(broker, { groupId: "g", memberId: follower.memberId, generationId })).toEqual({
        ok: true,
        value: { isRebalancing: true },
      });
    }),
  );

  it(
    "is told to join again if the others do not come while it waits",
    withGroups(async (grouped) => {
      const { broker } = grouped;
      const one = joined(await join(grouped, "a"));
      await syncGroup(broker, {
        groupId: "g",
        memberId: "a",
        generationId: one.generationId,
        assignments: [{ memberId: "a", assignment: assignmentOf(0) }],
        maxWaitMs: 1_000,
      });
      const begunAt = broker.clock.now();
      const waited = await join(grouped, "b", { maxWaitMs: 2_500 });
      expect(waited).toMatchObject({ ok: false, refusal: { code: "REBALANCE_IN_PROGRESS" } });
      expect(broker.clock.now() - begunAt).toBe(2_500);
    }),
  );

  it(
    "gives a client its id first, if it knows how to ask for it",
    withGroups(async (grouped) => {
      const first = await join(grouped, "a", { requiresKnownMemberId: true });
      expect(first).toEqual({ ok: true, value: { kind: "member-id-required", memberId: "a" } });
      expect(joined(await join(grouped, "a", { requiresKnownMemberId: true, memberId: "a" })).memberId).toBe("a");
    }),
  );
});
