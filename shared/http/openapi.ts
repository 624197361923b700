import { z } from "zod";
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
  },
};

/** The API as an OpenAPI 3.1 document, made from the schemas that requests are checked with. */
export function openApiDocument(): Record<string, unknown> {
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
    servers: [{ url: "/" }],
    paths,
    components: { schemas: { Error: ERROR_SCHEMA } },
  };
}

function operation(route: Route): Record<string, unknown> {
  const { status, schema, mediaTypes } = route.response;
  const content = contentOf(mediaTypes, schema);
  const body =
    route.accepts.length === 0 ? {} : { requestBody: { content: contentOf(route.accepts, route.body ?? route.reads) } };
  return {
    operationId: route.operationId,
    summary: route.summary,
    parameters: [
      ...pathParameters(route.path),
      ...parameters("query", route.query),
      ...(route.headers === undefined ? [] : parameters("header", route.headers)),
    ],
    ...body,
    responses: {
      [status]: { description: route.summary, ...(content === undefined ? {} : { content }) },
      default: {
        description: "An error.",
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    },
  };
}

/** Bodies that are not JSON are bytes. */
function contentOf(mediaTypes: readonly string[], schema: z.ZodType | undefined) {
  if (mediaTypes.length === 0) return undefined;
  return Object.fromEntries(
    mediaTypes.map((type) => [
      type,
      { schema: type.endsWith("json") ? jsonSchema(schema) : { type: "string", format: "binary" } },
    ]),
  );
}

function jsonSchema(schema: z.ZodType | undefined): unknown {
  if (schema === undefined) return { type: "object" };
  const { $schema: _, ...made } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return made;
}

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    name: match[1],
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function parameters(place: "query" | "header", described: z.ZodType) {
  const { properties = {} } = jsonSchema(described) as { properties?: Record<string, unknown> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: place, required: false, schema }));
}
