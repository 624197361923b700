import { initProducerId } from "../../broker/init-producer-id.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import { noQuery } from "../schema/parameters.ts";
import * as schema from "../schema/v3-schema.ts";
import { checkCluster, resource } from "./v3-resource.ts";

export const producerRoutes: readonly Route[] = [
  route({
    method: "POST",
    lambda: "produce",
    query: noQuery,
    accepts: [],
    path: "/v3/clusters/{cluster_id}/producers",
    operationId: "initProducerId",
    summary: "A producer id of one's own, for idempotent produce.",
    response: { status: 201, schema: schema.producer, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const { producerId, producerEpoch } = await initProducerId(context.broker);
      return json(201, {
        ...resource(context, "KafkaProducer", `/${clusterId}/producers/${producerId}`, [
          ["kafka", clusterId],
          ["producer", String(producerId)],
        ]),
        cluster_id: clusterId,
        producer_id: producerId,
        producer_epoch: producerEpoch,
      });
    },
  }),
];
