import { describe, expect, it } from "vitest";
import { commitOffsets } from "../../../../shared/broker/groups/commit-offsets.ts";
import { consumerGroupHeartbeat } from "../../../../shared/broker/groups/consumer-group-heartbeat.ts";
import { describeGroup } from "../../../../shared/broker/groups/describe-group.ts";
import { fetchOffsets } from "../../../../shared/broker/groups/fetch-offsets.ts";
import { listGroups } from "../../../../shared/broker/groups/list-groups.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import type { GroupStore } from "../../../../shared/group/group-store.ts";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
import type { Clock } from "../../../../shared/runtime/clock.ts";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { MemoryLogStore } from "../../../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../../../shared/storage/memory/memory-metadata-store.ts";
import { MemorySegmentStore } from "../../../../shared/storage/memory/memory-segment-store.ts";
import { memoryParts, topicOf } from "../../../fixtures/broker.ts";
import { withGroups } from "../../../fixtures/grouped-broker.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";

/** A group store that counts its requests, and fails while it is told to. */
class Counted {
  readonly requests: string[] = [];
  isGone = false;
  readonly store: GroupStore = new Proxy(new MemoryGroupStore(), {
    get: (target, name) => {
      const operation = Reflect.get(target, name) as unknown;
      if (typeof operation !== "function") return operation;
      return (...args: unknown[]) => {
        const writes = name === "write" ? (args[1] as { kind: string }[]).map(({ kind }) => kind).join("+") : "";
        this.requests.push(`${String(name)}${writes && ` ${writes}`}`);
        if (this.isGone) return Promise.reject(new KafkaError("KAFKA_STORAGE_ERROR", "no answer"));
        return operation.apply(target, args);
      };
    },
  });

  taken(): string[] {
    return this.requests.splice(0);
  }
}

const member = { memberId: "m", clientId: "c", clientHost: "/" };
const joining = { ...member, memberEpoch: 0, rebalanceTimeoutMs: 60_000, subscribedTopicNames: ["orders"] };

describe("the coordinator", () => {
  const counted = new Counted();
  it(
    "takes one read and one small write for a heartbeat that changes nothing",
    withGroups(
      async ({ broker }) => {
        await topicOf(broker, "orders", 3);
        const joined = await consumerGroupHeartbeat(broker, { groupId: "g", ...joining });
        const memberEpoch = joined.ok ? joined.value.memberEpoch : 0;
        counted.taken();
        for (let n = 0; n < 3; n++) await consumerGroupHeartbeat(broker, { groupId: "g", ...member, memberEpoch });
        expect(counted.taken()).toEqual(Array(3).fill(["readGroup", "write extend-session"]).flat());
      },
      { groupStore: counted.store },
    ),
  );

  const store = new Counted();
  it(
    "that does not answer is COORDINATOR_NOT_AVAILABLE, within the time that a request has",
    withGroups(
      async ({ broker }) => {
        store.isGone = true;
        const begunAt = broker.clock.now();
        await expect(consumerGroupHeartbeat(broker, { groupId: "g", ...joining })).rejects.toMatchObject({
          code: "COORDINATOR_NOT_AVAILABLE",
          retriable: true,
        });
        expect(broker.clock.now() - begunAt).toBeLessThan(20_000);
        await expect(fetchOffsets(broker, { groupId: "g", partitions: [] })).resolves.toMatchObject({ ok: true });
        await expect(describeGroup(broker, "g")).rejects.toMatchObject({ code: "COORDINATOR_NOT_AVAILABLE" });
        store.isGone = false;
        expect(await describeGroup(broker, "g")).toMatchObject({ ok: false, refusal: { code: "GROUP_ID_NOT_FOUND" } });
      },
      { groupStore: store.store },
    ),
  );
});

/** Two regions, and a process in each. */
function regions(clock: Clock) {
  const metadataStore = new MemoryMetadataStore();
  const groups = new Map([1, 2].map((id) => [id, new Counted()]));
  const replicas = new Map(
    [1, 2].map((id) => [
      id,
      { logStore: new MemoryLogStore(), segmentStore: new MemorySegmentStore(), groupStore: groups.get(id)!.store },
    ]),
  );
  const brokerOf = (brokerId: number) =>
    openBroker(
      memoryParts({
        clock,
        metadataStore,
        replicas,
        brokerId,
        leaseMs: 10_000,
        regions: ["us-east-1", "us-west-2"],
        ...replicas.get(brokerId)!,
      }),
    );
  return { groups, brokerOf };
}

describe("a group's home", () => {
  it("is the region in which it was begun, wherever it is asked for", () =>
    inVirtualTime(async (clock) => {
      const { groups, brokerOf } = regions(clock);
      const [east, west] = [brokerOf(1), brokerOf(2)];
      expect(await describeGroup(east, "g")).toMatchObject({ ok: false });
      await consumerGroupHeartbeat(west, { groupId: "g", ...joining });
      groups.get(1)!.taken();
      expect(await describeGroup(east, "g")).toMatchObject({ ok: true, value: { coordinatorId: 2, members: [{}] } });
      await consumerGroupHeartbeat(east, { groupId: "g", ...joining, memberId: "n" });
      const described = await describeGroup(west, "g");
      expect(described.ok && described.value.members.map(({ memberId }) => memberId)).toEqual(["m", "n"]);
      expect(groups.get(1)!.taken()).toEqual([]);
    }));

  it("that is gone keeps its groups waiting, and no others", () =>
    inVirtualTime(async (clock) => {
      const { groups, brokerOf } = regions(clock);
      const [east, west] = [brokerOf(1), brokerOf(2)];
      await consumerGroupHeartbeat(west, { groupId: "of-west", ...joining });
      await consumerGroupHeartbeat(east, { groupId: "of-east", ...joining });
      groups.get(2)!.isGone = true;
      const asked = consumerGroupHeartbeat(east, { groupId: "of-west", ...joining });
      await expect(asked).rejects.toMatchObject({ code: "COORDINATOR_NOT_AVAILABLE" });
      const offsets = [{ topic: "none", partition: 0, offset: 1 }];
      expect(await commitOffsets(west, { groupId: "of-east", offsets })).toMatchObject({ ok: true });
      const listed = await listGroups(west, { limit: 10 });
      expect(listed.groups.map(({ groupId }) => groupId)).toEqual(["of-east"]);
      expect(listed.unreachable).toEqual([2]);
      groups.get(2)!.isGone = false;
      expect((await listGroups(west, { limit: 10 })).groups).toHaveLength(2);
      expect(await describeGroup(east, "of-west")).toMatchObject({ ok: true, value: { coordinatorId: 2 } });
    }));
});
