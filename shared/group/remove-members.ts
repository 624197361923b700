import type { ConsumerGroup } from "./group.ts";
import { type GroupWrite, MAX_PARTITION_WRITES, MAX_WRITES } from "./group-write.ts";
import type { ConsumerMember, Member, Session } from "./member.ts";
import {
  countPartitions,
  difference,
  firstOf,
  listPartitions,
  NO_PARTITIONS,
  type PartitionsByTopic,
  union,
} from "./partitions-by-topic.ts";

/** A member to remove. `session`: it is removed for its silence, and stays if it has been heard of since. */
export interface Removal {
  readonly member: Member;
  readonly session?: Session;
}

/**
 * The writes that remove as many of these members as fit into one: each with its session, its instance, and everything it owns
 * released, so that nobody who is no member any more can commit. The group's epoch goes up with it: whoever touches the group next finds
 * out that a target assignment is due. A member that owns too much is fenced first, and is gone when the rest is released.
 */
export function removeMembers(group: ConsumerGroup, removals: readonly Removal[]): GroupWrite[] {
  const writes: GroupWrite[] = [];
  let removed = 0;
  for (const removal of removals) {
    const owned = ownedBy(removal.member);
    const room = MAX_WRITES - 1 - writes.length;
    const own = ownItems(removal);
    if (own.length + countPartitions(owned) <= room) {
      writes.push(...own, ...releases(removal.member, owned));
      removed++;
    } else {
      if (writes.length === 0 && removal.member.type === "consumer")
        writes.push(...fence(removal.member, removal.session));
      break;
    }
  }
  const next: ConsumerGroup = {
    ...group,
    version: group.version + 1,
    groupEpoch: group.groupEpoch + 1,
    memberCount: Math.max(0, group.memberCount - removed),
  };
  return [{ kind: "put-group", group: next }, ...writes];
}

function ownItems({ member, session }: Removal): GroupWrite[] {
  const { memberId, instanceId } = member;
  return [
    { kind: "delete-member", member },
    { kind: "delete-session", memberId, ...(session === undefined ? {} : { session }) },
    ...(instanceId === undefined ? [] : [{ kind: "delete-instance", instanceId, memberId } as const]),
  ];
}

/** All that it may commit. */
function ownedBy(member: Member): PartitionsByTopic {
  return member.type === "consumer" ? union(member.assigned, member.pendingRevocation) : NO_PARTITIONS;
}

/** Releases some of what a member owns; from here on it is fenced. Its session goes with the first of it: it cannot be extended any more. */
function fence(member: ConsumerMember, session: Session | undefined): GroupWrite[] {
  const released = firstOf(ownedBy(member), MAX_PARTITION_WRITES);
  const next: ConsumerMember = {
    ...member,
    version: member.version + 1,
    assigned: difference(member.assigned, released),
    pendingRevocation: difference(member.pendingRevocation, released),
    isFenced: true,
  };
  const { memberId } = member;
  return [
    { kind: "put-member", member: next },
    { kind: "delete-session", memberId, ...(session === undefined ? {} : { session }) },
    ...releases(member, released),
  ];
}

function releases({ memberId }: Member, owned: PartitionsByTopic): GroupWrite[] {
  return listPartitions(owned).map((partition) => ({ kind: "release", partition, memberId }));
}
