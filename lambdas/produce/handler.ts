/** The function behind every route that writes. */
export { httpHandler as handler } from "../http-handler.ts";
