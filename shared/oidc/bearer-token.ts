/**
 * The token of an Authorization header, or undefined where there is not exactly one in JWS compact serialization: three
 * base64url parts. An encrypted token has five, an unsigned one an empty third, two headers joined have a comma.
 * https://www.rfc-editor.org/rfc/rfc6750#section-2.1, https://www.rfc-editor.org/rfc/rfc7515#section-7.1
 */
export function bearerToken(header: string | undefined): string | undefined {
  if (typeof header !== "string" || header.length > MAX_HEADER_LENGTH) return undefined;
  return /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header)?.[1];
}

/**
 * All headers together have 10,240 bytes with API Gateway: a longer one did not come through it.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
 */
export const MAX_HEADER_LENGTH = 10_240;
