import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import type { Broker } from "../shared/broker/broker.ts";
import { originOfEvent, requestFromEvent, resultFromResponse } from "../shared/http/apigateway-event.ts";
import { dispatch } from "../shared/http/dispatch.ts";
import { refusalError } from "../shared/http/http-error.ts";
import type { HttpRequest, HttpResponse } from "../shared/http/http-message.ts";
import { KafkaError } from "../shared/kafka/kafka-error.ts";
import { withTimeout } from "../shared/runtime/timeout.ts";
import { type InvocationContext, remainingMs } from "./invocation-context.ts";
import { processBroker } from "./process-broker.ts";

/** A long poll ends with what it has so long before the function's time is up ... */
const POLL_MARGIN_MS = 1_000;
/** ... any other request is answered, with REQUEST_TIMED_OUT ... */
const ANSWER_MARGIN_MS = 500;
/** ... and what goes on after the answer is no longer waited for. */
const RETURN_MARGIN_MS = 200;

/**
 * Answers an event of API Gateway, always within the time the invocation has left. On AWS what goes on after an answer
 * (acks=0) is waited for: the environment freezes when the handler returns.
 */
export async function httpHandler(
  event: APIGatewayProxyEvent,
  context?: InvocationContext,
): Promise<APIGatewayProxyResult> {
  const broker = processBroker();
  const pollEnds = new AbortController();
  const signals = context?.signal === undefined ? [pollEnds.signal] : [pollEnds.signal, context.signal];
  const pollTimer = setTimeout(() => pollEnds.abort(), remainingMs(context, POLL_MARGIN_MS));
  try {
    const request = requestFromEvent(event, AbortSignal.any(signals));
    const response = await answer(broker, request, originOfEvent(event), remainingMs(context, ANSWER_MARGIN_MS));
    if (process.env["AWS_LAMBDA_FUNCTION_NAME"] !== undefined) {
      await settle(broker, remainingMs(context, RETURN_MARGIN_MS));
    }
    return resultFromResponse(response);
  } finally {
    clearTimeout(pollTimer);
  }
}

async function answer(broker: Broker, request: HttpRequest, origin: string, ms: number): Promise<HttpResponse> {
  try {
    return await withTimeout(broker.clock, ms, "the request", dispatch(broker, request, origin));
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    broker.logger.warn("a request ran out of time", { method: request.method, path: request.path.slice(0, 200) });
    return refusalError(error).toResponse();
  }
}

async function settle({ background, clock, logger }: Broker, ms: number): Promise<void> {
  try {
    await withTimeout(clock, ms, "background work", background.settled());
  } catch (error) {
    logger.warn("the function returns before its background work has ended", {}, error);
  }
}
