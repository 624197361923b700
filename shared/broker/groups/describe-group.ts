import type { ClassicGeneration, Group, TargetAssignment } from "../../group/group.ts";
import type { MemberWithSession } from "../../group/member.ts";
import { groupIdRefusal } from "../../group/member-id.ts";
import { listPartitions, NO_PARTITIONS, type PartitionsByTopic } from "../../group/partitions-by-topic.ts";
import { metadataOf } from "../../group/protocol-selection.ts";
import { ok, type Result, refused } from "../../kafka/result.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { assignedPartitions } from "./assigned-partitions.ts";
import { type Coordinator, coordinatorOf, whileAvailable } from "./coordinate.ts";
import { byPartition, type NamedPartition } from "./named-partitions.ts";

/** Kafka's GroupState. ASSIGNING and RECONCILING are the consumer protocol's, the two rebalances the classic one's. */
export type GroupState =
  | "PREPARING_REBALANCE"
  | "COMPLETING_REBALANCE"
  | "ASSIGNING"
  | "RECONCILING"
  | "STABLE"
  | "DEAD"
  | "EMPTY";

export interface GroupMemberDescription {
  readonly memberId: string;
  readonly instanceId?: string;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rackId?: string;
  /** memberEpoch, or of the classic protocol the generation that it joined. */
  readonly memberEpoch: number;
  readonly subscribedTopicNames: readonly string[];
  readonly subscribedTopicRegex?: string;
  /** What it may consume now, what it is about to give up included. Of a classic group whose clients speak another protocol than consumers': none. */
  readonly assignment: readonly NamedPartition[];
  /** What it is to have in the end; of the consumer protocol. */
  readonly targetAssignment?: readonly NamedPartition[];
  /** Of the classic protocol: what the clients have told each other, as it came. */
  readonly classic?: { readonly metadata: Uint8Array; readonly assignment: Uint8Array };
}

export interface GroupDescription {
  readonly groupId: string;
  readonly type: Group["type"];
  readonly state: GroupState;
  /** Of the classic protocol, and nobody has ever joined: it only has offsets. */
  readonly isSimple: boolean;
  /** groupEpoch, or generationId. */
  readonly epoch: number;
  /** The assignor, or the protocol that the members of a classic group have elected; "": none yet. */
  readonly assignor: string;
  readonly protocolType: string;
  /** The broker, which is a region, that the group has its home in. */
  readonly coordinatorId: number;
  readonly members: readonly GroupMemberDescription[];
}

const TIMEOUT_MS = 5_000;

/** ConsumerGroupDescribe and DescribeGroups: one group with its members. Refusals: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND. */
export async function describeGroup(broker: Broker, groupId: string): Promise<Result<GroupDescription>> {
  const refusal = groupIdRefusal(groupId);
  if (refusal !== undefined) return { ok: false, refusal };
  const coordinator = await coordinatorOf(broker, groupId, false);
  return whileAvailable(
    groupId,
    withTimeout(broker.clock, TIMEOUT_MS, "describing the group", readDescription(coordinator, groupId)),
  );
}

