import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { LogKey } from "../../log/log-item.ts";
import type { SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import type { TieringState } from "../../log/segment/tiering-state.ts";
import type { SegmentPlace, SegmentRegistry } from "../../log/segment-registry.ts";
import { stored, storedRead } from "../storage-error.ts";
import type { Attributes } from "./attributes.ts";
import { batchDelete } from "./batch-delete.ts";
import { type KindQuery, queryKind } from "./query-kind.ts";
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
    const query = { kind: segmentsKind(log), below: nameAbove(offset), limit };
    return (await this.#query(query)).map(attributesToSegment);
  }

  async readTieringState(log: LogKey): Promise<TieringState | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: tieringKey(log), ConsistentRead: true });
    const { Item } = await storedRead("reading a tiering state", () => this.#client.send(get));
    return Item === undefined ? undefined : attributesToTiering(Item);
  }

  async readTieringStates(topicId: string): Promise<TieringState[]> {
    return (await this.#query({ kind: tieringKind(topicId) })).map(attributesToTiering);
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
    const above = after === undefined ? undefined : segmentName(after);
    return this.#query({ kind: segmentsKind(log), above, limit });
  }

  #query(query: KindQuery): Promise<Attributes[]> {
    return queryKind(this.#client, this.#table, "reading segments", query);
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
