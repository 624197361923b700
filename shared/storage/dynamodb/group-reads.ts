import {
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import { KafkaError } from "../../kafka/kafka-error.ts";
import { storedRead } from "../storage-error.ts";
import type { Attributes } from "./attributes.ts";

const MAX_PAGES = 64;
const MAX_BATCH_GETS = 8;
const FIRST_BACKOFF_MS = 25;

/** Strongly consistent reads of the group table, bounded in pages and attempts. */
export class GroupReads {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async get(Key: Attributes): Promise<Attributes | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true });
    return (await storedRead("reading the group", () => this.#client.send(get))).Item;
  }

  async batchGet(keys: readonly Attributes[]): Promise<Attributes[]> {
    const items: Attributes[] = [];
    let Keys = [...keys];
    for (let attempt = 0; Keys.length > 0; attempt++) {
      if (attempt === MAX_BATCH_GETS)
        throw new KafkaError("THROTTLING_QUOTA_EXCEEDED", "reads of the group stay unprocessed");
      if (attempt > 0)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * FIRST_BACKOFF_MS * 2 ** attempt));
      const command = new BatchGetItemCommand({ RequestItems: { [this.#table]: { Keys, ConsistentRead: true } } });
      const answer = await storedRead("reading the group", () => this.#client.send(command));
      items.push(...(answer.Responses?.[this.#table] ?? []));
      Keys = answer.UnprocessedKeys?.[this.#table]?.Keys ?? [];
    }
    return items;
  }

  /**
   * The items under a key in order, page by page: `from` to `to`, both with them, or behind `after`. `limit`: of the first page; whom that is not enough
   * passes many over, and reads on by the megabyte. Errors: past a bound of pages.
   */
  async *query(
    groupKey: string,
    range: { readonly from?: string; readonly to?: string; readonly after?: string; readonly limit?: number },
  ): AsyncGenerator<Attributes> {
    const { from, to, after, limit } = range;
    let condition = "groupKey = :key";
    if (after !== undefined) condition += " AND itemKey > :after";
    if (from !== undefined) condition += " AND itemKey BETWEEN :from AND :to";
    let startKey: Attributes | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const query: QueryCommandInput = {
        TableName: this.#table,
        KeyConditionExpression: condition,
        ExpressionAttributeValues: {
          ":key": { S: groupKey },
          ...(after === undefined ? {} : { ":after": { S: after } }),
          ...(from === undefined || to === undefined ? {} : { ":from": { S: from }, ":to": { S: to } }),
        },
        ConsistentRead: true,
        ...(limit === undefined || page > 0 ? {} : { Limit: Math.min(1000, limit) }),
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      };
      const { Items = [], LastEvaluatedKey } = await storedRead("reading the group", () =>
        this.#client.send(new QueryCommand(query)),
      );
      yield* Items;
      startKey = LastEvaluatedKey;
      if (startKey === undefined) return;
    }
    throw new KafkaError("UNKNOWN_SERVER_ERROR", `there is more of a group than ${MAX_PAGES} pages`);
  }
}
