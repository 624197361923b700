import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from "@aws-sdk/client-dynamodb";
import { KafkaError } from "../../kafka/kafka-error.ts";
import { storedRead } from "../storage-error.ts";
import type { Attributes } from "./attributes.ts";

/** A page is a MiB, and the largest of items some hundred bytes: far more than a kind has. */
const MAX_PAGES = 64;

/** Items of a kind, up to `limit`: all in order of name, those with a name above one, or those below one from the last on. */
export interface KindQuery {
  readonly kind: string;
  readonly above?: string | undefined;
  readonly below?: string | undefined;
  readonly limit?: number;
}

/**
 * Items of the metadata table, strongly consistent. `what` is being done, for errors. Errors: as of any read; UNKNOWN_SERVER_ERROR for a
 * list that is longer than its pages may be.
 */
export async function queryKind(
  client: DynamoDBClient,
  table: string,
  what: string,
  { kind, above, below, limit = Number.MAX_SAFE_INTEGER }: KindQuery,
): Promise<Attributes[]> {
  const [comparison, bound] = above === undefined ? ["<", below] : [">", above];
  const condition: Partial<QueryCommandInput> =
    bound === undefined
      ? { KeyConditionExpression: "kind = :kind", ExpressionAttributeValues: { ":kind": { S: kind } } }
      : {
          KeyConditionExpression: `kind = :kind AND #name ${comparison} :bound`,
          ExpressionAttributeNames: { "#name": "name" },
          ExpressionAttributeValues: { ":kind": { S: kind }, ":bound": { S: bound } },
          ScanIndexForward: above !== undefined,
        };
  const items: Attributes[] = [];
  let startKey: Attributes | undefined;
  for (let page = 0; page < MAX_PAGES && items.length < limit; page++) {
    const query: QueryCommandInput = {
      TableName: table,
      ...condition,
      ConsistentRead: true,
      Limit: Math.min(1000, limit - items.length),
      ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
    };
    const found = await storedRead(what, () => client.send(new QueryCommand(query)));
    items.push(...(found.Items ?? []));
    startKey = found.LastEvaluatedKey;
    if (startKey === undefined) return items;
  }
  // A list that is not whole may only be one whose limit was reached.
  if (items.length >= limit) return items;
  throw new KafkaError("UNKNOWN_SERVER_ERROR", `${what}: there are more than ${MAX_PAGES} pages of ${kind}`);
}
