import { BatchWriteItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Attributes } from "./attributes.ts";

/** What BatchWriteItem takes at a time. */
const BATCH = 25;
const MAX_ATTEMPTS = 8;
const FIRST_BACKOFF_MS = 25;

/** Deletes items by key; what DynamoDB leaves unprocessed is sent again, a bounded number of times. */
export async function batchDelete(client: DynamoDBClient, table: string, keys: readonly Attributes[]): Promise<void> {
  for (let at = 0; at < keys.length; at += BATCH) {
    let requests = keys.slice(at, at + BATCH).map((Key) => ({ DeleteRequest: { Key } }));
    for (let attempt = 0; requests.length > 0; attempt++) {
      if (attempt === MAX_ATTEMPTS)
        throw Object.assign(new Error("deletes stay unprocessed"), { name: "ThrottlingException" });
      if (attempt > 0) await backOff(attempt);
      const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
      requests = (answer.UnprocessedItems?.[table] ?? []) as typeof requests;
    }
  }
}

function backOff(attempt: number): Promise<void> {
  const ms = (0.5 + Math.random() / 2) * FIRST_BACKOFF_MS * 2 ** attempt;
  return new Promise((resolve) => setTimeout(resolve, ms));
}
