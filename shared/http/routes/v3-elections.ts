import { describeTopic } from "../../broker/describe-topic.ts";
import { electLeader } from "../../broker/elect-leader.ts";
import { type Refusal, refuse } from "../../kafka/kafka-error.ts";
import { HttpError, refusalError } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import * as schema from "../schema/leader-schema.ts";
import { noQuery } from "../schema/parameters.ts";
import { checkCluster } from "./v3-resource.ts";

const CLUSTER = "/v3/clusters/{cluster_id}";

interface WantedLeader {
  readonly topic_name: string;
  readonly partition_id: number;
  readonly leader?: number | undefined;
}

export const electionRoutes: readonly Route[] = [
  route({
    method: "POST",
    lambda: "produce",
    path: `${CLUSTER}/leader-elections`,
    operationId: "electLeaders",
    summary: "Moves partitions to their preferred leader, or to the one that is named: Kafka's ElectLeaders.",
    query: noQuery,
    body: schema.electLeadersBody,
    accepts: [JSON_TYPE],
    response: { status: 200, schema: schema.electedLeaders, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      await checkCluster(context);
      const { election_type = "PREFERRED", partitions } = context.body;
      if (election_type === "UNCLEAN") {
        throw new HttpError(
          400,
          40002,
          "unclean elections are not supported",
          "wait for a replica in sync to come back",
        );
      }
      const data = [];
      for (const wanted of partitions) data.push(await elect(context, wanted));
      return json(200, { kind: "KafkaLeaderElectionList", data });
    },
  }),
];

/** What became of one partition; one that is refused fails alone. */
async function elect({ broker }: RouteContext, { topic_name, partition_id, leader }: WantedLeader) {
  const place = { topic_name, partition_id };
  const failed = (refusal: Refusal) => ({ ...place, ...refusalError(refusal).body });
  const described = await describeTopic(broker, topic_name);
  if (!described.ok) return failed(described.refusal);
  const registration = described.value.partitions[partition_id];
  if (registration === undefined) {
    return failed(refuse("UNKNOWN_TOPIC_OR_PARTITION", `topic ${topic_name} has no partition ${partition_id}`));
  }
  const wanted = leader ?? registration.replicas[0]!;
  if (wanted === registration.leader) {
    return failed(refuse("ELECTION_NOT_NEEDED", `broker ${wanted} leads already`));
  }
  const elected = await electLeader(broker, { topicId: registration.topicId, partition: partition_id, leader: wanted });
  if (!elected.ok) {
    const isPreferred = leader === undefined && elected.refusal.code === "ELIGIBLE_LEADERS_NOT_AVAILABLE";
    return failed(isPreferred ? { ...elected.refusal, code: "PREFERRED_LEADER_NOT_AVAILABLE" } : elected.refusal);
  }
  broker.topics.invalidate(topic_name);
  const { leaderEpoch, inSyncReplicas } = elected.value;
  return {
    ...place,
    leader: elected.value.leader,
    leader_epoch: leaderEpoch,
    in_sync_replicas: inSyncReplicas,
    error_code: 200,
  };
}
