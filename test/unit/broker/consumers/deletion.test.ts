import { describe, expect, it } from "vitest";
import { deleteInstance } from "../../../../shared/broker/consumers/delete-instance.ts";
import { describeGroup } from "../../../../shared/broker/groups/describe-group.ts";
import type { GroupStore } from "../../../../shared/group/group-store.ts";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
import { topicOf } from "../../../fixtures/broker.ts";
import { G, withProcesses } from "./instances.ts";

const I = { groupId: G, instanceId: "i" };

describe("the deletion of a consumer instance", () => {
  let isCut = false;
  const cut = (store: GroupStore): GroupStore => ({
    ...store,
    readGroup: async (groupId, memberId) => {
      if (isCut) throw new KafkaError("KAFKA_STORAGE_ERROR", "the line is dead");
      return store.readGroup(groupId, memberId);
    },
    readMembers: (groupId) => store.readMembers(groupId),
    readTarget: (groupId) => store.readTarget(groupId),
    readPartitions: (groupId, partitions) => store.readPartitions(groupId, partitions),
    write: (groupId, writes) => store.write(groupId, writes),
  });

  it(
    "leaves no member behind, though it was cut short before it left the group, when it is done again",
    withProcesses(
      async ({ one, two, subscribed, read }) => {
        await topicOf(one, "t");
        await subscribed("i");
        await read(one, "i");
        isCut = true;
        await expect(deleteInstance(one, I)).rejects.toMatchObject({ code: "COORDINATOR_NOT_AVAILABLE" });
        expect(await describeGroup(two, G)).toMatchObject({ ok: true, value: { members: [{ clientId: "i" }] } });
        expect(await deleteInstance(two, I)).toMatchObject({ ok: true });
        expect(await describeGroup(two, G)).toMatchObject({ ok: true, value: { members: [] } });
        expect(await deleteInstance(two, I)).toMatchObject({ ok: false, refusal: { reason: "instance-not-found" } });
      },
      { slow: cut },
    ),
  );
});
