import * as z from "zod/mini";
import { describeCluster } from "../../broker/describe-cluster.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import { atFirstUse } from "../schema/at-first-use.ts";
import { noQuery } from "../schema/parameters.ts";

const reads = { method: "GET", lambda: "fetch", query: noQuery, accepts: [] } as const;

const HEALTH_TIMEOUT_MS = 2_000;

export const openApiRoutes: readonly Route[] = [
  route({
    ...reads,
    path: "/health",
    operationId: "health",
    summary: "Whether the service answers and reaches its store.",
    response: {
      status: 200,
      schema: atFirstUse(() => z.object({ status: z.literal("ok"), cluster_id: z.string() })),
      mediaTypes: [JSON_TYPE],
    },
    handle: async ({ broker }) => {
      const { clusterId } = await describeCluster(broker);
      // The id is remembered; the store is asked again. One small read.
      const asked = broker.metadataStore.clusterId(clusterId);
      await withTimeout(broker.clock, HEALTH_TIMEOUT_MS, "the metadata store", asked);
      return json(200, { status: "ok", cluster_id: clusterId });
    },
  }),
  route({
    ...reads,
    path: "/openapi.json",
    operationId: "openApi",
    summary: "This API as an OpenAPI 3.1 document.",
    response: { status: 200, mediaTypes: [JSON_TYPE] },
    handle: async ({ baseUrl }) => {
      // Loaded at the first call: no other request needs it, and the table it describes contains this route.
      const { openApiDocument } = await import("../openapi.ts");
      return json(200, openApiDocument(baseUrl));
    },
  }),
];
