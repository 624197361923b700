import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { KafkaError } from "../../kafka/kafka-error.ts";
import type { Checkpoint } from "../../log/checkpoint.ts";
import type { ItemVersion, LogItem, LogKey } from "../../log/log-item.ts";
import type {
  DeletedStretch,
  LogPage,
  LogStore,
  PutItemResult,
  ReadLimits,
  ReplaceItemResult,
} from "../../log/log-store.ts";
import { stored, storedRead } from "../storage-error.ts";
import { type Attributes, numberOf } from "./attributes.ts";
import { batchDelete } from "./batch-delete.ts";
import { DynamoDbCheckpoints } from "./dynamodb-checkpoints.ts";
import { attributesToLogItem, logItemToAttributes } from "./log-item.ts";

/** Pages of 1 MB that one read follows; a read that needs more is continued by its caller. */
const MAX_PAGES = 8;

/** The log table of one region in DynamoDB. */
export class DynamoDbLogStore implements LogStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #checkpoints: DynamoDbCheckpoints;
  /** Where the next look for expired items goes on: one look takes some pages, and the table may have many. */
  #sweptTo: Attributes | undefined;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
    this.#checkpoints = new DynamoDbCheckpoints(client, table);
  }

  async putItem(log: LogKey, item: LogItem): Promise<PutItemResult> {
    const result = await this.#put(log, item, "attribute_not_exists(tp) OR stamp < :stamp", {
      ":stamp": { N: String(item.stamp) },
    });
    if (result.kind === "written") return result;
    if (result.item === undefined) throw unknownOccupant();
    return { kind: "occupied", item: result.item };
  }

  replaceItem(log: LogKey, item: LogItem, expected: ItemVersion | undefined): Promise<ReplaceItemResult> {
    if (expected === undefined) return this.#put(log, item, "attribute_not_exists(tp)");
    return this.#put(log, item, "leaderEpoch = :epoch AND appendId = :id AND stamp = :stamp", {
      ":epoch": { N: String(expected.leaderEpoch) },
      ":id": { B: Buffer.from(expected.appendId, "base64url") },
      ":stamp": { N: String(expected.stamp) },
    });
  }

  #put(log: LogKey, item: LogItem, condition: string, values?: Attributes): Promise<ReplaceItemResult> {
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: logItemToAttributes(log, item),
      ConditionExpression: condition,
      ...(values === undefined ? {} : { ExpressionAttributeValues: values }),
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    return stored("the append", async (): Promise<ReplaceItemResult> => {
      try {
        await this.#client.send(put);
        return { kind: "written" };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return { kind: "occupied", item: error.Item && attributesToLogItem(error.Item) };
      }
    });
  }

  async readItems(log: LogKey, fromOffset: number, { maxItems, maxBytes }: ReadLimits): Promise<LogPage> {
    const items: LogItem[] = [];
    let bytes = 0;
    let startKey: Attributes | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const query: QueryCommandInput = {
        TableName: this.#table,
        KeyConditionExpression: "tp = :tp AND baseOffset >= :from",
        ExpressionAttributeValues: { ":tp": { S: log }, ":from": { N: String(fromOffset) } },
        ConsistentRead: true,
        Limit: maxItems - items.length,
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      };
      const { Items = [], LastEvaluatedKey } = await storedRead("reading the log", () =>
        this.#client.send(new QueryCommand(query)),
      );
      for (const attributes of Items) {
        const item = attributesToLogItem(attributes);
        items.push(item);
        if (item.payload.kind === "inline") bytes += item.payload.batches.length;
        if (bytes < maxBytes) continue;
        const isLast = LastEvaluatedKey === undefined && attributes === Items.at(-1);
        return { items, isEnd: isLast };
      }
      if (LastEvaluatedKey === undefined) return { items, isEnd: true };
      if (items.length >= maxItems) return { items, isEnd: false };
      startKey = LastEvaluatedKey;
    }
    return { items, isEnd: false };
  }

  async readItemAtOrBelow(log: LogKey, offset: number): Promise<LogItem | undefined> {
    const query = new QueryCommand({
      TableName: this.#table,
      KeyConditionExpression: "tp = :tp AND baseOffset <= :offset",
      ExpressionAttributeValues: { ":tp": { S: log }, ":offset": { N: String(offset) } },
      ConsistentRead: true,
      ScanIndexForward: false,
      Limit: 1,
    });
    const { Items } = await storedRead("reading the log", () => this.#client.send(query));
    return Items?.[0] === undefined ? undefined : attributesToLogItem(Items[0]);
  }

  readCheckpoint(log: LogKey): Promise<Checkpoint | undefined> {
    return this.#checkpoints.read(log);
  }

  putCheckpoint(log: LogKey, checkpoint: Checkpoint): Promise<void> {
    return this.#checkpoints.put(log, checkpoint);
  }

  async deleteItems(log: LogKey, beforeOffset: number, maxItems: number): Promise<number> {
    let deleted = 0;
    let startKey: Attributes | undefined;
    // A page that is not the last has an item at least, so that maxItems bounds the pages too.
    for (let page = 0; page < maxItems && deleted < maxItems; page++) {
      const query: QueryCommandInput = {
        TableName: this.#table,
        KeyConditionExpression: "tp = :tp AND baseOffset < :before",
        ExpressionAttributeValues: { ":tp": { S: log }, ":before": { N: String(beforeOffset) } },
        ProjectionExpression: "tp, baseOffset",
        Limit: Math.min(1000, maxItems - deleted),
        ConsistentRead: true,
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      };
      const { Items = [], LastEvaluatedKey } = await storedRead("reading what to delete", () =>
        this.#client.send(new QueryCommand(query)),
      );
      await stored("deleting items", () => batchDelete(this.#client, this.#table, Items));
      deleted += Items.length;
      startKey = LastEvaluatedKey;
      if (startKey !== undefined) continue;
      if (beforeOffset === Number.MAX_SAFE_INTEGER) await this.#checkpoints.delete(log);
      break;
    }
    return deleted;
  }

  async deleteItemsWithoutExpiry(
    log: LogKey,
    { fromOffset, beforeOffset, throughEpoch }: Parameters<LogStore["deleteItemsWithoutExpiry"]>[1],
    maxItems: number,
  ): Promise<DeletedStretch> {
    let itemsDeleted = 0;
    let startKey: Attributes | undefined;
    // BETWEEN takes no stretch that ends before it begins.
    if (beforeOffset <= fromOffset) return { itemsDeleted };
    for (let page = 0; page < MAX_PAGES; page++) {
      const query: QueryCommandInput = {
        TableName: this.#table,
        KeyConditionExpression: "tp = :tp AND baseOffset BETWEEN :from AND :to",
        FilterExpression: `attribute_not_exists(expiresAt)${throughEpoch === undefined ? "" : " AND stamp <= :epoch"}`,
        ExpressionAttributeValues: {
          ...(throughEpoch === undefined ? {} : { ":epoch": { N: String(throughEpoch) } }),
          ":tp": { S: log },
          ":from": { N: String(fromOffset) },
          ":to": { N: String(beforeOffset - 1) },
        },
        ProjectionExpression: "tp, baseOffset",
        Limit: maxItems - itemsDeleted,
        ConsistentRead: true,
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      };
      const { Items = [], LastEvaluatedKey } = await storedRead("reading what to delete", () =>
        this.#client.send(new QueryCommand(query)),
      );
      await stored("deleting items", () => batchDelete(this.#client, this.#table, Items));
      itemsDeleted += Items.length;
      startKey = LastEvaluatedKey;
      if (startKey === undefined) return { itemsDeleted };
      if (itemsDeleted >= maxItems) break;
    }
    return { itemsDeleted, nextOffset: numberOf(startKey!, "baseOffset") + 1 };
  }

  async deleteExpiredItems(nowSeconds: number, maxItems: number): Promise<number> {
    let deleted = 0;
    for (let page = 0; page < MAX_PAGES; page++) {
      const scan = new ScanCommand({
        TableName: this.#table,
        FilterExpression: "expiresAt < :now",
        ExpressionAttributeValues: { ":now": { N: String(nowSeconds) } },
        ProjectionExpression: "tp, baseOffset",
        ...(this.#sweptTo === undefined ? {} : { ExclusiveStartKey: this.#sweptTo }),
      });
      const { Items = [], LastEvaluatedKey } = await storedRead("looking for expired items", () =>
        this.#client.send(scan),
      );
      for (const key of Items) {
        if (deleted === maxItems) return deleted;
        if (await this.#deleteIfExpired(key, nowSeconds)) deleted++;
      }
      this.#sweptTo = LastEvaluatedKey;
      if (this.#sweptTo === undefined) break;
    }
    return deleted;
  }

  /** False if it is gone by now, or another item stands in its place. */
  async #deleteIfExpired(key: Attributes, nowSeconds: number): Promise<boolean> {
    const command = new DeleteItemCommand({
      TableName: this.#table,
      Key: key,
      ConditionExpression: "expiresAt < :now",
      ExpressionAttributeValues: { ":now": { N: String(nowSeconds) } },
    });
    return stored("deleting an expired item", async () => {
      try {
        await this.#client.send(command);
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    });
  }
}

/** A store that does not know ReturnValuesOnConditionCheckFailure: without the occupant no append is ever decided. */
function unknownOccupant(): KafkaError {
  return new KafkaError(
    "UNKNOWN_SERVER_ERROR",
    "the store refused the append and did not tell which item has the slot",
    {
      hint: "it must know ReturnValuesOnConditionCheckFailure, as DynamoDB does",
    },
  );
}
