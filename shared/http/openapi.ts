import * as z from "zod/mini";
import { RECORD_BATCHES_TYPE } from "./http-message.ts";
import type { Route } from "./route.ts";
import { ROUTES } from "./route-table.ts";

const ERROR_SCHEMA = {
  type: "object",
  required: ["error_code", "message"],
  properties: {
    error_code: { type: "integer" },
    message: { type: "string" },
    hint: { type: "string" },
    kafka_error: { type: "string", description: "Kafka's name of the error, where it is one of Kafka's." },
    log_start_offset: { type: "integer", description: "With OFFSET_OUT_OF_RANGE." },
    high_watermark: { type: "integer", description: "With OFFSET_OUT_OF_RANGE." },
    log_end_offset: { type: "integer", description: "With EXPECTED_OFFSET_MISMATCH." },
  },
};

/** Statuses of errors, and when they come. */
const ERRORS = {
  400: "The request is wrong in itself, or Kafka refuses it (40002).",
  404: "There is no such cluster, topic, partition or other resource (40401, 40402, 40403).",
  406: "None of the media types in Accept can be answered with.",
  409: "The log's end, the producer's or the member's epoch, or a sequence is not what the request says; a group has members.",
  413: "The body, a batch or a record is too large.",
  415: "The body is of another media type, charset or coding.",
  416: "The offset is outside the log: log_start_offset and high_watermark say where it is.",
  422: "The payload cannot be stored (422xx).",
  500: "The service failed.",
  502: "A store failed.",
  429: "Throttled: try again after Retry-After seconds.",
  503: "A store does not answer: try again after Retry-After seconds.",
  504: "It was not done in time. A produce may be in the log all the same.",
} as const;

/**
 * The API as an OpenAPI 3.1 document, made from the schemas that requests are checked with. `serverUrl`: where the
 * client sees this service.
 */
export function openApiDocument(serverUrl = "/"): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) {
    const path = paths[route.path] ?? {};
    paths[route.path] = path;
    path[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Millrace",
      version: "0.1.0",
      description: "Kafka's log over HTTP. Routes under /v3 answer under /kafka/v3 too.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: serverUrl }],
    paths,
    components: { schemas: { Error: ERROR_SCHEMA }, responses: Object.fromEntries(errorResponses()) },
  };
}

function operation(route: Route): Record<string, unknown> {
  const { status, schema, mediaTypes } = route.response;
  // The types of a 204 are those that a client may ask for; it has no content.
  const content = status === 204 ? undefined : contentOf(mediaTypes, schema?.());
  // What a handler reads by itself may be left out, but for records.
  const isRequired = route.body !== undefined || route.lambda === "produce";
  const body =
    route.accepts.length === 0
      ? {}
      : {
          requestBody: {
            ...(isRequired ? { required: true } : {}),
            content: contentOf(route.accepts, (route.reads ?? route.body)?.()),
          },
        };
  return {
    operationId: route.operationId,
    summary: route.summary,
    parameters: [
      ...pathParameters(route.path),
      ...parameters("query", route.query()),
      ...(route.headers === undefined ? [] : parameters("header", route.headers())),
    ],
    ...body,
    responses: {
      [status]: { description: route.summary, ...(content === undefined ? {} : { content }) },
      ...Object.fromEntries(errorsOf(route).map((code) => [code, { $ref: `#/components/responses/Error${code}` }])),
    },
  };
}

function errorsOf({ path, method, accepts, response, headers, lambda }: Route): number[] {
  const takesBody = accepts.length > 0;
  const isOfGroup = lambda === "coordinator";
  const has: Readonly<Record<number, boolean>> = {
    404: path.includes("{"),
    406: response.mediaTypes.length > 0,
    409: isOfGroup || headers !== undefined,
    413: takesBody,
    415: takesBody,
    416: isOfGroup ? method === "POST" : response.mediaTypes.includes(RECORD_BATCHES_TYPE),
    422: takesBody,
  };
  return Object.keys(ERRORS)
    .map(Number)
    .filter((code) => has[code] ?? true);
}

function errorResponses(): [string, unknown][] {
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
  return Object.entries(ERRORS).map(([code, description]) => [`Error${code}`, { description, content }]);
}

/** Bodies that are not JSON are bytes. */
function contentOf(mediaTypes: readonly string[], schema: z.ZodMiniType | undefined) {
  if (mediaTypes.length === 0) return undefined;
  return Object.fromEntries(
    mediaTypes.map((type) => [
      type,
      { schema: type.endsWith("json") ? jsonSchema(schema) : { type: "string", format: "binary" } },
    ]),
  );
}

function jsonSchema(schema: z.ZodMiniType | undefined): unknown {
  if (schema === undefined) return { type: "object" };
  const { $schema: _, ...made } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return made;
}

/** Parameters of paths that are numbers. */
const NUMBERS: ReadonlySet<string> = new Set(["partition_id", "broker_id", "leader_epoch"]);

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    name: match[1],
    in: "path",
    required: true,
    schema: NUMBERS.has(match[1]!) ? { type: "integer", minimum: 0 } : { type: "string" },
  }));
}

function parameters(place: "query" | "header", described: z.ZodMiniType) {
  const { properties = {} } = jsonSchema(described) as { properties?: Record<string, unknown> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: place, required: false, schema }));
}
