import type { ClassicGeneration, Group, TargetAssignment } from "../../group/group.ts";
import type { CommittedOffset, GroupWrite, PartitionOwner } from "../../group/group-write.ts";
import type { Member, Session } from "../../group/member.ts";
import { partitionKey, type TopicIdPartition } from "../../group/partitions-by-topic.ts";

export interface PartitionItem extends TopicIdPartition {
  readonly topic: string;
  readonly owner?: PartitionOwner;
  readonly committed?: CommittedOffset;
}

/** All items of one group. */
export class GroupItems {
  group: Group | undefined;
  target: TargetAssignment | undefined;
  generation: ClassicGeneration | undefined;
  readonly members = new Map<string, Member>();
  readonly sessions = new Map<string, Session>();
  readonly instances = new Map<string, string>();
  readonly partitions = new Map<string, PartitionItem>();
}

/** Whether the write's condition holds. */
export function holds(items: GroupItems, write: GroupWrite): boolean {
  switch (write.kind) {
    case "put-group":
      return isNext(items.group, write.group);
    case "delete-group":
    case "check-group":
      return isSameVersion(items.group, write.group);
    case "check-no-group":
      return items.group === undefined;
    case "put-member":
      return isNext(items.members.get(write.member.memberId), write.member);
    case "delete-member":
      return isSameVersion(items.members.get(write.member.memberId), write.member);
    case "extend-session":
      return items.sessions.get(write.session.memberId)?.incarnation === write.session.incarnation;
    case "delete-session": {
      if (write.session === undefined) return true;
      const session = items.sessions.get(write.memberId);
      return (
        session?.incarnation === write.session.incarnation &&
        session.sessionExpiresAt === write.session.sessionExpiresAt
      );
    }
    case "put-instance":
      return items.instances.get(write.instanceId) === write.before;
    case "delete-instance":
      return (items.instances.get(write.instanceId) ?? write.memberId) === write.memberId;
    case "acquire":
      return items.partitions.get(partitionKey(write.partition))?.owner === undefined;
    case "release":
      return items.partitions.get(partitionKey(write.partition))?.owner?.memberId === write.memberId;
    case "put-offset": {
      const committed = items.partitions.get(partitionKey(write.partition))?.committed;
      return committed === undefined || committed.committedAt <= write.offset.committedAt;
    }
    case "put-listing":
    case "delete-listing":
    case "put-target":
    case "put-generation":
    case "begin-session":
      return true;
  }
}

/** Names the item that a write is of. */
export function itemOf(write: GroupWrite): string {
  switch (write.kind) {
    case "put-member":
    case "delete-member":
      return `member ${write.member.memberId}`;
    case "begin-session":
    case "extend-session":
      return `session ${write.session.memberId}`;
    case "delete-session":
      return `session ${write.memberId}`;
    case "put-instance":
    case "delete-instance":
      return `instance ${write.instanceId}`;
    case "acquire":
    case "release":
    case "put-offset":
      return `partition ${partitionKey(write.partition)}`;
    case "put-target":
      return "target";
    case "put-generation":
      return "generation";
    case "put-listing":
    case "delete-listing":
      return "listing";
    case "put-group":
    case "delete-group":
    case "check-group":
    case "check-no-group":
      return "group";
  }
}

interface Versioned {
  readonly incarnation: string;
  readonly version: number;
}

function isNext(present: Versioned | undefined, next: Versioned): boolean {
  if (next.version === 1) return present === undefined;
  return present?.incarnation === next.incarnation && present.version === next.version - 1;
}

export function isSameVersion(present: Versioned | undefined, expected: Versioned): boolean {
  return present?.incarnation === expected.incarnation && present.version === expected.version;
}
