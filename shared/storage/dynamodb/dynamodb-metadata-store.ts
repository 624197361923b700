import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { DeletedTopic, MetadataStore, PartitionRegistration, TopicItem } from "../../broker/metadata-store.ts";
import { stored } from "../storage-error.ts";
import { batchDelete } from "./batch-delete.ts";
import type { Attributes } from "./log-item-attributes.ts";
import {
  itemValue,
  metadataKey,
  partitionName,
  partitionsKind,
  registrationToAttributes,
  topicToAttributes,
} from "./metadata-attributes.ts";

const MAX_PAGES = 64;
const WRITES_AT_ONCE = 16;

interface Condition {
  readonly expression: string;
  readonly values?: Attributes;
}

/** The metadata table in DynamoDB. */
export class DynamoDbMetadataStore implements MetadataStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async clusterId(candidate: string): Promise<string> {
    const known = await this.#get("cluster", "id");
    if (known !== undefined) return itemValue<string>(known);
    const item = { ...metadataKey("cluster", "id"), value: { S: JSON.stringify(candidate) } };
    if (await this.#put(item, { expression: "attribute_not_exists(kind)" })) return candidate;
    return itemValue<string>((await this.#get("cluster", "id"))!);
  }

  async getTopic(name: string): Promise<TopicItem | undefined> {
    const item = await this.#get("topic", name);
    return item === undefined ? undefined : itemValue<TopicItem>(item);
  }

  async listTopics({ limit, after }: { limit: number; after?: string }): Promise<TopicItem[]> {
    return (await this.#query("topic", limit, after)).map((item) => itemValue<TopicItem>(item));
  }

  createTopic(topic: TopicItem): Promise<boolean> {
    return this.#put(topicToAttributes(topic), {
      expression: "attribute_not_exists(kind) OR (topicId = :topicId AND version = :version)",
      values: { ":topicId": { S: topic.topicId }, ":version": { N: String(topic.version) } },
    });
  }

  updateTopic(topic: TopicItem): Promise<boolean> {
    return this.#put(topicToAttributes(topic), {
      expression: "topicId = :topicId AND version = :before",
      values: { ":topicId": { S: topic.topicId }, ":before": { N: String(topic.version - 1) } },
    });
  }

  async deleteTopic(name: string, topicId: string): Promise<boolean> {
    const command = new DeleteItemCommand({
      TableName: this.#table,
      Key: metadataKey("topic", name),
      ConditionExpression: "topicId = :topicId",
      ExpressionAttributeValues: { ":topicId": { S: topicId } },
    });
    return this.#onCondition("deleting the topic", () => this.#client.send(command));
  }

  async getPartitions(topicId: string): Promise<PartitionRegistration[]> {
    const items = await this.#query(partitionsKind(topicId), Number.MAX_SAFE_INTEGER);
    return items.map((item) => itemValue<PartitionRegistration>(item));
  }

  async createPartitions(registrations: readonly PartitionRegistration[]): Promise<void> {
    for (let at = 0; at < registrations.length; at += WRITES_AT_ONCE) {
      const puts = registrations
        .slice(at, at + WRITES_AT_ONCE)
        .map((registration) =>
          this.#put(registrationToAttributes(registration), { expression: "attribute_not_exists(kind)" }),
        );
      await Promise.all(puts);
    }
  }

  updatePartition(registration: PartitionRegistration): Promise<boolean> {
    return this.#put(registrationToAttributes(registration), {
      expression: "partitionEpoch = :before",
      values: { ":before": { N: String(registration.partitionEpoch - 1) } },
    });
  }

  async deletePartitions(topicId: string, partitionCount: number): Promise<void> {
    const keys = Array.from({ length: partitionCount }, (_, partition) =>
      metadataKey(partitionsKind(topicId), partitionName(partition)),
    );
    await stored("deleting partitions", () => batchDelete(this.#client, this.#table, keys));
  }

  async putDeletedTopic(topic: DeletedTopic): Promise<void> {
    await this.#put({ ...metadataKey("deleted-topic", topic.topicId), value: { S: JSON.stringify(topic) } });
  }

  async listDeletedTopics(limit: number): Promise<DeletedTopic[]> {
    return (await this.#query("deleted-topic", limit)).map((item) => itemValue<DeletedTopic>(item));
  }

  async removeDeletedTopic(topicId: string): Promise<void> {
    const command = new DeleteItemCommand({ TableName: this.#table, Key: metadataKey("deleted-topic", topicId) });
    await stored("ending a deletion", () => this.#client.send(command));
  }

  async nextProducerId(): Promise<number> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: metadataKey("producer-id", "next"),
      UpdateExpression: "ADD #next :one",
      ExpressionAttributeNames: { "#next": "next" },
      ExpressionAttributeValues: { ":one": { N: "1" } },
      ReturnValues: "UPDATED_NEW",
    });
    const { Attributes } = await stored("taking a producer id", () => this.#client.send(command));
    return Number(Attributes?.["next"]?.N) - 1;
  }

  async #get(kind: string, name: string): Promise<Attributes | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: metadataKey(kind, name), ConsistentRead: true });
    return (await stored("reading metadata", () => this.#client.send(get))).Item;
  }

  async #query(kind: string, limit: number, after = ""): Promise<Attributes[]> {
    const items: Attributes[] = [];
    let startKey: Attributes | undefined;
    for (let page = 0; page < MAX_PAGES && items.length < limit; page++) {
      const query: QueryCommandInput = {
        TableName: this.#table,
        KeyConditionExpression: after === "" ? "kind = :kind" : "kind = :kind AND #name > :after",
        ...(after === "" ? {} : { ExpressionAttributeNames: { "#name": "name" } }),
        ExpressionAttributeValues: { ":kind": { S: kind }, ...(after === "" ? {} : { ":after": { S: after } }) },
        ConsistentRead: true,
        Limit: Math.min(1000, limit - items.length),
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      };
      const found = await stored("reading metadata", () => this.#client.send(new QueryCommand(query)));
      items.push(...(found.Items ?? []));
      startKey = found.LastEvaluatedKey;
      if (startKey === undefined) break;
    }
    return items;
  }

  /** Puts an item on a condition; false if it does not hold. */
  #put(item: Attributes, condition?: Condition): Promise<boolean> {
    const command = new PutItemCommand({
      TableName: this.#table,
      Item: item,
      ...(condition === undefined ? {} : { ConditionExpression: condition.expression }),
      ...(condition?.values === undefined ? {} : { ExpressionAttributeValues: condition.values }),
    });
    return this.#onCondition("writing metadata", () => this.#client.send(command));
  }

  async #onCondition(what: string, write: () => Promise<unknown>): Promise<boolean> {
    return stored(what, async () => {
      try {
        await write();
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    });
  }
}
