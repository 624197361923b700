import { PRODUCE_ROUTES } from "../../shared/http/produce-routes.ts";
import { httpHandler } from "../http-handler.ts";

/** The function behind every route that writes. */
export const handler = httpHandler(PRODUCE_ROUTES);
