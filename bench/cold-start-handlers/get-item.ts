import { client, commands } from "./dynamodb-client.ts";

/** The least that a function can be that asks DynamoDB at all: one strongly consistent GetItem before its answer. */
export async function handler() {
  const { Item } = await client.send(
    new commands.GetItemCommand({
      TableName: process.env["MILLRACE_METADATA_TABLE"],
      Key: { kind: { S: "cluster" }, name: { S: "id" } },
      ConsistentRead: true,
    }),
  );
  const body = JSON.stringify({ item: Item?.["value"]?.S, commands: Object.keys(commands) });
  return { statusCode: 200, headers: { "content-type": "application/json" }, body, isBase64Encoded: false };
}
