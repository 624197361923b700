import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";

/** Whether an event is a batch of a table's stream: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html */
export function isStreamEvent(event: unknown): event is DynamoDBStreamEvent {
  const records = (event as Partial<DynamoDBStreamEvent> | null | undefined)?.Records;
  return Array.isArray(records) && typeof records[0]?.dynamodb?.SequenceNumber === "string";
}

/** Tells Lambda that the batch is done. */
export const DONE: DynamoDBBatchResponse = { batchItemFailures: [] };

/**
 * Tells Lambda to bring the batch again, from its first record on: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 * Other than an exception, it is no error in the function's metrics.
 */
export function again({ Records }: DynamoDBStreamEvent): DynamoDBBatchResponse {
  return { batchItemFailures: [{ itemIdentifier: Records[0]!.dynamodb!.SequenceNumber! }] };
}
