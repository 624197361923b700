import { refuse } from "../kafka/kafka-error.ts";
import { type Decision, type GroupContext, type GroupView, read, type Step, write } from "./decision.ts";
import type { ConsumerGroup, TargetAssignment } from "./group.ts";
import { type GroupWrite, MAX_PARTITION_WRITES } from "./group-write.ts";
import { unknownMember } from "./heartbeat-refusals.ts";
import type { ConsumerMember, MemberWithSession } from "./member.ts";
import { difference, firstOf, isEmpty, listPartitions, union } from "./partitions-by-topic.ts";

/** How a request says which member it is by. */
export interface NamedMember {
  readonly groupId: string;
  readonly memberId: string;
  readonly instanceId?: string;
}

/** What a member is told that is not there: another one has its instanceId by now, or nobody knows it. */
export function absentMember(view: GroupView, request: NamedMember): Decision<never> {
  const { instanceId } = request;
  if (instanceId === undefined) return { kind: "refused", refusal: unknownMember(request) };
  if (view.members === undefined) return read({ kind: "members" });
  const holder = holderOf(view.members, instanceId);
  if (holder === undefined) return { kind: "refused", refusal: unknownMember(request) };
  const refusal = refuse(
    "FENCED_INSTANCE_ID",
    `instance "${instanceId}" is member ${holder.member.memberId} by now, not ${request.memberId}`,
    "no two consumers may run with one group.instance.id",
  );
  return { kind: "refused", refusal };
}

export function holderOf(members: readonly MemberWithSession[], instanceId: string): MemberWithSession | undefined {
  return members.find(({ member }) => member.instanceId === instanceId && member.isFenced === undefined);
}

/**
 * A static member that left for a while (-2) comes back under another memberId: it takes the place of the one before, in the target
 * assignment too, so that nobody else notices. What that one owned is released in the same writes: its commits end there.
 */
export function replaceStaticMember(
  view: GroupView,
  group: ConsumerGroup,
  before: ConsumerMember,
  joining: { readonly member: ConsumerMember; readonly instanceId: string },
  { now, config }: GroupContext,
): Step {
  if (view.target === undefined) return read({ kind: "target" });
  const { memberId } = joining.member;
  const owned = union(before.assigned, before.pendingRevocation);
  const released = firstOf(owned, MAX_PARTITION_WRITES);
  const releases = listPartitions(released).map(
    (partition): GroupWrite => ({ kind: "release", partition, memberId: before.memberId }),
  );
  if (!isEmpty(difference(owned, released))) {
    const rest: ConsumerMember = {
      ...before,
      version: before.version + 1,
      assigned: difference(before.assigned, released),
      pendingRevocation: difference(before.pendingRevocation, released),
    };
    return write({ kind: "put-member", member: rest }, ...releases);
  }
  const sessionExpiresAt = now + config.consumerSessionTimeoutMs;
  const target = withMemberReplaced(view.target, before.memberId, memberId);
  return write(
    { kind: "put-group", group: { ...group, version: group.version + 1 } },
    ...(target === undefined ? [] : [{ kind: "put-target", target } as const]),
    { kind: "delete-member", member: before },
    { kind: "delete-session", memberId: before.memberId },
    { kind: "put-instance", instanceId: joining.instanceId, memberId, before: before.memberId },
    { kind: "put-member", member: joining.member },
    { kind: "begin-session", session: { memberId, incarnation: joining.member.incarnation, sessionExpiresAt } },
    ...releases,
  );
}

function withMemberReplaced(
  target: TargetAssignment | null,
  before: string,
  after: string,
): TargetAssignment | undefined {
  const { [before]: entry, ...others } = target?.members ?? {};
  return target === null || entry === undefined ? undefined : { ...target, members: { ...others, [after]: entry } };
}
