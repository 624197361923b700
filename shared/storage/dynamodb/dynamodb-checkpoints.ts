import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import { type Checkpoint, committedInOf } from "../../log/checkpoint.ts";
import type { LogKey } from "../../log/log-item.ts";
import type { ProducerState } from "../../log/producer-state.ts";
import { stored, storedRead } from "../storage-error.ts";
import type { Attributes } from "./attributes.ts";
import { batchDelete } from "./batch-delete.ts";
import {
  attributesToHead,
  attributesToProducers,
  type CheckpointPlace,
  checkpointPartition,
  checkpointToItems,
  headKey,
  MAX_PARTS,
  partSortKey,
} from "./checkpoint-item.ts";

/** A newer checkpoint may take away the parts of the one that is being read: then the newer one is read. */
const MAX_READS = 3;

/** Pages of keys that one deletion follows: what a crash left behind is some parts, and the next one goes on. */
const MAX_PAGES = 16;

/** No checkpoint lies behind it: Kafka's epochs are int32. */
const LAST_PLACE: CheckpointPlace = { committedIn: 2 ** 31 - 1, logEndOffset: Number.MAX_SAFE_INTEGER };

/** In the order of isNewer (shared/log/checkpoint.ts). A checkpoint of one replica's log names no epoch. */
const IS_NEWER =
  "attribute_not_exists(tp) OR committedIn < :committedIn OR " +
  "((attribute_not_exists(committedIn) OR committedIn = :committedIn) AND logEndOffset < :logEndOffset)";

/** The checkpoints in a log table: one request to read or write one, unless it has parts. */
export class DynamoDbCheckpoints {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  /** undefined: there is none, or parts of it are gone, and the log itself must tell. */
  async read(log: LogKey): Promise<Checkpoint | undefined> {
    for (let read = 1; read <= MAX_READS; read++) {
      const get = new GetItemCommand({ TableName: this.#table, Key: headKey(log), ConsistentRead: true });
      const { Item } = await storedRead("reading the checkpoint", () => this.#client.send(get));
      if (Item === undefined) return undefined;
      const { checkpoint, partCount } = attributesToHead(Item);
      if (partCount === 0) return checkpoint;
      const rest = await this.#readParts(log, checkpoint, partCount);
      if (rest !== undefined) return { ...checkpoint, producers: [...checkpoint.producers, ...rest] };
    }
    return undefined;
  }

  async put(log: LogKey, checkpoint: Checkpoint): Promise<void> {
    const { head, parts } = checkpointToItems(log, checkpoint);
    await stored("writing the checkpoint", async () => {
      for (const Item of parts) await this.#client.send(new PutItemCommand({ TableName: this.#table, Item }));
      const replaced = await this.#putHead(head, checkpoint);
      if (replaced === undefined || (replaced["parts"] === undefined && parts.length === 0)) return;
      // Parts below belong to older checkpoints, which nobody can put any more, and to crashed writers of them.
      await this.#delete(log, partSortKey({ logEndOffset: 0 }, 1), partSortKey(checkpoint, 0));
    });
  }

  /** Removes the head and all parts there are. */
  async delete(log: LogKey): Promise<void> {
    await stored("deleting the checkpoint", () => this.#delete(log, { N: "0" }, partSortKey(LAST_PLACE, MAX_PARTS)));
  }

  /** What the head replaced, `{}` if it is the first; undefined if it stayed out: one as new is there. */
  async #putHead(head: Attributes, place: CheckpointPlace): Promise<Attributes | undefined> {
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: head,
      ConditionExpression: IS_NEWER,
      ExpressionAttributeValues: {
        ":committedIn": { N: String(committedInOf(place)) },
        ":logEndOffset": { N: String(place.logEndOffset) },
      },
      ReturnValues: "ALL_OLD",
    });
    try {
      return (await this.#client.send(put)).Attributes ?? {};
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  async #readParts(log: LogKey, place: CheckpointPlace, count: number): Promise<ProducerState[] | undefined> {
    const [first, last] = [partSortKey(place, 1), partSortKey(place, count)];
    const producers: ProducerState[] = [];
    let found = 0;
    let startKey: Attributes | undefined;
    for (let page = 0; page <= MAX_PARTS; page++) {
      const query = new QueryCommand(this.#between(log, first, last, startKey));
      const { Items = [], LastEvaluatedKey } = await storedRead("reading the checkpoint", () =>
        this.#client.send(query),
      );
      for (const item of Items) producers.push(...attributesToProducers(item));
      found += Items.length;
      startKey = LastEvaluatedKey;
      if (startKey === undefined) break;
    }
    return found === count ? producers : undefined;
  }

  async #delete(log: LogKey, first: Attributes[string], last: Attributes[string]): Promise<void> {
    let startKey: Attributes | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = { ...this.#between(log, first, last, startKey), ProjectionExpression: "tp, baseOffset" };
      const { Items = [], LastEvaluatedKey } = await this.#client.send(new QueryCommand(query));
      await batchDelete(this.#client, this.#table, Items);
      startKey = LastEvaluatedKey;
      if (startKey === undefined) return;
    }
  }

  #between(
    log: LogKey,
    first: Attributes[string],
    last: Attributes[string],
    startKey: Attributes | undefined,
  ): QueryCommandInput {
    return {
      TableName: this.#table,
      KeyConditionExpression: "tp = :tp AND baseOffset BETWEEN :first AND :last",
      ExpressionAttributeValues: { ":tp": checkpointPartition(log), ":first": first, ":last": last },
      ConsistentRead: true,
      ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
    };
  }
}
