import type { Route } from "./route.ts";
import { ROUTES } from "./route-table.ts";

/** What tells one route from the others. */
export type RoutePath = Pick<Route, "operationId" | "method" | "path" | "lambda">;

/**
 * Where every route is, whichever function it belongs to: a function that has a part of the routes must still tell a path
 * that is another's from one that nobody has. Bundles have it as a literal, and with it none of the others' code:
 * infra/bundling/route-paths.ts.
 */
export const ROUTE_PATHS: readonly RoutePath[] = ROUTES.map(({ operationId, method, path, lambda }) => ({
  operationId,
  method,
  path,
  lambda,
}));
