import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { BINARY_MEDIA_TYPES } from "../shared/http/apigateway-event.ts";
import { bodyTooLarge } from "../shared/http/dispatch.ts";
import { HttpError } from "../shared/http/http-error.ts";
import { mediaType } from "../shared/http/http-message.ts";
import { match } from "../shared/http/router.ts";
import { MAX_REQUEST_BYTES } from "../shared/kafka/limits.ts";
import { StartupError } from "./startup-error.ts";

/** A function behind API Gateway. */
export type Handler = (
  event: APIGatewayProxyEvent,
  context: { readonly signal: AbortSignal },
) => Promise<APIGatewayProxyResult>;

/** Requests at work at a time; as Lambda's concurrency in a new account. */
const MAX_CONCURRENT = 1_000;
const DRAIN_WITHIN_MS = 10_000;
/** Bytes of a body that is too large which are read all the same, so that its sender can hear of it. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

export interface HttpServer {
  readonly url: string;
  /** Takes no more requests and resolves when those at work are answered, or cut off after 10 s. */
  close(): Promise<void>;
}

/** API Gateway's part: HTTP requests become events for the function that their route names. Errors: StartupError. */
export async function startHttpServer(
  host: string,
  port: number,
  handlers: Readonly<Record<"produce" | "fetch", Handler>>,
): Promise<HttpServer> {
  const stopping = new AbortController();
  let atWork = 0;
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, (request, response) => {
    if (atWork >= MAX_CONCURRENT) {
      respond(response, fromError(new HttpError(503, 50302, `${MAX_CONCURRENT} requests are at work`)));
      return;
    }
    atWork++;
    answer(request, response, handlers, stopping.signal)
      .catch(() => response.destroy())
      .finally(() => {
        atWork--;
      });
  });
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Long polls end now, with what they have.
      stopping.abort();
      server.closeIdleConnections();
      const cutOff = setTimeout(() => server.closeAllConnections(), DRAIN_WITHIN_MS);
      await closed;
      clearTimeout(cutOff);
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === "EADDRINUSE";
      reject(new StartupError(isTaken ? `port ${port} on ${host} is taken: choose another by --port` : error.message));
    });
    server.listen(port, host, resolve);
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: Readonly<Record<"produce" | "fetch", Handler>>,
  stopping: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const signal = AbortSignal.any([gone.signal, stopping]);
  const body = await readBody(request);
  if (body === undefined) {
    respond(response, fromError(bodyTooLarge()), request.complete ? {} : { connection: "close" });
    return;
  }
  const url = new URL(`http://localhost${request.url?.startsWith("/") ? request.url : "/"}`);
  const event = eventOf(request, url, body);
  const result = await handlers[lambdaOf(event)](event, { signal });
  respond(response, result, stopping.aborted ? { connection: "close" } : {});
}

/** Where no route matches, any function gives the answer that says so. */
function lambdaOf({ httpMethod, path }: APIGatewayProxyEvent): "produce" | "fetch" {
  try {
    return match(httpMethod, path).route.lambda;
  } catch {
    return "fetch";
  }
}

/**
 * undefined: it is larger than a request may be. A client that still sends does not listen yet, so what comes of it is
 * thrown away first, up to a limit.
 */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let sizeInBytes = 0;
    if (Number(request.headers["content-length"] ?? 0) > MAX_DISCARDED_BYTES) resolve(undefined);
    request.on("data", (part: Buffer) => {
      sizeInBytes += part.length;
      if (sizeInBytes <= MAX_REQUEST_BYTES) parts.push(part);
      else parts.length = 0;
      if (sizeInBytes > MAX_DISCARDED_BYTES) resolve(undefined);
    });
    request.once("end", () => resolve(sizeInBytes > MAX_REQUEST_BYTES ? undefined : Buffer.concat(parts)));
    request.once("error", reject);
    request.once("close", () => reject(new Error("the client went away")));
  });
}

/** The event that API Gateway's REST API (v1) would make of the request. */
function eventOf(request: IncomingMessage, url: URL, body: Buffer): APIGatewayProxyEvent {
  const isBinary = BINARY_MEDIA_TYPES.includes(mediaType(request.headers["content-type"]));
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
  const query: Record<string, string[]> = Object.create(null);
  for (const [name, value] of url.searchParams) query[name] = [...(query[name] ?? []), value];
  return {
    resource: "/{proxy+}",
    path: url.pathname,
    httpMethod: request.method ?? "GET",
    headers: { "x-forwarded-proto": "http", ...headers },
    multiValueHeaders: {},
    queryStringParameters: null,
    multiValueQueryStringParameters: query,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      requestId: randomUUID(),
      stage: "local",
      identity: { sourceIp: request.socket.remoteAddress ?? "" },
    } as APIGatewayProxyEvent["requestContext"],
    body: body.length === 0 ? null : body.toString(isBinary ? "base64" : "utf8"),
    isBase64Encoded: isBinary,
  };
}

function fromError(error: HttpError): APIGatewayProxyResult {
  const { status, headers, body } = error.toResponse();
  return { statusCode: status, headers, body: String(body), isBase64Encoded: false };
}

function respond(response: ServerResponse, result: APIGatewayProxyResult, headers: Record<string, string> = {}): void {
  const body = Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8");
  const sized = result.statusCode === 204 ? {} : { "content-length": String(body.length) };
  response.writeHead(result.statusCode, { ...(result.headers as Record<string, string>), ...sized, ...headers });
  response.end(body);
}
