import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";

/**
 * The event that API Gateway's REST API (v1) makes of a request, every body in base64 (BINARY_MEDIA_TYPES). `receivedAt`: when it was taken in,
 * before its body came, in milliseconds since the epoch.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export function proxyEvent(request: IncomingMessage, body: Buffer, receivedAt: number): APIGatewayProxyEvent {
  const url = urlOf(request.url ?? "/");
  const multiValueHeaders = { "x-forwarded-proto": ["http"], ...definedOnly(request.headersDistinct) };
  const query: Record<string, string[]> = Object.create(null);
  for (const [name, value] of url.searchParams) query[name] = [...(query[name] ?? []), value];
  const last = ([name, values]: [string, string[]]) => [name, values.at(-1)];
  return {
    resource: "/{proxy+}",
    path: url.pathname,
    httpMethod: request.method ?? "GET",
    headers: Object.fromEntries(Object.entries(multiValueHeaders).map(last)),
    multiValueHeaders,
    queryStringParameters: Object.fromEntries(Object.entries(query).map(last)),
    multiValueQueryStringParameters: query,
    pathParameters: { proxy: url.pathname.slice(1) },
    stageVariables: null,
    requestContext: {
      requestId: randomUUID(),
      requestTimeEpoch: receivedAt,
      stage: "local",
      httpMethod: request.method ?? "GET",
      path: url.pathname,
      identity: { sourceIp: request.socket.remoteAddress ?? "", userAgent: request.headers["user-agent"] ?? null },
    } as APIGatewayProxyEvent["requestContext"],
    body: body.length === 0 ? null : body.toString("base64"),
    isBase64Encoded: body.length > 0,
  };
}

/** Writes a handler's result as API Gateway does, with further headers. */
export function respond(
  response: ServerResponse,
  result: APIGatewayProxyResult,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8");
  const sized = result.statusCode === 204 ? {} : { "content-length": String(body.length) };
  response.writeHead(result.statusCode, { ...(result.headers as Record<string, string>), ...sized, ...headers });
  response.end(body);
}

/** A target is a path, or a whole URL as proxies are sent it (RFC 9112, 3.2). A path may begin with two slashes. */
function urlOf(target: string): URL {
  const isPath = target.startsWith("/");
  return URL.parse(isPath ? `http://localhost${target}` : target) ?? new URL("http://localhost/");
}

function definedOnly(values: NodeJS.Dict<string[]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string[]] => !!entry[1]));
}
