import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { INTEGRATION_TIMEOUT_MS, type InvocationContext } from "../lambdas/invocation-context.ts";
import { bodyTooLarge } from "../shared/http/dispatch.ts";
import { HttpError } from "../shared/http/http-error.ts";
import type { Route } from "../shared/http/route.ts";
import { match } from "../shared/http/router.ts";
import { CONNECTION_LIMITS, listen } from "./listening-server.ts";
import { proxyEvent, respond } from "./proxy-event.ts";
import { announcesTooMuch, readBody } from "./request-body.ts";

/** A function behind API Gateway. */
export type Handler = (event: APIGatewayProxyEvent, context: InvocationContext) => Promise<APIGatewayProxyResult>;

export type Handlers = Readonly<Record<Route["lambda"], Handler>>;

/** Requests at work at a time; as Lambda's concurrency in a new account. */
const MAX_CONCURRENT = 1_000;
const CLOSE = { connection: "close" };

export interface HttpServer {
  readonly url: string;
  /** Takes no more requests and resolves when those at work are answered, or cut off after 10 s. */
  close(): Promise<void>;
}

/** API Gateway's part: HTTP requests become events for the function that their route names. Errors: StartupError. */
export async function startHttpServer(
  host: string,
  port: number,
  handlers: Handlers,
  maxConcurrent = MAX_CONCURRENT,
): Promise<HttpServer> {
  const stopping = new AbortController();
  let atWork = 0;
  const server = createServer(CONNECTION_LIMITS);
  server.on("request", (request, response) => {
    if (atWork >= maxConcurrent) {
      respond(response, fromError(new HttpError(503, 50302, `${maxConcurrent} requests are at work`)));
      return;
    }
    atWork++;
    answer(request, response, handlers, stopping.signal)
      .catch(() => fail(response))
      .finally(() => {
        atWork--;
      });
  });
  // A client that asks before it sends is told at once that it need not.
  server.on("checkContinue", (request, response) => {
    if (announcesTooMuch(request)) {
      respond(response, fromError(bodyTooLarge()), CLOSE);
      return;
    }
    response.writeContinue();
    server.emit("request", request, response);
  });
  const { url, close } = await listen(server, host, port);
  // Long polls end now, with what they have.
  return { url, close: () => close(() => stopping.abort()) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: Handlers,
  stopping: AbortSignal,
): Promise<void> {
  const receivedAt = Date.now();
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const body = await readBody(request);
  if (body === undefined) {
    respond(response, fromError(bodyTooLarge()), request.complete ? {} : CLOSE);
    return;
  }
  const event = proxyEvent(request, body, receivedAt);
  const deadline = Date.now() + INTEGRATION_TIMEOUT_MS;
  const result = await handlers[lambdaOf(event)](event, {
    signal: AbortSignal.any([gone.signal, stopping]),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  });
  respond(response, result, stopping.aborted ? CLOSE : {});
}

/** A handler that throws is API Gateway's to answer for, if somebody still listens. */
function fail(response: ServerResponse): void {
  if (response.headersSent || response.socket?.destroyed !== false) response.destroy();
  else respond(response, fromError(new HttpError(502, 50002, "the function failed")), CLOSE);
}

/** Where no route matches, any function gives the answer that says so. */
function lambdaOf({ httpMethod, path }: APIGatewayProxyEvent): Route["lambda"] {
  try {
    return match(httpMethod, path).route.lambda;
  } catch {
    return "fetch";
  }
}

function fromError(error: HttpError): APIGatewayProxyResult {
  const { status, headers, body } = error.toResponse();
  return { statusCode: status, headers, body: String(body), isBase64Encoded: false };
}
