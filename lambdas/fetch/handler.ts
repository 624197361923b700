import { FETCH_ROUTES } from "../../shared/http/fetch-routes.ts";
import { httpHandler } from "../http-handler.ts";

/** The function behind every route that reads. */
export const handler = httpHandler(FETCH_ROUTES);
