import { leaveGroup as decide } from "../../group/classic-leave.ts";
import type { LeaveGroup as LeavingMember } from "../../group/classic-requests.ts";
import { ok, type Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { coordinate } from "./coordinate.ts";

export interface LeaveGroup {
  readonly groupId: string;
  /** memberId "": whoever has the instanceId. */
  readonly members: readonly Omit<LeavingMember, "groupId">[];
}

/**
 * LeaveGroup of the classic protocol. Answers for each member, in order: UNKNOWN_MEMBER_ID and FENCED_INSTANCE_ID are of one alone. Errors:
 * {@link coordinate}'s; those before may have left.
 */
export async function leaveGroup(broker: Broker, { groupId, members }: LeaveGroup): Promise<Result<void>[]> {
  const answers: Result<void>[] = [];
  for (const member of members) {
    const memberId = member.memberId === "" ? undefined : member.memberId;
    const left = await coordinate(broker, { groupId, memberId }, (view, context) =>
      decide(view, { ...member, groupId }, context),
    );
    answers.push(left.ok ? ok(undefined) : left);
  }
  return answers;
}
