import { z } from "zod";
import { describeCluster } from "../../broker/describe-cluster.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";

const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;

let document: string | undefined;

export const openApiRoutes: readonly Route[] = [
  route({
    ...reads,
    path: "/health",
    operationId: "health",
    summary: "Whether the service answers and reaches its store.",
    response: {
      status: 200,
      schema: z.object({ status: z.literal("ok"), cluster_id: z.string() }),
      mediaTypes: [JSON_TYPE],
    },
    handle: async ({ broker }) => json(200, { status: "ok", cluster_id: (await describeCluster(broker)).clusterId }),
  }),
  route({
    ...reads,
    path: "/openapi.json",
    operationId: "openApi",
    summary: "This API as an OpenAPI 3.1 document.",
    response: { status: 200, mediaTypes: [JSON_TYPE] },
    handle: async () => {
      // Loaded at the first call: no other request needs it, and the table it describes contains this route.
      const { openApiDocument } = await import("../openapi.ts");
      document ??= JSON.stringify(openApiDocument());
      return { status: 200, headers: { "content-type": JSON_TYPE }, body: document };
    },
  }),
];
