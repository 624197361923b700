import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { AsyncInvocation } from "../../broker/append-hand-off.ts";
import { sendSigned } from "../signed-request.ts";
import { stored } from "../storage-error.ts";

/** 1 MB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_EVENT_BYTES = 1_000_000;

/** Invokes a Lambda function by InvocationType Event: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
export class LambdaInvocation implements AsyncInvocation {
  readonly maxEventBytes = MAX_EVENT_BYTES;
  readonly #client: DynamoDBClient;
  readonly #functionName: string;
  readonly #endpoint: URL | undefined;

  /** `client`: who asks, and in which region. `endpoint`: of an emulator; Lambda's own unless given. */
  constructor(client: DynamoDBClient, functionName: string, endpoint?: URL) {
    this.#client = client;
    this.#functionName = functionName;
    this.#endpoint = endpoint;
  }

  async invoke(event: string): Promise<void> {
    const request = {
      service: "lambda",
      path: `/2015-03-31/functions/${encodeURIComponent(this.#functionName)}/invocations`,
      headers: { "content-type": "application/json", "x-amz-invocation-type": "Event" },
      body: event,
      expected: 202,
      endpoint: this.#endpoint,
    };
    await stored("invoking the function", () => sendSigned(this.#client, request));
  }
}
