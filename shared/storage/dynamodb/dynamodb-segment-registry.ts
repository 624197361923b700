import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import { KafkaError } from "../../kafka/kafka-error.ts";
import type { LogKey } from "../../log/log-item.ts";
import type { SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import type { TieringState } from "../../log/segment/tiering-state.ts";
import type { SegmentPlace, SegmentRegistry } from "../../log/segment-registry.ts";
import { stored, storedRead } from "../storage-error.ts";
import type { Attributes } from "./attributes.ts";
import { batchDelete } from "./batch-delete.ts";
import {
  attributesToSegment,
  attributesToTiering,
  nameAbove,
  segmentKey,
  segmentName,
  segmentsKind,
  segmentToAttributes,
  tieringKey,
  tieringKind,
  tieringToAttributes,
} from "./segment-item.ts";

/** A page is a MiB of items of about half a KiB: far more than a thousand of either kind take. */
const MAX_PAGES = 16;

type Condition = Pick<QueryCommandInput, "KeyConditionExpression" | "ExpressionAttributeValues" | "ScanIndexForward">;

/** Registered segments in the metadata table. */
export class DynamoDbSegmentRegistry implements SegmentRegistry {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  addSegment(segment: SegmentMetadata): Promise<boolean> {
    return this.#put(segmentToAttributes(segment), undefined);
  }

  replaceSegment(segment: SegmentMetadata): Promise<boolean> {
    return this.#put(segmentToAttributes(segment), segment.version - 1);
  }

  async removeSegment(segment: SegmentMetadata): Promise<boolean> {
    const command = new DeleteItemCommand({
      TableName: this.#table,
      Key: segmentKey(segment.log, segment),
      ConditionExpression: "attribute_not_exists(kind) OR #state = :deleting",
      ExpressionAttributeNames: { "#state": "state" },
      ExpressionAttributeValues: { ":deleting": { S: "DELETE_SEGMENT_STARTED" } },
    });
    return stored("removing a segment", async () => {
      try {
        await this.#client.send(command);
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    });
  }

  async listSegments(
    log: LogKey,
    { limit, after }: { limit: number; after?: SegmentPlace },
  ): Promise<SegmentMetadata[]> {
    return (await this.#segments(log, limit, after)).map(attributesToSegment);
  }

  async segmentsAtOrBelow(log: LogKey, offset: number, limit: number): Promise<SegmentMetadata[]> {
    const condition: Condition = {
      KeyConditionExpression: "kind = :kind AND #name < :above",
      ExpressionAttributeValues: { ":kind": { S: segmentsKind(log) }, ":above": { S: nameAbove(offset) } },
      ScanIndexForward: false,
    };
    return (await this.#query(condition, limit)).map(attributesToSegment);
  }

  async readTieringState(log: LogKey): Promise<TieringState | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: tieringKey(log), ConsistentRead: true });
    const { Item } = await storedRead("reading a tiering state", () => this.#client.send(get));
    return Item === undefined ? undefined : attributesToTiering(Item);
  }

  async readTieringStates(topicId: string): Promise<TieringState[]> {
    const condition: Condition = {
      KeyConditionExpression: "kind = :kind",
      ExpressionAttributeValues: { ":kind": { S: tieringKind(topicId) } },
    };
    return (await this.#query(condition, Number.MAX_SAFE_INTEGER)).map(attributesToTiering);
  }

  writeTieringState(state: TieringState): Promise<boolean> {
    return this.#put(tieringToAttributes(state), state.version === 1 ? undefined : state.version - 1);
  }

  async removeLog(log: LogKey, limit: number): Promise<number> {
    const found = await this.#segments(log, limit);
    const keys = found.map(attributesToSegment).map((segment) => segmentKey(log, segment));
    if (found.length < limit) keys.push(tieringKey(log));
    await stored("removing segments", () => batchDelete(this.#client, this.#table, keys));
    return found.length;
  }

  #segments(log: LogKey, limit: number, after?: SegmentPlace): Promise<Attributes[]> {
    const kind = { ":kind": { S: segmentsKind(log) } };
    return this.#query(
      after === undefined
        ? { KeyConditionExpression: "kind = :kind", ExpressionAttributeValues: kind }
        : {
            KeyConditionExpression: "kind = :kind AND #name > :after",
            ExpressionAttributeValues: { ...kind, ":after": { S: segmentName(after) } },
          },
      limit,
    );
  }

  async #query(condition: Condition, limit: number): Promise<Attributes[]> {
    const items: Attributes[] = [];
    let startKey: Attributes | undefined;
    for (let page = 0; page < MAX_PAGES && items.length < limit; page++) {
      const query: QueryCommandInput = {
        TableName: this.#table,
        ...condition,
        ...(condition.KeyConditionExpression?.includes("#name")
          ? { ExpressionAttributeNames: { "#name": "name" } }
          : {}),
        ConsistentRead: true,
        Limit: Math.min(1000, limit - items.length),
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      };
      const found = await storedRead("reading segments", () => this.#client.send(new QueryCommand(query)));
      items.push(...(found.Items ?? []));
      startKey = found.LastEvaluatedKey;
      if (startKey === undefined) return items;
    }
    // A list that is not whole may only be one whose limit was reached.
    if (items.length >= limit) return items;
    throw new KafkaError("UNKNOWN_SERVER_ERROR", `there are more segments than ${MAX_PAGES} pages`);
  }

  /**
   * Puts an item if the one there has that version, or, without one, if there is none. An item there that is just what was to
   * be put is one's own, sent again because its answer was lost.
   */
  async #put(item: Attributes, before: number | undefined): Promise<boolean> {
    const command = new PutItemCommand({
      TableName: this.#table,
      Item: item,
      ...(before === undefined
        ? { ConditionExpression: "attribute_not_exists(kind)" }
        : {
            ConditionExpression: "version = :before",
            ExpressionAttributeValues: { ":before": { N: String(before) } },
          }),
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    return stored("registering a segment", async () => {
      try {
        await this.#client.send(command);
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return error.Item?.["value"]?.S === item["value"]?.S;
      }
    });
  }
}
