import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import type { HttpRequest, HttpResponse } from "./http-message.ts";

/**
 * Media types whose bodies API Gateway hands over in base64, and decodes on their way back where the function says so: all,
 * so that a body grows by a third, whatever is in it. As text every quote, backslash and line's end would count twice.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
 */
export const BINARY_MEDIA_TYPES: readonly string[] = ["*/*"];

interface Invocation {
  /** By the clock of this process, in milliseconds since the epoch; absent: when the request arrived is not told. */
  readonly now?: number;
  readonly signal?: AbortSignal;
}

/** An event of API Gateway's REST API (v1) as a request. A header that comes several times is a list (RFC 9110, 5.3). */
export function requestFromEvent(event: APIGatewayProxyEvent, { now, signal }: Invocation = {}): HttpRequest {
  const receivedAt = now === undefined ? undefined : arrivalOf(event, now);
  return {
    method: event.httpMethod,
    path: placeOf(event).path,
    query: lists(event.multiValueQueryStringParameters, event.queryStringParameters),
    headers: headersOf(event),
    body: Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8"),
    ...(receivedAt === undefined ? {} : { receivedAt }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Longer than a function may run. What came earlier is no request that waits, but an event that was kept, or made by hand. */
const MAX_AGE_MS = 15 * 60_000;

/**
 * When API Gateway took the request in: `requestTimeEpoch`, by its clock. One that is ahead of this process's clock counts as now, so that no
 * request can be newer than those that are still to come. undefined: it cannot be told.
 */
function arrivalOf({ requestContext }: APIGatewayProxyEvent, now: number): number | undefined {
  const { requestTimeEpoch: at } = requestContext as Partial<APIGatewayProxyEvent["requestContext"]>;
  if (!Number.isSafeInteger(at) || at! < now - MAX_AGE_MS) return undefined;
  return Math.min(at!, now);
}

const HOST = /^([\w.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?$/;

/**
 * Scheme and host as the client sees them, and what stands before the API's own paths: the stage at API Gateway's own host
 * name, the base path at a custom domain. The headers are the client's: what is no host is not repeated.
 */
export function originOfEvent(event: APIGatewayProxyEvent): string {
  const headers = headersOf(event);
  const { domainName = "localhost", stage } = event.requestContext;
  const given = headers.get("host") ?? "";
  const host = HOST.test(given) && URL.canParse(`http://${given}`) ? given : domainName;
  const scheme = headers.get("x-forwarded-proto") === "http" ? "http" : "https";
  return `${scheme}://${host}${host.includes(".execute-api.") ? `/${stage}` : placeOf(event).basePath}`;
}

interface Place {
  readonly basePath: string;
  readonly path: string;
}

const BASE_PATH = /^(\/[\w.~!$&'()*+,;=:@-]+)+$/;

/**
 * The path as the routes know it, and the base path of a custom domain, which event.path has in front of it and the greedy
 * path parameter has not: https://github.com/CodeGenieApp/serverless-express/issues/216
 *
 * Both are percent-encoded as the client sent them:
 * https://github.com/localstack/localstack/blob/main/tests/aws/services/apigateway/test_apigateway_lambda.snapshot.json
 * (recorded from AWS).
 */
function placeOf(event: APIGatewayProxyEvent): Place {
  const { path } = event;
  const own = ownPathOf(event);
  const whole = withoutSlash(path);
  const suffix = withoutSlash(own ?? "");
  const before = own !== undefined && whole.endsWith(suffix) ? whole.slice(0, whole.length - suffix.length) : "";
  const basePath = BASE_PATH.test(before) ? before : "";
  return { basePath, path: encoded(path.slice(basePath.length) || "/") };
}

/** What the API has of the path: its resource, with the parameters in their places. Events that are made by hand may lack either: undefined. */
function ownPathOf({ resource = "/{proxy+}", pathParameters }: Partial<APIGatewayProxyEvent>): string | undefined {
  let isWhole = true;
  const own = resource.replace(/\{(\w+)\+?\}/g, (_, name: string) => {
    const value = pathParameters?.[name];
    if (!value) isWhole = false;
    return value ?? "";
  });
  return isWhole ? own : undefined;
}

const withoutSlash = (path: string) => path.replace(/\/$/, "");

/**
 * A path as it may stand in a URL. One that is percent-encoded stays as it is; whoever has decoded it already, as some
 * emulators do, left characters in it that no URL has, and these are encoded again.
 */
function encoded(path: string): string {
  return path.replace(/%(?![0-9A-Fa-f]{2})|[^\w.~!$&'()*+,;=:@%/-]+/g, (found) =>
    encodeURIComponent(found.toWellFormed()),
  );
}

function headersOf({ headers, multiValueHeaders }: APIGatewayProxyEvent): Map<string, string> {
  const named = new Map<string, string>();
  for (const [name, values] of lists(multiValueHeaders, headers)) named.set(name.toLowerCase(), values.join(", "));
  return named;
}

/** Events that are made by hand often lack one of the two. */
function lists(
  multiple: Record<string, string[] | undefined> | null,
  single: Record<string, string | undefined> | null,
): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(single ?? {})) if (value !== undefined) found.set(name, [value]);
  for (const [name, values] of Object.entries(multiple ?? {})) if (values !== undefined) found.set(name, values);
  return found;
}

/** Bytes of text up to which it goes as it is, easy to read in a log or a console. */
const MAX_PLAIN_BYTES = 64 * 1024;

/**
 * A response as API Gateway's REST API takes it. What is large goes in base64: then the function's answer, which is JSON, is
 * four thirds of the body, where as text in JSON it may be twice as large and more.
 */
export function resultFromResponse({ status, headers, body }: HttpResponse): APIGatewayProxyResult {
  if (typeof body === "string" && body.length <= MAX_PLAIN_BYTES) {
    return { statusCode: status, headers: { ...headers }, body, isBase64Encoded: false };
  }
  const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length);
  return { statusCode: status, headers: { ...headers }, body: bytes.toString("base64"), isBase64Encoded: true };
}
