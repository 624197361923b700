import type { ClassicGeneration, Group, GroupListing, TargetAssignment } from "../../group/group.ts";
import type { CommitResult, GroupPartition, GroupStore, OffsetCommit, SweepPlace } from "../../group/group-store.ts";
import { type CommittedOffset, type GroupWrite, MAX_WRITES, type PartitionOwner } from "../../group/group-write.ts";
import type { Member, MemberWithSession } from "../../group/member.ts";
import { partitionKey, type TopicIdPartition } from "../../group/partitions-by-topic.ts";
import { GroupItems, holds, isSameVersion, itemOf, type PartitionItem } from "./memory-group-items.ts";

/** A group table in memory, for the simulation and tests. Linearizable, without timers; what goes in and out is copied. */
export class MemoryGroupStore implements GroupStore {
  readonly #groups = new Map<string, GroupItems>();
  readonly #listings = new Map<string, GroupListing>();
  #sweepPlace: SweepPlace | undefined;

  async readGroup(groupId: string, memberId?: string): Promise<{ group?: Group; member?: Member }> {
    const { group, members } = this.#items(groupId);
    const member = memberId === undefined ? undefined : members.get(memberId);
    return structuredClone({ ...(group && { group }), ...(member && { member }) });
  }

  async readTarget(groupId: string): Promise<TargetAssignment | undefined> {
    return structuredClone(this.#items(groupId).target);
  }

  async readGeneration(groupId: string): Promise<ClassicGeneration | undefined> {
    return structuredClone(this.#items(groupId).generation);
  }

  async readMembers(groupId: string): Promise<MemberWithSession[]> {
    const { members, sessions } = this.#items(groupId);
    const inOrder = [...members.values()].sort((one, other) => (one.memberId < other.memberId ? -1 : 1));
    return structuredClone(
      inOrder.map((member) => {
        const session = sessions.get(member.memberId);
        return { member, ...(session && { session }) };
      }),
    );
  }

  async readPartitions(groupId: string, partitions: readonly TopicIdPartition[]): Promise<GroupPartition[]> {
    const items = this.#items(groupId).partitions;
    return structuredClone(
      partitions.flatMap((partition) => items.get(partitionKey(partition)) ?? []).filter(holdsAny),
    );
  }

  async listPartitions(
    groupId: string,
    { limit, after }: { limit: number; after?: TopicIdPartition },
  ): Promise<GroupPartition[]> {
    const inOrder = [...this.#items(groupId).partitions.values()].filter(holdsAny).sort(byPartition);
    const rest = after === undefined ? inOrder : inOrder.filter((item) => byPartition(item, after) > 0);
    return structuredClone(rest.slice(0, limit));
  }

  async write(groupId: string, writes: readonly GroupWrite[]): Promise<boolean> {
    const items = this.#items(groupId);
    // As in DynamoDB, which takes no transaction that is too long or names an item twice.
    if (writes.length === 0 || writes.length > MAX_WRITES) throw new TypeError(`${writes.length} writes at a time`);
    if (new Set(writes.map(itemOf)).size < writes.length)
      throw new TypeError(`two writes of one item: ${writes.map(itemOf).join(", ")}`);
    if (!writes.every((write) => holds(items, write))) return false;
    for (const write of structuredClone(writes)) this.#apply(items, write);
    return true;
  }

  async commitOffsets(groupId: string, commits: readonly OffsetCommit[]): Promise<CommitResult[]> {
    const { partitions } = this.#items(groupId);
    return commits.map(({ by, topicId, partition, topic, offset }): CommitResult => {
      const key = partitionKey({ topicId, partition });
      const { owner, committed } = partitions.get(key) ?? {};
      const mayCommit =
        by === undefined ? owner === undefined : owner?.memberId === by.memberId && owner.epoch <= by.epoch;
      if (!mayCommit) return { kind: "refused", owner: structuredClone(owner) };
      if (committed !== undefined && committed.committedAt > offset.committedAt) return { kind: "overtaken" };
      partitions.set(key, { topicId, partition, topic, ...(owner && { owner }), committed: structuredClone(offset) });
      return { kind: "committed" };
    });
  }

  async deleteOffsets(
    groupId: string,
    offsets: readonly (TopicIdPartition & { offset: CommittedOffset })[],
  ): Promise<boolean[]> {
    const { partitions } = this.#items(groupId);
    return offsets.map(({ offset, ...partition }) => {
      const item = partitions.get(partitionKey(partition));
      if (item?.owner !== undefined || !isSameOffset(item?.committed, offset)) return false;
      return partitions.delete(partitionKey(partition));
    });
  }

  async deletePartitions(
    group: Pick<Group, "groupId" | "incarnation" | "version">,
    maxItems: number,
  ): Promise<number | undefined> {
    const { partitions, group: present } = this.#items(group.groupId);
    if (!isSameVersion(present, group)) return undefined;
    const keys = [...partitions.keys()].slice(0, maxItems);
    for (const key of keys) partitions.delete(key);
    return keys.length;
  }

  async listGroups(options: { limit: number; after?: string; sweepBefore?: number }): Promise<GroupListing[]> {
    const { limit, after = "", sweepBefore = Number.POSITIVE_INFINITY } = options;
    const found = [...this.#listings.values()].filter(
      ({ groupId, sweepAt }) => groupId > after && sweepAt < sweepBefore,
    );
    return structuredClone(found.sort((one, other) => (one.groupId < other.groupId ? -1 : 1)).slice(0, limit));
  }

  async readGroups(groupIds: readonly string[]): Promise<Group[]> {
    return structuredClone(groupIds.flatMap((groupId) => this.#groups.get(groupId)?.group ?? []));
  }

  async readSweepPlace(): Promise<SweepPlace | undefined> {
    return structuredClone(this.#sweepPlace);
  }

  async putSweepPlace(place: SweepPlace | undefined): Promise<void> {
    this.#sweepPlace = structuredClone(place);
  }

  #items(groupId: string): GroupItems {
    let items = this.#groups.get(groupId);
    if (items === undefined) {
      items = new GroupItems();
      this.#groups.set(groupId, items);
    }
    return items;
  }

  #apply(items: GroupItems, write: GroupWrite): void {
    switch (write.kind) {
      case "put-group":
        items.group = write.group;
        break;
      case "delete-group":
        items.group = undefined;
        items.target = undefined;
        items.generation = undefined;
        break;
      case "put-listing":
        this.#listings.set(write.listing.groupId, write.listing);
        break;
      case "delete-listing":
        this.#listings.delete(write.groupId);
        break;
      case "put-target":
        items.target = write.target;
        break;
      case "put-generation":
        items.generation = write.generation;
        break;
      case "put-member":
        items.members.set(write.member.memberId, write.member);
        break;
      case "delete-member":
        items.members.delete(write.member.memberId);
        break;
      case "begin-session":
      case "extend-session":
        items.sessions.set(write.session.memberId, write.session);
        break;
      case "delete-session":
        items.sessions.delete(write.memberId);
        break;
      case "put-instance":
        items.instances.set(write.instanceId, write.memberId);
        break;
      case "delete-instance":
        items.instances.delete(write.instanceId);
        break;
      case "acquire":
        this.#change(items, write.partition, write.topic, { owner: write.owner });
        break;
      case "release":
        this.#change(items, write.partition, undefined, { owner: undefined });
        break;
      case "put-offset":
        this.#change(items, write.partition, write.topic, { committed: write.offset });
        break;
    }
  }

  #change(
    { partitions }: GroupItems,
    { topicId, partition }: TopicIdPartition,
    topic: string | undefined,
    change: { readonly owner?: PartitionOwner | undefined; readonly committed?: CommittedOffset },
  ): void {
    const key = partitionKey({ topicId, partition });
    const before = partitions.get(key);
    const { owner, committed } = { ...before, ...change };
    partitions.set(key, {
      topicId,
      partition,
      topic: topic ?? before?.topic ?? "",
      ...(owner && { owner }),
      ...(committed && { committed }),
    });
  }
}

function isSameOffset(one: CommittedOffset | undefined, other: CommittedOffset): boolean {
  return one?.offset === other.offset && one.committedAt === other.committedAt;
}

function holdsAny({ owner, committed }: PartitionItem): boolean {
  return owner !== undefined || committed !== undefined;
}

function byPartition(one: TopicIdPartition, other: TopicIdPartition): number {
  if (one.topicId !== other.topicId) return one.topicId < other.topicId ? -1 : 1;
  return one.partition - other.partition;
}
