import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import type { HttpRequest, HttpResponse } from "./http-message.ts";
import { RECORD_BATCHES_TYPE } from "./http-message.ts";

/** Media types whose bodies API Gateway hands over in base64, both ways. */
export const BINARY_MEDIA_TYPES: readonly string[] = [RECORD_BATCHES_TYPE];

/** An event of API Gateway's REST API (v1) as a request. */
export function requestFromEvent(event: APIGatewayProxyEvent, signal?: AbortSignal): HttpRequest {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(event.headers ?? {})) {
    if (value !== undefined) headers.set(name.toLowerCase(), value);
  }
  const query = new Map<string, readonly string[]>();
  for (const [name, values] of Object.entries(event.multiValueQueryStringParameters ?? {})) {
    if (values !== undefined) query.set(name, values);
  }
  return {
    method: event.httpMethod,
    path: event.path,
    query,
    headers,
    body: Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8"),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Scheme and host as the client sees them, and the stage where API Gateway's own host name puts it into the path. */
export function originOfEvent({ headers, requestContext }: APIGatewayProxyEvent): string {
  const named = new Map(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const host = named.get("host") ?? requestContext.domainName ?? "localhost";
  const stage = host.includes(".execute-api.") ? `/${requestContext.stage}` : "";
  return `${named.get("x-forwarded-proto") ?? "https"}://${host}${stage}`;
}

/** A response as API Gateway's REST API takes it. */
export function resultFromResponse({ status, headers, body }: HttpResponse): APIGatewayProxyResult {
  if (typeof body === "string") return { statusCode: status, headers: { ...headers }, body, isBase64Encoded: false };
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("base64");
  return { statusCode: status, headers: { ...headers }, body: text, isBase64Encoded: true };
}
