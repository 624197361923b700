import type * as z from "zod/mini";
import type { Broker } from "../broker/broker.ts";
import type { HttpRequest, HttpResponse } from "./http-message.ts";

export interface RouteContext<Query = unknown, Body = unknown> {
  readonly broker: Broker;
  readonly request: HttpRequest;
  /** Path parameters, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  /** What the answer is to be: of the route's media types, the one that the client likes best. */
  readonly mediaType: string;
  /** Where the client sees this service, with `/kafka` if it asked under it: what links begin with. */
  readonly baseUrl: string;
}

/** A schema, made when it is first asked for: schema/at-first-use.ts. */
type MadeAtFirstUse = () => z.ZodMiniType;

/** One route: all that the Lambda handlers, the local service, the CDK app and the OpenAPI document know of it. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With parameters in braces, as API Gateway writes them. Routes under /v3 answer under /kafka/v3 too. */
  readonly path: string;
  /** The function that answers: `fetch` only reads, `coordinator` has all that is about consumer groups. */
  readonly lambda: "produce" | "fetch" | "coordinator";
  readonly operationId: string;
  readonly summary: string;
  readonly query: MadeAtFirstUse;
  /** The JSON object in the body; undefined: the handler reads the body itself, or there is none. */
  readonly body?: MadeAtFirstUse;
  /** What the body holds, for the OpenAPI document, where the handler reads it, or parts of it, itself. */
  readonly reads?: MadeAtFirstUse;
  /** Headers that the handler reads, for the OpenAPI document. */
  readonly headers?: MadeAtFirstUse;
  /** What the body may be; none: no body. */
  readonly accepts: readonly string[];
  readonly response: {
    readonly status: number;
    readonly schema?: MadeAtFirstUse;
    readonly mediaTypes: readonly string[];
    /** Types that the handler refuses by itself, with an error that says more than 406. */
    readonly refusedTypes?: readonly string[];
  };
  handle(context: RouteContext): Promise<HttpResponse>;
}

interface RouteDefinition<Q extends z.ZodMiniType, B extends z.ZodMiniType | undefined>
  extends Omit<Route, "query" | "body" | "handle"> {
  readonly query: () => Q;
  readonly body?: () => B;
  handle(context: RouteContext<z.output<Q>, B extends z.ZodMiniType ? z.output<B> : undefined>): Promise<HttpResponse>;
}

/** Ties a handler's types to its schemas. */
export function route<Q extends z.ZodMiniType, B extends z.ZodMiniType | undefined = undefined>(
  definition: RouteDefinition<Q, B>,
): Route {
  return definition as unknown as Route;
}
