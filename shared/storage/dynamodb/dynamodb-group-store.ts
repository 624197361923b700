import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  TransactionCanceledException,
  TransactionConflictException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { ClassicGeneration, Group, GroupListing, TargetAssignment } from "../../group/group.ts";
import type { CommitResult, GroupPartition, GroupStore, OffsetCommit, SweepPlace } from "../../group/group-store.ts";
import { type CommittedOffset, type GroupWrite, MAX_WRITES, type PartitionOwner } from "../../group/group-write.ts";
import type { Member, MemberWithSession, Session } from "../../group/member.ts";
import type { TopicIdPartition } from "../../group/partitions-by-topic.ts";
import { KafkaError } from "../../kafka/kafka-error.ts";
import { stored } from "../storage-error.ts";
import { type Attributes, stringOf } from "./attributes.ts";
import {
  attributesToGeneration,
  attributesToGroup,
  attributesToListing,
  attributesToSweepPlace,
  attributesToTarget,
  sweepPlaceToAttributes,
} from "./group-item.ts";
import {
  GENERATION_ITEM,
  GROUP_ITEM,
  groupItems,
  groupPartitions,
  key,
  LISTINGS,
  MEMBER_PREFIX,
  memberKey,
  partitionItemKey,
  SESSION_PREFIX,
  SWEEP_PLACE,
  TARGET_ITEM,
} from "./group-key.ts";
import { attributesToMember, attributesToSession } from "./group-member-item.ts";
import { attributesToOwner, attributesToPartition, IS_NOT_OVERTAKEN, setOffset } from "./group-partition-item.ts";
import { GroupReads } from "./group-reads.ts";
import { transactItems } from "./group-transaction.ts";

const COMMITS_AT_ONCE = 32;
/** Behind every session, before every target. */
const END_OF_SESSIONS = "session$";

