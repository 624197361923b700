import { offsetsForLeaderEpoch } from "../../broker/offsets-for-leader-epoch.ts";
import { HttpError, refusalError, unwrap } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import * as schema from "../schema/leader-schema.ts";
import { noQuery } from "../schema/parameters.ts";
import { checkCluster, partitionOf } from "./v3-resource.ts";

const MAX_EPOCH = 2 ** 31 - 1;

export const leaderEpochRoutes: readonly Route[] = [
  route({
    method: "GET",
    lambda: "fetch",
    path: "/v3/clusters/{cluster_id}/topics/{topic_name}/partitions/{partition_id}/leader-epochs/{leader_epoch}",
    operationId: "offsetsForLeaderEpoch",
    summary: "Where an epoch of a partition's leaders ends: Kafka's OffsetsForLeaderEpoch.",
    query: noQuery,
    accepts: [],
    response: { status: 200, schema: schema.leaderEpoch, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const topic = context.params["topic_name"]!;
      const partition = partitionOf(context);
      const asked = { topic, partition, leaderEpoch: epochOf(context) };
      const found = await offsetsForLeaderEpoch(context.broker, asked);
      // Here it is a resource that is not there, rather than a broker that has not heard of its epoch.
      if (!found.ok && found.refusal.code === "UNKNOWN_LEADER_EPOCH") {
        throw refusalError(found.refusal, { status: 404, errorCode: 404 });
      }
      const { leaderEpoch, endOffset, isUnclean } = unwrap(found);
      return json(200, {
        kind: "KafkaLeaderEpoch",
        cluster_id: clusterId,
        topic_name: topic,
        partition_id: partition,
        leader_epoch: leaderEpoch,
        end_offset: endOffset,
        is_unclean: isUnclean,
      });
    },
  }),
];

function epochOf({ params }: RouteContext): number {
  const text = params["leader_epoch"]!;
  const epoch = Number(text);
  if (/^\d{1,10}$/.test(text) && epoch <= MAX_EPOCH) return epoch;
  throw new HttpError(400, 400, `leader_epoch must be an integer from 0 to ${MAX_EPOCH}`);
}
