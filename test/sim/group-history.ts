import type { ClassicGeneration, Group } from "../../shared/group/group.ts";
import type { GroupConfig } from "../../shared/group/group-config.ts";
import type { CommitResult, GroupPartition, GroupStore, OffsetCommit } from "../../shared/group/group-store.ts";
import type { CommittedOffset, GroupWrite } from "../../shared/group/group-write.ts";
import type { MemberWithSession } from "../../shared/group/member.ts";
import { type PartitionsByTopic, partitionKey } from "../../shared/group/partitions-by-topic.ts";
import type { MemoryGroupStore } from "../../shared/storage/memory/memory-group-store.ts";
import { checkCommits, checkOffsets, noteUnwanted } from "./group-offset-checks.ts";
import { checkBelievers, checkOwners } from "./group-owner-checks.ts";
import type { GroupTopics } from "./group-topics.ts";
import { GroupWriteChecks } from "./group-write-checks.ts";
import type { Scheduler } from "./scheduler.ts";

/** How wrong a process's clock may be, either way. */
export const CLOCK_ERROR_MS = 400;

/** A consumer as it sees itself. */
export interface Believer {
  readonly groupId: string;
  readonly memberId: string;
  /** memberEpoch or generationId; 0: it is about to join, and consumes nothing. */
  readonly memberEpoch: number;
  /** What it takes for its own, until it has said that it gave it up. */
  readonly owned: PartitionsByTopic;
}

/** All there is of a group at one moment. */
export interface Look {
  readonly group: Group | undefined;
  readonly members: readonly MemberWithSession[];
  readonly partitions: readonly GroupPartition[];
  readonly generation: ClassicGeneration | undefined;
}

/** What consumers write with their commits, except those that poll: who they are, and in which epoch. */
export const commitMetadata = (memberId: string, memberEpoch: number) => `${memberEpoch} ${memberId}`;

/** What all groups and their consumers did, and what is wrong about it. */
export class GroupHistory {
  readonly broken: string[] = [];
  readonly believers: Believer[] = [];
  /** Members that were asked to go, or have begun anew: `groupId memberId`. */
  readonly mayGo = new Set<string>();
  readonly counts = {
    answers: 0,
    unanswered: 0,
    processed: 0,
    commits: 0,
    fenced: 0,
    moved: 0,
    removed: 0,
    resets: 0,
    replaced: 0,
    deletions: 0,
    expired: 0,
    recreated: 0,
    outages: 0,
  };
  /** When a group was at its end last, in milliseconds since the epoch. */
  readonly endedAt = new Map<string, number>();
  /** When a topic was found to be unwanted last, by group and name, in milliseconds since the epoch. */
  readonly unwantedAt = new Map<string, number>();
  readonly config: GroupConfig;
  readonly #scheduler: Scheduler;
  /** The group table of each region. */
  readonly #memories: readonly MemoryGroupStore[];
  /** In which of them a group lies. */
  readonly #homes = new Map<string, number>();
  #topics: GroupTopics | undefined;
  /** Values by offset, by group and partition. */
  readonly #processed = new Map<string, Map<number, string>>();
  /** The first offset that is not processed yet, by group and partition. */
  readonly #processedTo = new Map<string, number>();
  readonly #acknowledged = new Set<string>();
  readonly #writes = new GroupWriteChecks(this);

  constructor(scheduler: Scheduler, memories: readonly MemoryGroupStore[], config: GroupConfig) {
    this.#scheduler = scheduler;
    this.#memories = memories;
    this.config = config;
  }

  begin(topics: GroupTopics): void {
    this.#topics = topics;
  }

  get now(): number {
    return this.#scheduler.now;
  }

  note(what: string): void {
    this.#scheduler.note(what);
  }

  report(what: string): void {
    this.note(`BROKEN ${what}`);
    if (this.broken.length < 20) this.broken.push(`${what} (at ${this.#scheduler.now - 1_700_000_000_000} ms)`);
  }

  /** A consumer is done with a record. */
  process(groupId: string, partition: string, offset: number, value: string): void {
    this.counts.processed++;
    // What is read by the name of a topic that is gone is of no consequence.
    if (!this.exists(partition.split("#")[0]!)) return;
    const key = `${groupId} ${partition}`;
    const values = this.#processed.get(key) ?? new Map<number, string>();
    this.#processed.set(key, values);
    if ((values.get(offset) ?? value) !== value)
      this.report(`${key} ${offset} is ${value}, and was ${values.get(offset)}`);
    values.set(offset, value);
    let end = this.#processedTo.get(key) ?? 0;
    while (values.has(end)) end++;
    this.#processedTo.set(key, end);
  }

  /** Whether whoever committed it knows that it did. */
  isAcknowledged(groupId: string, partition: string, { offset, metadata }: CommittedOffset): boolean {
    return this.#acknowledged.has(`${groupId} ${partition} ${offset} ${metadata}`);
  }

  /** Whether the topic of this id is there: what is committed of another one is of no consequence. */
  exists(topicId: string): boolean {
    return this.#topics?.exists(topicId) !== false;
  }

  processedTo(groupId: string, partition: string): number {
    return this.#processedTo.get(`${groupId} ${partition}`) ?? 0;
  }

