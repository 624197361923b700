import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { sendSigned } from "../signed-request.ts";
import { storedRead } from "../storage-error.ts";

/**
 * Enables or disables a scheduled rule, which bills nothing either way: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EnableRule.html
 * The same again does the same, so it is repeated as a read is. `endpoint`: of an emulator; EventBridge's own in the client's region unless given.
 */
export async function switchRule(
  client: DynamoDBClient,
  action: "EnableRule" | "DisableRule",
  name: string,
  endpoint: URL | undefined,
): Promise<void> {
  const request = {
    service: "events",
    path: "/",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": `AWSEvents.${action}` },
    body: JSON.stringify({ Name: name }),
    expected: 200,
    endpoint,
  };
  await storedRead(`${action} of ${name}`, () => sendSigned(client, request));
}
