import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { ConsumerInstance, InstanceName } from "../../broker/consumers/instance.ts";
import type { InstancePut, InstanceStore } from "../../broker/consumers/instance-store.ts";
import { stored, storedRead } from "../storage-error.ts";
import type { Attributes } from "./attributes.ts";
import {
  attributesToInstance,
  expiryToAttributes,
  INSTANCE_PREFIX,
  instanceItemKey,
  instanceToAttributes,
} from "./instance-item.ts";

const MAX_PAGES = 64;

/** REST consumer instances in the group table of one region in DynamoDB. */
export class DynamoDbInstanceStore implements InstanceStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async readInstance(name: InstanceName): Promise<ConsumerInstance | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: instanceItemKey(name), ConsistentRead: true });
    const { Item } = await storedRead("reading the consumer instance", () => this.#client.send(get));
    return Item === undefined ? undefined : attributesToInstance(Item);
  }

  async putInstance(instance: ConsumerInstance, before: string | undefined): Promise<InstancePut> {
    const isBefore = before === undefined ? "attribute_not_exists(groupKey)" : "revision = :before";
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: instanceToAttributes(instance),
      ConditionExpression: `${isBefore} OR revision = :this`,
      ExpressionAttributeValues: {
        ":this": { S: instance.revisions[0]! },
        ...(before === undefined ? {} : { ":before": { S: before } }),
      },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    return stored("changing the consumer instance", async (): Promise<InstancePut> => {
      try {
        await this.#client.send(put);
        return { kind: "put" };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return { kind: "refused", found: error.Item === undefined ? undefined : attributesToInstance(error.Item) };
      }
    });
  }

  async extendInstance(
    name: InstanceName,
    { memberId, expiresAt }: { readonly memberId: string; readonly expiresAt: number },
  ): Promise<boolean> {
    const { endsAt, expiresAt: timeToLive } = expiryToAttributes(expiresAt);
    const update = new UpdateItemCommand({
      TableName: this.#table,
      Key: instanceItemKey(name),
      UpdateExpression: "SET endsAt = :endsAt, expiresAt = :expiresAt",
      ConditionExpression: "memberId = :memberId AND endsAt < :endsAt",
      ExpressionAttributeValues: { ":endsAt": endsAt, ":expiresAt": timeToLive, ":memberId": { S: memberId } },
    });
    return this.#isTaken("keeping the consumer instance", () => this.#client.send(update));
  }

  async deleteInstance(name: InstanceName, memberId: string): Promise<boolean> {
    const remove = new DeleteItemCommand({
      TableName: this.#table,
      Key: instanceItemKey(name),
      ConditionExpression: "memberId = :memberId",
      ExpressionAttributeValues: { ":memberId": { S: memberId } },
    });
    return this.#isTaken("deleting the consumer instance", () => this.#client.send(remove));
  }

  async deleteExpiredInstances(now: number, maxItems: number): Promise<number> {
    let deleted = 0;
    let startKey: Attributes | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const scan = new ScanCommand({
        TableName: this.#table,
        FilterExpression: "begins_with(groupKey, :prefix) AND endsAt < :now",
        ExpressionAttributeValues: { ":prefix": { S: INSTANCE_PREFIX }, ":now": { N: String(now) } },
        ProjectionExpression: "groupKey, itemKey",
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      });
      const { Items = [], LastEvaluatedKey } = await storedRead("looking for expired consumer instances", () =>
        this.#client.send(scan),
      );
      for (const expired of Items) {
        if (deleted === maxItems) return deleted;
        if (await this.#deleteIfExpired(expired, now)) deleted++;
      }
      startKey = LastEvaluatedKey;
      if (startKey === undefined) break;
    }
    return deleted;
  }

  /** False if it is gone by now, or in use again. */
  #deleteIfExpired(key: Attributes, now: number): Promise<boolean> {
    const remove = new DeleteItemCommand({
      TableName: this.#table,
      Key: key,
      ConditionExpression: "endsAt < :now",
      ExpressionAttributeValues: { ":now": { N: String(now) } },
    });
    return this.#isTaken("deleting an expired consumer instance", () => this.#client.send(remove));
  }

  /** False if the condition did not hold. */
  #isTaken(what: string, write: () => Promise<unknown>): Promise<boolean> {
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
