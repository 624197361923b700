import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { originOfEvent, requestFromEvent, resultFromResponse } from "../shared/http/apigateway-event.ts";
import { dispatch } from "../shared/http/dispatch.ts";
import { processBroker } from "./process-broker.ts";

/** What a handler is told beside the event: on AWS Lambda's context, locally when the client went away. */
export interface InvocationContext {
  readonly signal?: AbortSignal;
}

/**
 * Answers an event of API Gateway. On AWS what goes on after an answer (acks=0) is waited for: the environment freezes
 * when the handler returns.
 */
export async function httpHandler(
  event: APIGatewayProxyEvent,
  context?: InvocationContext,
): Promise<APIGatewayProxyResult> {
  const broker = processBroker();
  const request = requestFromEvent(event, context?.signal);
  const response = await dispatch(broker, request, originOfEvent(event));
  if (process.env["AWS_LAMBDA_FUNCTION_NAME"] !== undefined) await broker.background.settled();
  return resultFromResponse(response);
}