/** The group table of one region in DynamoDB. */
export class DynamoDbGroupStore implements GroupStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #reads: GroupReads;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
    this.#reads = new GroupReads(client, table);
  }

  async readGroup(groupId: string, memberId?: string): Promise<{ group?: Group; member?: Member }> {
    const own = key(groupItems(groupId), GROUP_ITEM);
    if (memberId === undefined) {
      const group = await this.#reads.get(own);
      return group === undefined ? {} : { group: attributesToGroup(group) };
    }
    const items = await this.#reads.batchGet([own, memberKey(groupId, memberId)]);
    const group = items.find((item) => stringOf(item, "itemKey") === GROUP_ITEM);
    const member = items.find((item) => stringOf(item, "itemKey") !== GROUP_ITEM);
    return {
      ...(group === undefined ? {} : { group: attributesToGroup(group) }),
      ...(member === undefined ? {} : { member: attributesToMember(member) }),
    };
  }

  async readTarget(groupId: string): Promise<TargetAssignment | undefined> {
    const item = await this.#reads.get(key(groupItems(groupId), TARGET_ITEM));
    return item === undefined ? undefined : attributesToTarget(item);
  }

  async readGeneration(groupId: string): Promise<ClassicGeneration | undefined> {
    const item = await this.#reads.get(key(groupItems(groupId), GENERATION_ITEM));
    return item === undefined ? undefined : attributesToGeneration(item);
  }

  async readMembers(groupId: string): Promise<MemberWithSession[]> {
    const members: Member[] = [];
    const sessions = new Map<string, Session>();
    const range = { from: MEMBER_PREFIX, to: END_OF_SESSIONS };
    for await (const item of this.#reads.query(groupItems(groupId), range)) {
      if (stringOf(item, "itemKey").startsWith(SESSION_PREFIX)) {
        const session = attributesToSession(item);
        sessions.set(session.memberId, session);
      } else members.push(attributesToMember(item));
    }
    return members.map((member) => {
      const session = sessions.get(member.memberId);
      return { member, ...(session === undefined ? {} : { session }) };
    });
  }

  async readPartitions(groupId: string, partitions: readonly TopicIdPartition[]): Promise<GroupPartition[]> {
    const keys = partitions.map((partition) => key(groupPartitions(groupId), partitionItemKey(partition)));
    return (await this.#reads.batchGet(keys)).flatMap((item) => attributesToPartition(item) ?? []);
  }

  async listPartitions(
    groupId: string,
    { limit, after }: { limit: number; after?: TopicIdPartition },
  ): Promise<GroupPartition[]> {
    const found: GroupPartition[] = [];
    const range = { limit, ...(after === undefined ? {} : { after: partitionItemKey(after) }) };
    for await (const item of this.#reads.query(groupPartitions(groupId), range)) {
      const partition = attributesToPartition(item);
      if (partition !== undefined) found.push(partition);
      if (found.length === limit) break;
    }
    return found;
  }

  async write(groupId: string, writes: readonly GroupWrite[]): Promise<boolean> {
    const items = writes.flatMap((write) => transactItems(this.#table, groupId, write));
    return stored("changing the group", async () => {
      try {
        if (items.length === 1) await this.#sendAlone(items[0]!);
        else await this.#client.send(new TransactWriteItemsCommand({ TransactItems: items }));
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException || error instanceof TransactionConflictException)
          return false;
        if (error instanceof TransactionCanceledException && lostRace(error)) return false;
        throw error;
      }
    });
  }

  async commitOffsets(groupId: string, commits: readonly OffsetCommit[]): Promise<CommitResult[]> {
    const results: CommitResult[] = [];
    for (let at = 0; at < commits.length; at += COMMITS_AT_ONCE) {
      const some = commits.slice(at, at + COMMITS_AT_ONCE);
      results.push(...(await Promise.all(some.map((commit) => this.#commit(groupId, commit)))));
    }
    return results;
  }

  async deleteOffsets(
    groupId: string,
    offsets: readonly (TopicIdPartition & { offset: CommittedOffset })[],
  ): Promise<boolean[]> {
    const results: boolean[] = [];
    for (let at = 0; at < offsets.length; at += COMMITS_AT_ONCE) {
      const some = offsets.slice(at, at + COMMITS_AT_ONCE);
      results.push(...(await Promise.all(some.map((each) => this.#deleteOffset(groupId, each, each.offset)))));
    }
    return results;
  }

  async deletePartitions(
    group: Pick<Group, "groupId" | "incarnation" | "version">,
    maxItems: number,
  ): Promise<number | undefined> {
    const { groupId } = group;
    const keys: Attributes[] = [];
    for await (const { groupKey, itemKey } of this.#reads.query(groupPartitions(groupId), { limit: maxItems })) {
      keys.push({ groupKey: groupKey!, itemKey: itemKey! });
      if (keys.length === maxItems) break;
    }
    const check = transactItems(this.#table, groupId, { kind: "check-group", group });
    for (let at = 0; at < keys.length; at += MAX_WRITES - 1) {
      const deletes = keys.slice(at, at + MAX_WRITES - 1).map((Key) => ({ Delete: { TableName: this.#table, Key } }));
      if (!(await this.#deleteChecked([...check, ...deletes]))) return undefined;
    }
    return keys.length;
  }

  async listGroups(options: { limit: number; after?: string; sweepBefore?: number }): Promise<GroupListing[]> {
    const { limit, after, sweepBefore = Number.POSITIVE_INFINITY } = options;
    const found: GroupListing[] = [];
    const range = { limit, ...(after === undefined ? {} : { after }) };
    for await (const item of this.#reads.query(LISTINGS, range)) {
      const listing = attributesToListing(item);
      if (listing.sweepAt < sweepBefore) found.push(listing);
      if (found.length === limit) break;
    }
    return found;
  }

  async readGroups(groupIds: readonly string[]): Promise<Group[]> {
    const keys = groupIds.map((groupId) => key(groupItems(groupId), GROUP_ITEM));
    return (await this.#reads.batchGet(keys)).map(attributesToGroup);
  }

  async readSweepPlace(): Promise<SweepPlace | undefined> {
    const item = await this.#reads.get(SWEEP_PLACE);
    return item === undefined ? undefined : attributesToSweepPlace(item);
  }

  async putSweepPlace(place: SweepPlace | undefined): Promise<void> {
    const command =
      place === undefined
        ? new DeleteItemCommand({ TableName: this.#table, Key: SWEEP_PLACE })
        : new PutItemCommand({ TableName: this.#table, Item: sweepPlaceToAttributes(place) });
    await stored("noting where the sweep stopped", () =>
      command instanceof PutItemCommand ? this.#client.send(command) : this.#client.send(command),
    );
  }

  /** False: the first item, which is a check, does not hold. Another transaction that has to do with any of them is a failure in passing. */
  async #deleteChecked(TransactItems: TransactWriteItem[]): Promise<boolean> {
    return stored("deleting offsets", async () => {
      try {
        await this.#client.send(new TransactWriteItemsCommand({ TransactItems }));
        return true;
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        if (lostRace(error, 0)) return false;
        throw new KafkaError("KAFKA_STORAGE_ERROR", "deleting offsets met another change of the group", {
          cause: error,
        });
      }
    });
  }

  async #commit(groupId: string, { topicId, partition, topic, offset, by }: OffsetCommit): Promise<CommitResult> {
    const { UpdateExpression, ExpressionAttributeValues } = setOffset(topic, offset);
    const isOwner =
      by === undefined ? "attribute_not_exists(ownerId)" : "ownerId = :member AND ownerEpoch <= :memberEpoch";
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: key(groupPartitions(groupId), partitionItemKey({ topicId, partition })),
      UpdateExpression,
      ConditionExpression: `${isOwner} AND ${IS_NOT_OVERTAKEN}`,
      ExpressionAttributeValues: {
        ...ExpressionAttributeValues,
        ...(by === undefined ? {} : { ":member": { S: by.memberId }, ":memberEpoch": { N: String(by.epoch) } }),
      },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    return stored("committing an offset", async (): Promise<CommitResult> => {
      try {
        await this.#client.send(command);
        return { kind: "committed" };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const owner = attributesToOwner(error.Item ?? {});
        return mayCommit(owner, by) ? { kind: "overtaken" } : { kind: "refused", owner };
      }
    });
  }

  async #deleteOffset(groupId: string, partition: TopicIdPartition, offset: CommittedOffset): Promise<boolean> {
    const command = new DeleteItemCommand({
      TableName: this.#table,
      Key: key(groupPartitions(groupId), partitionItemKey(partition)),
      ConditionExpression: "attribute_not_exists(ownerId) AND committedOffset = :offset AND committedAt = :at",
      ExpressionAttributeValues: { ":offset": { N: String(offset.offset) }, ":at": { N: String(offset.committedAt) } },
    });
    return stored("deleting an offset", async () => {
      try {
        await this.#client.send(command);
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    });
  }

  /** One write by itself costs half of what it costs in a transaction. */
  async #sendAlone({ Put, Update, Delete }: TransactWriteItem): Promise<void> {
    if (Put !== undefined) await this.#client.send(new PutItemCommand(Put));
    else if (Update !== undefined) await this.#client.send(new UpdateItemCommand(Update));
    else if (Delete !== undefined) await this.#client.send(new DeleteItemCommand(Delete));
    else throw new TypeError("a condition alone changes nothing");
  }
}

function mayCommit(owner: PartitionOwner | undefined, by: PartitionOwner | undefined): boolean {
  if (by === undefined || owner === undefined) return by === owner;
  return owner.memberId === by.memberId && owner.epoch <= by.epoch;
}

const LOST = new Set(["None", "ConditionalCheckFailed", "TransactionConflict"]);
const THROTTLED = new Set(["ThrottlingError", "ProvisionedThroughputExceeded"]);

/**
 * Whether a transaction was refused for what the items say, or for another transaction's sake; `at`: for what one of its items says. Errors: for anything
 * else.
 */
function lostRace(error: TransactionCanceledException, at?: number): boolean {
  const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code ?? "None");
  if (codes.some((code) => THROTTLED.has(code))) {
    throw new KafkaError("THROTTLING_QUOTA_EXCEEDED", "changing the group was throttled", { cause: error });
  }
  if (codes.length === 0 || !codes.every((code) => LOST.has(code))) throw error;
  return at === undefined || codes[at] === "ConditionalCheckFailed";
}
