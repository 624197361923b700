import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { DeletedTopic, MetadataStore, PartitionRegistration, TopicItem } from "../../broker/metadata-store.ts";
import { stored, storedRead } from "../storage-error.ts";
import type { Attributes } from "./attributes.ts";
import { batchDelete } from "./batch-delete.ts";
import { attributesToClusterId, CLUSTER_KEY, clusterIdToAttributes } from "./cluster-item.ts";
import { attributesToDeletedTopic, deletedTopicKey, deletedTopicToAttributes } from "./deleted-topic-item.ts";
import { attributesToGroupHome, groupHomeKey, groupHomeToAttributes } from "./group-home-item.ts";
import { attributesToLease, LEASE_KIND, leaseToAttributes } from "./lease-item.ts";
import {
  attributesToRegistration,
  partitionKey,
  partitionsKind,
  registrationToAttributes,
} from "./partition-registration-item.ts";
import { attributesToProducerId, PRODUCER_ID_KEY } from "./producer-id-item.ts";
import { queryKind } from "./query-kind.ts";
import { DELETED_TOPIC_KIND } from "./table-schema.ts";
import { attributesToTopic, TOPIC_KIND, topicKey, topicToAttributes } from "./topic-item.ts";

const WRITES_AT_ONCE = 16;
/** Regions that a deployment may have, and then some. */
const MAX_BROKERS = 100;

interface Condition {
  readonly expression: string;
  readonly values?: Attributes;
}

const IS_FREE: Condition = { expression: "attribute_not_exists(kind)" };

