import type { ConsumerMember, MemberWithSession } from "../../shared/group/member.ts";
import {
  difference,
  intersection,
  isEmpty,
  isSubset,
  listPartitions,
  partitionKey,
  union,
} from "../../shared/group/partitions-by-topic.ts";
import type { Believer, GroupHistory, Look } from "./group-history.ts";

/** What members have and what partitions say is the same; nothing is two members'. */
export function checkOwners(history: GroupHistory, groupId: string, { group, members, partitions }: Look): void {
  if (group?.type !== "consumer") return;
  const listed = members.flatMap(({ member }) =>
    member.type !== "consumer"
      ? []
      : listPartitions(union(member.assigned, member.pendingRevocation)).map(
          (partition) => `${partitionKey(partition)} ${member.memberId}`,
        ),
  );
  const owned = partitions.flatMap((item) =>
    item.owner === undefined ? [] : [`${partitionKey(item)} ${item.owner.memberId}`],
  );
  const odd = [...new Set(listed).symmetricDifference(new Set(owned))];
  if (odd.length > 0) history.report(`${groupId}: members and partitions differ in ${odd.join(", ")}`);
}

/** A consumer that is in its member's epoch, or one behind, has nothing that its member has not, and nobody else has what it has. */
export function checkBelievers(history: GroupHistory, groupId: string, { group, members, generation }: Look): void {
  const valid = history.believers.filter((each) => {
    if (each.groupId !== groupId || each.memberEpoch === 0 || isEmpty(each.owned)) return false;
    // A static member whose place another one took in the middle of a generation is not in it any more.
    if (group?.type === "classic")
      return each.memberEpoch === group.generationId && generation?.members.includes(each.memberId) === true;
    const member = consumerOf(members, each);
    if (member === undefined || member.isFenced) return false;
    return each.memberEpoch === member.memberEpoch || each.memberEpoch === member.previousMemberEpoch;
  });
  for (const each of valid) {
    const member = group?.type === "classic" ? undefined : consumerOf(members, each);
    if (member !== undefined && !isSubset(each.owned, union(member.assigned, member.pendingRevocation))) {
      const more = difference(each.owned, union(member.assigned, member.pendingRevocation));
      history.report(
        `${groupId}: ${each.memberId} consumes ${JSON.stringify(more)} in epoch ${each.memberEpoch}, and its member has not got it`,
      );
    }
    for (const other of valid) {
      const both = intersection(each.owned, other.owned);
      if (other === each || other.memberId <= each.memberId || isEmpty(both)) continue;
      history.report(
        `${groupId}: ${each.memberId} and ${other.memberId} consume ${JSON.stringify(both)}, in epochs ${each.memberEpoch} and ${other.memberEpoch}`,
      );
    }
  }
}

function consumerOf(members: readonly MemberWithSession[], { memberId }: Believer): ConsumerMember | undefined {
  const member = members.find((each) => each.member.memberId === memberId)?.member;
  return member?.type === "consumer" ? member : undefined;
}
