import type { APIGatewayProxyEvent } from "aws-lambda";

/**
 * Whether an event is one of API Gateway's REST API (payload format 1.0), as far as it is read. Others come by a mistake in
 * the set-up (an HTTP API, a function URL) or by hand (the console's test event).
 */
export function isProxyEvent(event: unknown): event is APIGatewayProxyEvent {
  if (!isObject(event)) return false;
  const { httpMethod, path, requestContext, body, headers, multiValueHeaders } = event;
  const { queryStringParameters, multiValueQueryStringParameters } = event;
  return (
    typeof httpMethod === "string" &&
    typeof path === "string" &&
    isObject(requestContext) &&
    (body === undefined || body === null || typeof body === "string") &&
    [headers, queryStringParameters].every((map) => isMapOf(map, isString)) &&
    [multiValueHeaders, multiValueQueryStringParameters].every((map) => isMapOf(map, isList))
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isString = (value: unknown): boolean => typeof value === "string";

const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isString);

function isMapOf(map: unknown, isValue: (value: unknown) => boolean): boolean {
  if (map === undefined || map === null) return true;
  return isObject(map) && Object.values(map).every((value) => value === undefined || isValue(value));
}
