import { randomUUID } from "node:crypto";
import { client, commands } from "./dynamodb-client.ts";

/** The least that a produce can be: one strongly consistent GetItem, and one PutItem on a condition. */
export async function handler() {
  const { Item } = await client.send(
    new commands.GetItemCommand({
      TableName: process.env["MILLRACE_METADATA_TABLE"],
      Key: { kind: { S: "cluster" }, name: { S: "id" } },
      ConsistentRead: true,
    }),
  );
  await client.send(
    new commands.PutItemCommand({
      TableName: process.env["MILLRACE_LOG_TABLE"],
      Item: { tp: { S: randomUUID() }, baseOffset: { N: "0" }, batches: { B: Buffer.from("the first record") } },
      ConditionExpression: "attribute_not_exists(tp)",
    }),
  );
  const body = JSON.stringify({ item: Item?.["value"]?.S, commands: Object.keys(commands) });
  return { statusCode: 200, headers: { "content-type": "application/json" }, body, isBase64Encoded: false };
}
