import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import type { Checkpoint } from "../../log/checkpoint.ts";
import type { LogItem, LogKey } from "../../log/log-item.ts";
import type { LogPage, LogStore, PutItemResult, ReadLimits } from "../../log/log-store.ts";
import { stored } from "../storage-error.ts";
import { batchDelete } from "./batch-delete.ts";
import { attributesToCheckpoint, checkpointKey, checkpointToAttributes } from "./checkpoint-attributes.ts";
import { type Attributes, attributesToLogItem, logItemToAttributes } from "./log-item-attributes.ts";

/** Pages of 1 MB that one read follows; a read that needs more is continued by its caller. */
const MAX_PAGES = 8;

/** The log table of one region in DynamoDB. */
export class DynamoDbLogStore implements LogStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async putItem(log: LogKey, item: LogItem): Promise<PutItemResult> {
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: logItemToAttributes(log, item),
      ConditionExpression: "attribute_not_exists(tp) OR stamp < :stamp",
      ExpressionAttributeValues: { ":stamp": { N: String(item.stamp) } },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    return stored("the append", async (): Promise<PutItemResult> => {
      try {
        await this.#client.send(put);
        return { kind: "written" };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const occupant = error.Item ?? (await this.#get(log, item.baseOffset));
        return { kind: "occupied", item: attributesToLogItem(occupant) };
      }
    });
  }

  /** For stores that leave the occupant out of the failed condition's answer. */
  async #get(log: LogKey, baseOffset: number): Promise<Attributes> {
    const key = { tp: { S: log }, baseOffset: { N: String(baseOffset) } };
    const get = new GetItemCommand({ TableName: this.#table, Key: key, ConsistentRead: true });
    const { Item } = await this.#client.send(get);
    if (Item === undefined) throw new Error("the item that held the slot is gone");
    return Item;
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
      const { Items = [], LastEvaluatedKey } = await stored("reading the log", () =>
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
    const { Items } = await stored("reading the log", () => this.#client.send(query));
    return Items?.[0] === undefined ? undefined : attributesToLogItem(Items[0]);
  }

  async readCheckpoint(log: LogKey): Promise<Checkpoint | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: checkpointKey(log), ConsistentRead: true });
    const { Item } = await stored("reading the checkpoint", () => this.#client.send(get));
    return Item === undefined ? undefined : attributesToCheckpoint(Item);
  }

  async putCheckpoint(log: LogKey, checkpoint: Checkpoint): Promise<void> {
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: checkpointToAttributes(log, checkpoint),
      ConditionExpression: "attribute_not_exists(tp) OR logEndOffset < :logEndOffset",
      ExpressionAttributeValues: { ":logEndOffset": { N: String(checkpoint.logEndOffset) } },
    });
    await stored("writing the checkpoint", async () => {
      try {
        await this.#client.send(put);
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    });
  }

  async deleteItems(log: LogKey, beforeOffset: number, maxItems: number): Promise<number> {
    const keys: Attributes[] = [];
    let startKey: Attributes | undefined;
    for (let page = 0; page < MAX_PAGES && keys.length < maxItems; page++) {
      const query: QueryCommandInput = {
        TableName: this.#table,
        KeyConditionExpression: "tp = :tp AND baseOffset < :before",
        ExpressionAttributeValues: { ":tp": { S: log }, ":before": { N: String(beforeOffset) } },
        ProjectionExpression: "tp, baseOffset",
        Limit: maxItems - keys.length,
        ConsistentRead: true,
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      };
      const found = await stored("reading what to delete", () => this.#client.send(new QueryCommand(query)));
      keys.push(...(found.Items ?? []));
      startKey = found.LastEvaluatedKey;
      if (startKey === undefined) break;
    }
    const isAll = startKey === undefined && beforeOffset === Number.MAX_SAFE_INTEGER;
    const toDelete = isAll ? [...keys, checkpointKey(log)] : keys;
    await stored("deleting items", () => batchDelete(this.#client, this.#table, toDelete));
    return keys.length;
  }

  async deleteExpiredItems(nowSeconds: number, maxItems: number): Promise<number> {
    let deleted = 0;
    let startKey: Attributes | undefined;
    const values = { ":now": { N: String(nowSeconds) } };
    for (let page = 0; page < MAX_PAGES && deleted < maxItems; page++) {
      const scan = new ScanCommand({
        TableName: this.#table,
        FilterExpression: "expiresAt < :now",
        ExpressionAttributeValues: values,
        ProjectionExpression: "tp, baseOffset",
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      });
      const found = await stored("looking for expired items", () => this.#client.send(scan));
      for (const { tp, baseOffset } of found.Items ?? []) {
        if (deleted === maxItems || tp === undefined || baseOffset === undefined) break;
        const Key = { tp, baseOffset };
        const condition = { ConditionExpression: "expiresAt < :now", ExpressionAttributeValues: values };
        await stored("deleting an expired item", () =>
          this.#client.send(new DeleteItemCommand({ TableName: this.#table, Key, ...condition })),
        );
        deleted++;
      }
      startKey = found.LastEvaluatedKey;
      if (startKey === undefined) break;
    }
    return deleted;
  }
}