/** The same of a group whose coordinator is known. */
export async function readDescription(coordinator: Coordinator, groupId: string): Promise<Result<GroupDescription>> {
  const { groupStore, clock } = coordinator;
  const { group } = await groupStore.readGroup(groupId);
  if (group === undefined) return refused("GROUP_ID_NOT_FOUND", `there is no group "${groupId}"`);
  const isEmpty = group.emptySince !== undefined;
  const members = isEmpty ? [] : await groupStore.readMembers(groupId);
  // Who is silent for too long is gone, though nobody may have touched the group since.
  const alive = members.filter(({ session }) => (session?.sessionExpiresAt ?? 0) > clock.now());
  const common = { groupId, coordinatorId: coordinator.brokerId };
  if (group.type === "consumer") {
    const target = isEmpty ? undefined : await groupStore.readTarget(groupId);
    const names = new Map(target?.topics.map(({ topicId, name }) => [topicId, name]));
    return ok({
      ...common,
      type: "consumer",
      state: consumerState(group, alive),
      isSimple: false,
      epoch: group.groupEpoch,
      assignor: target?.assignor ?? "",
      protocolType: "consumer",
      members: alive.flatMap(({ member }) =>
        member.type === "consumer" ? [consumerMember(member, names, target)] : [],
      ),
    });
  }
  const generation = isEmpty ? undefined : await groupStore.readGeneration(groupId);
  return ok({
    ...common,
    type: "classic",
    state: group.isDead ? "DEAD" : CLASSIC_STATES[group.state],
    isSimple: group.protocolType === undefined,
    epoch: group.generationId,
    assignor: group.protocolName ?? "",
    protocolType: group.protocolType ?? "",
    members: classicMembers(group, generation, alive),
  });
}

const CLASSIC_STATES = {
  Empty: "EMPTY",
  PreparingRebalance: "PREPARING_REBALANCE",
  CompletingRebalance: "COMPLETING_REBALANCE",
  Stable: "STABLE",
} as const;

function consumerState(group: Extract<Group, { type: "consumer" }>, members: readonly MemberWithSession[]): GroupState {
  if (group.isDead) return "DEAD";
  if (members.length === 0) return "EMPTY";
  if (group.groupEpoch > group.assignmentEpoch) return "ASSIGNING";
  const isSettled = members.every(
    ({ member }) =>
      member.type === "consumer" && member.state === "STABLE" && member.memberEpoch === group.assignmentEpoch,
  );
  return isSettled ? "STABLE" : "RECONCILING";
}

function consumerMember(
  member: Extract<MemberWithSession["member"], { type: "consumer" }>,
  names: ReadonlyMap<string, string>,
  target: TargetAssignment | undefined,
): GroupMemberDescription {
  const { memberId, instanceId, clientId, clientHost, rackId, memberEpoch } = member;
  const { subscribedTopicNames, subscribedTopicRegex, assigned, pendingRevocation } = member;
  const named = (sets: readonly PartitionsByTopic[]) =>
    sets
      .flatMap(listPartitions)
      .flatMap(({ topicId, partition }) => {
        const topic = names.get(topicId);
        return topic === undefined ? [] : [{ topic, partition }];
      })
      .sort(byPartition);
  return {
    memberId,
    ...(instanceId === undefined ? {} : { instanceId }),
    clientId,
    clientHost,
    ...(rackId === undefined ? {} : { rackId }),
    memberEpoch,
    subscribedTopicNames,
    ...(subscribedTopicRegex === undefined ? {} : { subscribedTopicRegex }),
    assignment: named([assigned, pendingRevocation]),
    targetAssignment: named([target?.members[memberId]?.partitions ?? NO_PARTITIONS]),
  };
}

function classicMembers(
  group: Extract<Group, { type: "classic" }>,
  generation: ClassicGeneration | undefined,
  members: readonly MemberWithSession[],
): GroupMemberDescription[] {
  return members.flatMap(({ member }): GroupMemberDescription[] => {
    if (member.type !== "classic" || member.joinedGeneration < 0) return [];
    const { memberId, instanceId, clientId, clientHost, joinedGeneration } = member;
    const assignment = generation?.assignments?.[memberId];
    const isConsumer = group.protocolType === "consumer" && assignment !== undefined;
    return [
      {
        memberId,
        ...(instanceId === undefined ? {} : { instanceId }),
        clientId,
        clientHost,
        memberEpoch: joinedGeneration,
        subscribedTopicNames: [],
        classic: {
          metadata: group.protocolName === undefined ? new Uint8Array() : metadataOf(member, group.protocolName),
          assignment: assignment ?? new Uint8Array(),
        },
        assignment: isConsumer ? assignedPartitions(assignment).sort(byPartition) : [],
      },
    ];
  });
}
