import type { GroupStore } from "../../../shared/group/group-store.ts";
import type { ConsumerMember } from "../../../shared/group/member.ts";
import {
  countPartitions,
  isSubset,
  listPartitions,
  type PartitionsByTopic,
  partitionKey,
  union,
} from "../../../shared/group/partitions-by-topic.ts";
import type { MemoryGroupStore } from "../../../shared/storage/memory/memory-group-store.ts";
import type { Scheduler } from "../../sim/scheduler.ts";

export const GROUP = "g";
export const TOPICS = new Map(
  [
    { topicId: "T", name: "t", partitionCount: 7 },
    { topicId: "U", name: "u", partitionCount: 4 },
  ].map((topic) => [topic.name, topic]),
);

/** A consumer as it sees itself. */
export class Client {
  readonly name: string;
  readonly instanceId: string | undefined;
  memberId = "";
  memberEpoch = 0;
  owned: PartitionsByTopic = {};
  topics: readonly string[] = ["t", "u"];
  isUnsure = true;
  readonly positions = new Map<string, number>();
  #lives = 0;

  constructor(name: string, instanceId: string | undefined) {
    this.name = name;
    this.instanceId = instanceId;
    this.begin(name);
  }

  /** It owns nothing and joins. */
  begin(memberId: string): void {
    this.memberId = memberId;
    this.memberEpoch = 0;
    this.owned = {};
    this.isUnsure = true;
    this.positions.clear();
  }

  isRefused(code: string, scheduler: Scheduler): void {
    if (code === "FENCED_INSTANCE_ID") this.begin(`${this.name}-f${this.#lives++}`);
    else if (code === "UNKNOWN_MEMBER_ID" || code === "FENCED_MEMBER_EPOCH" || code === "GROUP_ID_NOT_FOUND") {
      this.begin(scheduler.chance(0.7) ? this.memberId : `${this.name}-r${this.#lives++}`);
    }
  }
}

/** Checks what holds after every write, and of every commit that is applied. */
export function checked(
  store: GroupStore,
  memory: MemoryGroupStore,
  clients: readonly Client[],
  report: (what: string) => void,
): GroupStore {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        if (name !== "write" && name !== "commitOffsets") return member.apply(target, args);
        const before = name === "commitOffsets" ? await memory.listPartitions(GROUP, { limit: 1000 }) : [];
        const result = await member.apply(target, args);
        if (name === "write") await checkItems(memory, clients, report);
        else {
          const members = new Set((await memory.readMembers(GROUP)).map(({ member: { memberId } }) => memberId));
          for (const [index, commit] of (args[1] as Parameters<GroupStore["commitOffsets"]>[1]).entries()) {
            if ((result as { kind: string }[])[index]?.kind !== "committed") continue;
            if (!members.has(commit.by?.memberId ?? "")) report(`${commit.by?.memberId} is no member, and committed`);
            const old = before.find((item) => partitionKey(item) === partitionKey(commit));
            if (old?.owner?.memberId !== commit.by?.memberId)
              report(`${commit.by?.memberId} committed what it does not own`);
            if (old?.committed !== undefined && old.committed.offset > commit.offset.offset) {
              report(`${partitionKey(commit)} went back from ${old.committed.offset} to ${commit.offset.offset}`);
            }
          }
        }
        return result;
      };
    },
  });
}

async function checkItems(
  memory: MemoryGroupStore,
  clients: readonly Client[],
  report: (what: string) => void,
): Promise<void> {
  const members = (await memory.readMembers(GROUP)).map(({ member }) => member as ConsumerMember);
  const listed = members.flatMap((member) =>
    listPartitions(union(member.assigned, member.pendingRevocation)).map(
      (partition) => `${partitionKey(partition)} ${member.memberId}`,
    ),
  );
  const items = await memory.listPartitions(GROUP, { limit: 1000 });
  const owned = items.flatMap((item) =>
    item.owner === undefined ? [] : [`${partitionKey(item)} ${item.owner.memberId}`],
  );
  if (JSON.stringify(listed.sort()) !== JSON.stringify(owned.sort())) {
    report(`members have ${listed.join(", ")}; partitions say ${owned.join(", ")}`);
  }
  for (const client of clients) await checkClient(memory, client, report, members);
}

/** A consumer in its member's epoch, or one behind, has nothing that its member has not. */
export async function checkClient(
  memory: MemoryGroupStore,
  client: Client,
  report: (what: string) => void,
  read?: readonly ConsumerMember[],
): Promise<void> {
  const members = read ?? (await memory.readMembers(GROUP)).map(({ member }) => member as ConsumerMember);
  const member = members.find(({ memberId }) => memberId === client.memberId);
  if (member === undefined || member.isFenced || client.memberEpoch === 0) return;
  if (client.memberEpoch !== member.memberEpoch && client.memberEpoch !== member.previousMemberEpoch) return;
  if (!isSubset(client.owned, union(member.assigned, member.pendingRevocation))) {
    report(
      `${client.memberId} consumes ${JSON.stringify(client.owned)}, its member has ${JSON.stringify(member.assigned)}`,
    );
  }
}

export async function checkEnd(
  memory: MemoryGroupStore,
  clients: readonly Client[],
  report: (what: string) => void,
): Promise<number> {
  const members = (await memory.readMembers(GROUP)).map(({ member }) => member as ConsumerMember);
  const sizes = members.map(({ assigned }) => countPartitions(assigned));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const expected = [...TOPICS.values()].reduce((sum, { partitionCount }) => sum + partitionCount, 0);
  if (total !== expected) report(`${total} of ${expected} partitions are owned in the end`);
  if (Math.max(...sizes) - Math.min(...sizes) > 1) report(`not balanced in the end: ${sizes.join()}`);
  for (const { memberId, state, memberEpoch } of members) {
    if (state !== "STABLE") report(`${memberId} is ${state} in the end, in epoch ${memberEpoch}`);
  }
  for (const client of clients) {
    const member = members.find(({ memberId }) => memberId === client.memberId);
    if (JSON.stringify(member?.assigned) !== JSON.stringify(client.owned)) {
      report(
        `${client.memberId} consumes ${JSON.stringify(client.owned)} in the end, not ${JSON.stringify(member?.assigned)}`,
      );
    }
  }
  return members.length;
}
