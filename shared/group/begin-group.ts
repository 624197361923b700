import { refused } from "../kafka/result.ts";
import { type Decision, type GroupContext, write } from "./decision.ts";
import type { ClassicGroup, ConsumerGroup, Group } from "./group.ts";
import { unknownGroup } from "./heartbeat-refusals.ts";

/** The group that is there to be joined, or what has to be done first. */
export type Begun<G extends Group> =
  | { readonly kind: "group"; readonly group: G }
  | Extract<Decision<never>, { kind: "write" | "refused" }>;

/** Makes the group if there is none; one of the other protocol that has no members becomes one of this, with its offsets. */
export function beginConsumerGroup(
  group: Group | undefined,
  groupId: string,
  { now, newId }: GroupContext,
): Begun<ConsumerGroup> {
  if (group?.isDead) return { kind: "refused", refusal: deadGroup(groupId).refusal };
  if (group?.type === "consumer") return { kind: "group", group };
  if (group !== undefined && group.state !== "Empty") return { kind: "refused", refusal: unknownGroup(groupId, true) };
  const next: ConsumerGroup = {
    type: "consumer",
    groupId,
    incarnation: group?.incarnation ?? newId(),
    version: (group?.version ?? 0) + 1,
    // Epochs and generations never go back: owners of partitions are told apart by them.
    groupEpoch: group?.generationId ?? 0,
    assignmentEpoch: group?.generationId ?? 0,
    topicsDigest: "",
    reviewAt: now,
    memberCount: 0,
    emptySince: group?.emptySince ?? now,
  };
  return begun(next);
}

/** As {@link beginConsumerGroup}, for the classic protocol, and for groups that only have offsets. */
export function beginClassicGroup(
  group: Group | undefined,
  groupId: string,
  { now, newId }: GroupContext,
): Begun<ClassicGroup> {
  if (group?.isDead) return { kind: "refused", refusal: deadGroup(groupId).refusal };
  if (group?.type === "classic") return { kind: "group", group };
  if (group !== undefined && group.emptySince === undefined) {
    return {
      kind: "refused",
      refusal: refused(
        "INCONSISTENT_GROUP_PROTOCOL",
        `group "${groupId}" has members of the consumer protocol`,
        "a group has members of one protocol; it can change when it has none (group.protocol=consumer)",
      ).refusal,
    };
  }
  const next: ClassicGroup = {
    type: "classic",
    groupId,
    incarnation: group?.incarnation ?? newId(),
    version: (group?.version ?? 0) + 1,
    state: "Empty",
    generationId: group?.groupEpoch ?? 0,
    reviewAt: now,
    memberCount: 0,
    emptySince: group?.emptySince ?? now,
  };
  return begun(next);
}

/** The group, and the listing by which a sweep looks at it. */
function begun<G extends Group>(group: G): Begun<G> {
  return write(
    { kind: "put-group", group },
    { kind: "put-listing", listing: { groupId: group.groupId, sweepAt: 0 } },
  ) as Begun<G>;
}

function deadGroup(groupId: string) {
  return refused("COORDINATOR_NOT_AVAILABLE", `group "${groupId}" is being deleted`, "try again in a moment");
}
