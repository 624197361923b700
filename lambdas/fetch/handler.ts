/** The function behind every route that reads. */
export { httpHandler as handler } from "../http-handler.ts";
