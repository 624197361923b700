import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

/**
 * A client with every wait bounded; its connections are made at the first request and kept alive. It sends a request
 * once: a write that the SDK repeated by itself would hide what became of the first (storage-error.ts), and whoever
 * calls repeats on its own terms.
 */
export function dynamoDbClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: 1_000,
      requestTimeout: 4_000,
      socketTimeout: 4_000,
      throwOnRequestTimeout: true,
    },
    ...config,
  });
}
