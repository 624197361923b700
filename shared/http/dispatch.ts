import type { Broker } from "../broker/broker.ts";
import { noteFailure } from "../broker/note-failure.ts";
import { KafkaError } from "../kafka/kafka-error.ts";
import { MAX_REQUEST_BYTES } from "../kafka/limits.ts";
import { negotiate } from "./accept.ts";
import { checkContentType } from "./content-type.ts";
import { HttpError, refusalError } from "./http-error.ts";
import { type HttpRequest, type HttpResponse, JSON_TYPE } from "./http-message.ts";
import { singleObject } from "./json-text.ts";
import type { Route } from "./route.ts";
import type { RoutePath } from "./route-paths.ts";
import { MethodNotAllowed, match } from "./router.ts";
import { check } from "./schema/check.ts";

/** Routes by operationId. */
export type RoutesById = ReadonlyMap<string, Route>;

export function routesById(routes: readonly Route[]): RoutesById {
  return new Map(routes.map((route) => [route.operationId, route]));
}

/**
 * Answers a request: the one way in for every face of HTTP. Never throws. `routes`: those that the process answers.
 * `origin`: scheme and host as the client sees them, without a path.
 */
export async function dispatch(
  broker: Broker,
  routes: RoutesById,
  request: HttpRequest,
  origin: string,
): Promise<HttpResponse> {
  try {
    if (request.body.length > MAX_REQUEST_BYTES) throw bodyTooLarge();
    const { route: found, params, prefix } = match(request.method, request.path);
    const route = routes.get(found.operationId);
    if (route === undefined) throw anotherFunctions(found);
    checkContentType(route.accepts, request);
    // Before anything is done: a produce that cannot be answered must not happen.
    const { mediaTypes, refusedTypes = [] } = route.response;
    const offered = mediaTypes.length === 0 ? [JSON_TYPE] : [...mediaTypes, ...refusedTypes];
    const mediaType = negotiate(request.headers.get("accept"), offered);
    // Every parameter may be left out: without any there is nothing to check.
    const query = request.query.size === 0 ? {} : check(route.query(), singleValues(request), "query parameter");
    const body = route.body === undefined ? undefined : check(route.body(), singleObject(request.body), "field");
    return await route.handle({ broker, request, params, query, body, mediaType, baseUrl: `${origin}${prefix}` });
  } catch (error) {
    return errorResponse(broker, request, error);
  }
}

/** No way in leads here: somebody invoked a function by hand. */
function anotherFunctions({ operationId, lambda }: RoutePath): HttpError {
  return new HttpError(404, 404, `${operationId} is not this function's`, `invoke the function ${lambda}`);
}

export function bodyTooLarge(): HttpError {
  return new HttpError(413, 413, `the body is larger than ${MAX_REQUEST_BYTES} bytes`, "send fewer records at a time", {
    kafka_error: "MESSAGE_TOO_LARGE",
  });
}

function errorResponse(broker: Broker, { method, path }: HttpRequest, error: unknown): HttpResponse {
  if (error instanceof MethodNotAllowed) {
    const headers = { allow: error.allowed.join(", ") };
    return method === "OPTIONS" ? { status: 204, headers, body: "" } : error.toResponse(headers);
  }
  if (error instanceof HttpError) return error.toResponse();
  const isStores = error instanceof KafkaError;
  noteFailure(broker, isStores ? "a store failed" : "a request failed", { method, path: path.slice(0, 200) }, error);
  if (isStores) return refusalError(error).toResponse();
  return new HttpError(500, 50001, "Internal Server Error").toResponse();
}

/** Errors: 400 for a parameter that comes twice. */
function singleValues({ query }: HttpRequest): Record<string, string> {
  const values: Record<string, string> = Object.create(null);
  for (const [name, given] of query) {
    if (given.length > 1)
      throw new HttpError(400, 400, `query parameter ${name.slice(0, 100)} comes ${given.length} times`);
    values[name] = given[0] ?? "";
  }
  return { ...values };
}
