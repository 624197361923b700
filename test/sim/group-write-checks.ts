import type { GroupWrite } from "../../shared/group/group-write.ts";
import { PENDING, STATIC_MEMBER_LEFT } from "../../shared/group/member.ts";
import { partitionKey } from "../../shared/group/partitions-by-topic.ts";
import { CLOCK_ERROR_MS, epochOf, type GroupHistory, type Look } from "./group-history.ts";
import { checkClassicCommit } from "./group-offset-checks.ts";

/** Checks each write of a group that is applied: epochs go up, nobody is removed who is alive, what was assigned stays assigned. */
export class GroupWriteChecks {
  readonly #history: GroupHistory;
  /** Who took a partition in which epoch. */
  readonly #takers = new Map<string, string>();
  /** Partitions that a topic had when something was assigned last, by group and topic. */
  readonly #partitionCounts = new Map<string, number>();
  /** Assignments of a generation, by group and generation. */
  readonly #generations = new Map<string, string>();

  constructor(history: GroupHistory) {
    this.#history = history;
  }

  /** What is written, by what was there before. */
  check(groupId: string, write: GroupWrite, writes: readonly GroupWrite[], before: Look): void {
    const { group, generation } = before;
    // A group that was deleted begins anew.
    const life = `${groupId} ${group?.incarnation}`;
    if (write.kind === "put-instance" && write.before !== undefined) this.#history.counts.replaced++;
    switch (write.kind) {
      case "put-offset":
        checkClassicCommit(this.#history, groupId, write, before);
        return;
      case "acquire": {
        const { memberId, epoch } = write.owner;
        const key = `${life} ${partitionKey(write.partition)} ${epoch}`;
        const instanceOf = (id: string) =>
          before.members.find((each) => each.member.memberId === id)?.member.instanceId;
        const taker = this.#takers.get(key);
        const name = instanceOf(memberId) ?? memberId;
        this.#takers.set(key, name);
        if (taker !== undefined && taker !== name)
          this.#history.report(`${key}: ${taker} and ${name} own it in one epoch`);
        return;
      }
      case "put-group":
        if (group === undefined || write.group.incarnation !== group.incarnation) return;
        if (epochOf(write.group) < epochOf(group))
          this.#history.report(`${groupId}: epoch ${epochOf(group)}, then ${epochOf(write.group)}`);
        if (write.group.type === "consumer" && write.group.assignmentEpoch > write.group.groupEpoch)
          this.#history.report(
            `${groupId}: assigned for epoch ${write.group.assignmentEpoch} in ${write.group.groupEpoch}`,
          );
        return;
      case "put-target":
        for (const { topicId, partitionCount } of write.target.topics) {
          const key = `${groupId} ${topicId}`;
          const known = this.#partitionCounts.get(key) ?? 0;
          if (known > partitionCount)
            this.#history.report(`${key}: assigned ${known} partitions, then ${partitionCount}`);
          this.#partitionCounts.set(key, partitionCount);
        }
        return;
      case "put-generation": {
        if (write.generation.assignments === undefined) return;
        const isReplacement = writes.some((each) => each.kind === "put-instance" && each.before !== undefined);
        const { generationId, assignments } = write.generation;
        const key = `${life} ${generationId}`;
        const text = JSON.stringify(
          Object.values(assignments)
            .map((bytes) => Buffer.from(bytes).toString("hex"))
            .sort(),
        );
        const known = this.#generations.get(key);
        this.#generations.set(key, text);
        if (known !== undefined && known !== text && !isReplacement) this.#history.report(`${key} is assigned twice`);
        if (generation !== undefined && generation.generationId > generationId)
          this.#history.report(`${key} comes after ${generation.generationId}`);
        return;
      }
      case "delete-member":
        this.#history.counts.removed++;
        if (!this.#mayRemove(groupId, write.member.memberId, writes, before))
          this.#history.report(`${groupId}: ${write.member.memberId} is alive, and was removed`);
        return;
      case "put-member": {
        const isFenced = write.member.isFenced === true;
        const old = before.members.find((each) => each.member.memberId === write.member.memberId)?.member;
        if (isFenced && old?.isFenced === undefined && !this.#mayRemove(groupId, write.member.memberId, writes, before))
          this.#history.report(`${groupId}: ${write.member.memberId} is alive, and was fenced`);
        return;
      }
    }
  }

  /** It was asked to go, or its time was over. */
  #mayRemove(
    groupId: string,
    memberId: string,
    writes: readonly GroupWrite[],
    { group, members, generation }: Look,
  ): boolean {
    const found = members.find((each) => each.member.memberId === memberId);
    if (found === undefined || group === undefined || this.#history.mayGo.has(`${groupId} ${memberId}`)) return true;
    const { member, session } = found;
    const isOver = (at: number | undefined) => at !== undefined && at <= this.#history.now + CLOCK_ERROR_MS;
    const isReplaced = writes.some((write) => write.kind === "put-instance" && write.before === memberId);
    if (session === undefined || isOver(session.sessionExpiresAt) || isReplaced) return true;
    if (member.isFenced || member.type !== group.type) return true;
    if (member.type === "consumer") return isOver(member.revokeBy) || member.memberEpoch === STATIC_MEMBER_LEFT;
    if (group.type !== "classic") return true;
    const isLate = group.state !== "Stable" && isOver(group.rebalanceBy);
    // A moment too late for its generation, and told so, or slower in joining again than the others wait.
    const isLeftBehind = member.joinedGeneration !== PENDING && member.joinedGeneration <= group.generationId;
    return isLate || (isLeftBehind && !generation?.members.includes(memberId));
  }
}