  processed(groupId: string, partition: string): ReadonlyMap<number, string> {
    return this.#processed.get(`${groupId} ${partition}`) ?? new Map();
  }

  /** The store of a region, as everybody has it: each change of it is looked at when it happens. */
  watched(region: number): GroupStore {
    return new Proxy<GroupStore>(this.#memories[region]!, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== "function") return member;
        return (...args: unknown[]) =>
          this.#operate(region, String(name), args, () => member.apply(target, args) as Promise<unknown>);
      },
    });
  }

  /** A look at everything, of one moment: reads of memory take their copies at once. */
  async look(groupId: string): Promise<Look> {
    const memory = this.#memoryOf(groupId);
    const reads = [
      memory.readGroup(groupId),
      memory.readMembers(groupId),
      memory.listPartitions(groupId, { limit: 1000 }),
      memory.readGeneration(groupId),
    ] as const;
    const [{ group }, members, partitions, generation] = await Promise.all(reads);
    return { group, members, partitions, generation };
  }

  /** After a consumer was told something: it has nothing that its member has not, and nobody else has what it has. */
  async checkBeliefs(groupId: string): Promise<void> {
    checkBelievers(this, groupId, await this.look(groupId));
  }

  /** A commit was acknowledged: it is there, or a later one. */
  async checkAcknowledged(
    groupId: string,
    partition: { topicId: string; partition: number },
    offset: number,
    metadata: string,
  ): Promise<void> {
    this.#acknowledged.add(`${groupId} ${partitionKey(partition)} ${offset} ${metadata}`);
    const [item] = await this.#memoryOf(groupId).readPartitions(groupId, [partition]);
    if (!this.exists(partition.topicId)) return;
    if ((item?.committed?.offset ?? -1) < offset) {
      this.report(
        `${groupId} ${partitionKey(partition)}: ${offset} was acknowledged, and ${item?.committed?.offset} is there`,
      );
    }
  }

  /** Whether the sweep looks after each group that there is, and in time. */
  async checkListings(): Promise<void> {
    for (const [groupId, home] of this.#homes) {
      const { group } = await this.look(groupId);
      if (group === undefined) continue;
      const listed = await this.#memories[home]!.listGroups({ limit: 1000 });
      const listing = listed.find((each) => each.groupId === groupId);
      if (listing === undefined) this.report(`${groupId} is not listed`);
      else if (group.emptySince === undefined && listing.sweepAt > this.now)
        this.report(`${groupId} is in use, and to be swept only at ${listing.sweepAt}`);
    }
  }

  #memoryOf(groupId: string): MemoryGroupStore {
    return this.#memories[this.#homes.get(groupId) ?? 0]!;
  }

  async #operate(region: number, name: string, args: unknown[], apply: () => Promise<unknown>): Promise<unknown> {
    const groupId = args[0] as string;
    const writes = name === "write" ? (args[1] as readonly GroupWrite[]) : [];
    const isSessionAlone = writes.length === 1 && writes[0]!.kind === "extend-session";
    if (isSessionAlone || !/^(write|commit|delete)/.test(name)) return apply();
    if (!this.#homes.has(groupId) && writes.some(({ kind }) => kind === "put-group")) this.#homes.set(groupId, region);
    if ((this.#homes.get(groupId) ?? region) !== region)
      this.report(
        `${groupId} is changed in region ${region + 1}, and has its home in ${this.#homes.get(groupId)! + 1}`,
      );
    // All three in one go: nothing comes in between.
    const looking = this.look(groupId);
    const applying = apply();
    const lookingAgain = this.look(groupId);
    const [before, result, after] = await Promise.all([looking, applying, lookingAgain]);
    this.#scheduler.note(`${groupId} ${name} ${writes.map(named).join(", ")}${result === false ? " LOST" : ""}`);
    if (writes.some(({ kind }) => kind === "put-member" || kind === "delete-member")) {
      noteUnwanted(this, groupId, before);
      noteUnwanted(this, groupId, after);
    }
    checkOffsets(this, groupId, before, after);
    if (name === "write" && result === true) {
      if (writes.some(({ kind }) => kind === "delete-group")) {
        this.endedAt.set(groupId, this.now);
        this.counts.deletions++;
      }
      for (const write of writes) this.#writes.check(groupId, write, writes, before);
      checkOwners(this, groupId, after);
      checkBelievers(this, groupId, after);
    }
    if (name === "commitOffsets") {
      const commits = (args[1] as readonly OffsetCommit[]).filter(
        (_, index) => (result as CommitResult[])[index]!.kind === "committed",
      );
      checkCommits(this, groupId, commits, before);
    }
    return result;
  }
}

/** A write, for the trace. */
function named(write: GroupWrite): string {
  switch (write.kind) {
    case "put-group":
      return `group at ${epochOf(write.group)}`;
    case "put-member": {
      const { member } = write;
      const is =
        member.type === "consumer" ? `${member.state} in ${member.memberEpoch}` : `in ${member.joinedGeneration}`;
      return `${member.memberId} ${is}`;
    }
    case "delete-member":
      return `delete ${write.member.memberId}`;
    case "acquire":
    case "release":
      return `${write.kind} ${partitionKey(write.partition)}`;
    default:
      return write.kind;
  }
}

export function epochOf(group: Group): number {
  return group.type === "consumer" ? group.groupEpoch : group.generationId;
}
