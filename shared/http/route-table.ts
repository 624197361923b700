import { COORDINATOR_ROUTES } from "./coordinator-routes.ts";
import { FETCH_ROUTES } from "./fetch-routes.ts";
import { PRODUCE_ROUTES } from "./produce-routes.ts";
import type { Route } from "./route.ts";

/** Every route there is: the local service, the CDK app and the OpenAPI document read this table; a function has its own. */
export const ROUTES: readonly Route[] = [...FETCH_ROUTES, ...PRODUCE_ROUTES, ...COORDINATOR_ROUTES];
