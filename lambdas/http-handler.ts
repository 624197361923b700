import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import type { Broker } from "../shared/broker/broker.ts";
import { noteFailure } from "../shared/broker/note-failure.ts";
import { originOfEvent, requestFromEvent, resultFromResponse } from "../shared/http/apigateway-event.ts";
import { dispatch, type RoutesById, routesById } from "../shared/http/dispatch.ts";
import { badRequest, refusalError } from "../shared/http/http-error.ts";
import type { HttpRequest, HttpResponse } from "../shared/http/http-message.ts";
import type { Route } from "../shared/http/route.ts";
import { KafkaError } from "../shared/kafka/kafka-error.ts";
import { withTimeout } from "../shared/runtime/timeout.ts";
import { type InvocationContext, remainingMs } from "./invocation-context.ts";
import { isOnLambda, observed } from "./observability.ts";
import { processBroker } from "./process-broker.ts";
import { isProxyEvent } from "./proxy-event.ts";

/** A long poll ends with what it has so long before the function's time is up ... */
const POLL_MARGIN_MS = 1_000;
/** ... any other request is answered, with REQUEST_TIMED_OUT ... */
const ANSWER_MARGIN_MS = 500;
/** ... and what goes on after the answer is no longer waited for. */
const RETURN_MARGIN_MS = 200;

const NO_PROXY_EVENT = badRequest(
  "the event is none of API Gateway's REST API",
  'send requests to the API; by hand: {"httpMethod":"GET","path":"/health","headers":{},"requestContext":{}}',
);

type HttpHandler = (event: unknown, context?: InvocationContext) => Promise<APIGatewayProxyResult>;

/**
 * A function that answers events of API Gateway by these routes, always within the time the invocation has left. On AWS what
 * goes on after an answer (acks=0) is waited for: the environment freezes when the handler returns.
 */
export function httpHandler(routes: readonly Route[]): HttpHandler {
  const byId = routesById(routes);
  return (event, context) => {
    const isRequest = isProxyEvent(event);
    const correlationId = isRequest ? event.requestContext.requestId : undefined;
    return observed({ context, correlationId }, async (logger) => {
      if (isRequest) return answerEvent(processBroker(), byId, event, context);
      logger.warn("an event that is none of API Gateway's REST API was refused");
      return resultFromResponse(NO_PROXY_EVENT.toResponse());
    });
  };
}

async function answerEvent(
  broker: Broker,
  routes: RoutesById,
  event: APIGatewayProxyEvent,
  context: InvocationContext | undefined,
) {
  const pollEnds = new AbortController();
  const signals = context?.signal === undefined ? [pollEnds.signal] : [pollEnds.signal, context.signal];
  const pollTimer = setTimeout(() => pollEnds.abort(), remainingMs(context, POLL_MARGIN_MS));
  try {
    const request = requestFromEvent(event, { now: broker.clock.now(), signal: AbortSignal.any(signals) });
    const dispatched = dispatch(broker, routes, request, originOfEvent(event));
    const response = await answer(broker, request, dispatched, remainingMs(context, ANSWER_MARGIN_MS));
    if (isOnLambda()) await settle(broker, remainingMs(context, RETURN_MARGIN_MS));
    return resultFromResponse(response);
  } finally {
    clearTimeout(pollTimer);
  }
}

async function answer(
  broker: Broker,
  request: HttpRequest,
  dispatched: Promise<HttpResponse>,
  ms: number,
): Promise<HttpResponse> {
  try {
    return await withTimeout(broker.clock, ms, "the request", dispatched);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    const { method, path } = request;
    noteFailure(broker, "a request ran out of time", { method, path: path.slice(0, 200) }, error);
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