/** The metadata table in DynamoDB. */
export class DynamoDbMetadataStore implements MetadataStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async clusterId(candidate: string): Promise<string> {
    const known = await this.#get(CLUSTER_KEY);
    if (known !== undefined) return attributesToClusterId(known);
    const occupant = await this.#put(clusterIdToAttributes(candidate), IS_FREE);
    return occupant === undefined ? candidate : attributesToClusterId(occupant);
  }

  async getTopic(name: string): Promise<TopicItem | undefined> {
    const item = await this.#get(topicKey(name));
    return item === undefined ? undefined : attributesToTopic(item);
  }

  async listTopics({ limit, after }: { limit: number; after?: string }): Promise<TopicItem[]> {
    return (await this.#query(TOPIC_KIND, limit, after)).map(attributesToTopic);
  }

  async createTopic(topic: TopicItem): Promise<boolean> {
    const occupant = await this.#put(topicToAttributes(topic), IS_FREE);
    return occupant === undefined || attributesToTopic(occupant).topicId === topic.topicId;
  }

  updateTopic(topic: TopicItem): Promise<boolean> {
    return this.#replace(topicToAttributes(topic), {
      expression: "topicId = :topicId AND version = :before",
      values: { ":topicId": { S: topic.topicId }, ":before": { N: String(topic.version - 1) } },
    });
  }

  async deleteTopic(name: string, topicId: string): Promise<boolean> {
    const command = new DeleteItemCommand({
      TableName: this.#table,
      Key: topicKey(name),
      ConditionExpression: "topicId = :topicId",
      ExpressionAttributeValues: { ":topicId": { S: topicId } },
    });
    return stored("deleting the topic", async () => {
      try {
        await this.#client.send(command);
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    });
  }

  async getPartitions(topicId: string): Promise<PartitionRegistration[]> {
    return (await this.#query(partitionsKind(topicId))).map(attributesToRegistration);
  }

  async createPartitions(registrations: readonly PartitionRegistration[]): Promise<void> {
    for (let at = 0; at < registrations.length; at += WRITES_AT_ONCE) {
      const together = registrations.slice(at, at + WRITES_AT_ONCE);
      await Promise.all(together.map((registration) => this.#put(registrationToAttributes(registration), IS_FREE)));
    }
  }

  updatePartition(registration: PartitionRegistration): Promise<boolean> {
    return this.#replace(registrationToAttributes(registration), {
      expression: "partitionEpoch = :before",
      values: { ":before": { N: String(registration.partitionEpoch - 1) } },
    });
  }

  async deletePartitions(topicId: string, partitionCount: number): Promise<void> {
    const keys = Array.from({ length: partitionCount }, (_, partition) => partitionKey(topicId, partition));
    await stored("deleting partitions", () => batchDelete(this.#client, this.#table, keys));
  }

  async putLease(brokerId: number, expiresAt: number): Promise<void> {
    await this.#put(leaseToAttributes(brokerId, expiresAt));
  }

  async getLeases(): Promise<ReadonlyMap<number, number>> {
    return new Map((await this.#query(LEASE_KIND, MAX_BROKERS)).map(attributesToLease));
  }

  async putDeletedTopic(topic: DeletedTopic): Promise<void> {
    await this.#put(deletedTopicToAttributes(topic));
  }

  async listDeletedTopics(limit: number): Promise<DeletedTopic[]> {
    return (await this.#query(DELETED_TOPIC_KIND, limit)).map(attributesToDeletedTopic);
  }

  async removeDeletedTopic(topicId: string): Promise<void> {
    const command = new DeleteItemCommand({ TableName: this.#table, Key: deletedTopicKey(topicId) });
    await stored("ending a deletion", () => this.#client.send(command));
  }

  groupHome(groupId: string, candidate: number): Promise<number>;
  groupHome(groupId: string): Promise<number | undefined>;
  async groupHome(groupId: string, candidate?: number): Promise<number | undefined> {
    const known = await this.#get(groupHomeKey(groupId));
    if (known !== undefined) return attributesToGroupHome(known);
    if (candidate === undefined) return undefined;
    const occupant = await this.#put(groupHomeToAttributes(groupId, candidate), IS_FREE);
    return occupant === undefined ? candidate : attributesToGroupHome(occupant);
  }

  async nextProducerId(): Promise<number> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: PRODUCER_ID_KEY,
      UpdateExpression: "ADD #next :one",
      ExpressionAttributeNames: { "#next": "next" },
      ExpressionAttributeValues: { ":one": { N: "1" } },
      ReturnValues: "UPDATED_NEW",
    });
    const { Attributes = {} } = await stored("taking a producer id", () => this.#client.send(command));
    return attributesToProducerId(Attributes);
  }

  async #get(key: Attributes): Promise<Attributes | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: key, ConsistentRead: true });
    return (await storedRead("reading metadata", () => this.#client.send(get))).Item;
  }

  #query(kind: string, limit?: number, after?: string): Promise<Attributes[]> {
    // Nothing is called "": behind it is everything.
    const above = after === "" ? undefined : after;
    return queryKind(this.#client, this.#table, "reading metadata", {
      kind,
      above,
      ...(limit === undefined ? {} : { limit }),
    });
  }

  /**
   * Compare-and-set. An item there that is just what was to be put is one's own: a put that is sent again because its
   * answer was lost meets itself.
   */
  async #replace(item: Attributes, condition: Condition): Promise<boolean> {
    const occupant = await this.#put(item, condition);
    return occupant === undefined || occupant["value"]?.S === item["value"]?.S;
  }

  /** Puts an item. undefined: it is written; else what is there instead, `{}` for nothing. */
  #put(item: Attributes, condition?: Condition): Promise<Attributes | undefined> {
    const command = new PutItemCommand({
      TableName: this.#table,
      Item: item,
      ...(condition === undefined ? {} : { ConditionExpression: condition.expression }),
      ...(condition?.values === undefined ? {} : { ExpressionAttributeValues: condition.values }),
      ...(condition === undefined ? {} : { ReturnValuesOnConditionCheckFailure: "ALL_OLD" }),
    });
    return stored("writing metadata", async () => {
      try {
        await this.#client.send(command);
        return undefined;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return error.Item ?? {};
        throw error;
      }
    });
  }
}
