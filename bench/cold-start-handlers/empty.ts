import { client, commands } from "./dynamodb-client.ts";

/** The least that a function with a DynamoDB client can be: it answers, and asks nobody. */
export async function handler() {
  const body = JSON.stringify({ client: typeof client, commands: Object.keys(commands) });
  return { statusCode: 200, headers: { "content-type": "application/json" }, body, isBase64Encoded: false };
}
