import type { Broker } from "../../broker/broker.ts";
import { describeTopic } from "../../broker/describe-topic.ts";
import { type ElectedLeader, electAnyLeader } from "../../broker/elect-any-leader.ts";
import type { PartitionRegistration } from "../../broker/metadata-store.ts";
import { moveLeader } from "../../broker/move-leader.ts";
import { RegionReach } from "../../broker/region-reach.ts";
import type { TopicDescription } from "../../broker/topic-description.ts";
import { type Refusal, refuse } from "../../kafka/kafka-error.ts";
import { ok, type Result } from "../../kafka/result.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import { HttpError, refusalError } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import * as schema from "../schema/leader-schema.ts";
import { noQuery } from "../schema/parameters.ts";
import { checkCluster } from "./v3-resource.ts";

const CLUSTER = "/v3/clusters/{cluster_id}";
/** Each waits for a dozen requests between regions, one after the other: as many as may be named have to be done in a request's time. */
const PARTITIONS_AT_ONCE = 16;

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
    summary:
      "Moves partitions to their preferred leader, or to the one that is named: Kafka's ElectLeaders. UNCLEAN: gives those whose leader is gone any leader, where the topic allows it one that was not in sync, which loses records.",
    query: noQuery,
    body: schema.electLeadersBody,
    accepts: [JSON_TYPE],
    response: { status: 200, schema: schema.electedLeaders, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      await checkCluster(context);
      const { election_type = "PREFERRED", partitions } = context.body;
      const elect = election_type === "UNCLEAN" ? await anyLeader(context) : await preferredLeader(context);
      const data: Awaited<ReturnType<typeof electOne>>[] = [];
      // Those of one partition in turn.
      const byPartition = Map.groupBy(partitions.entries(), ([, at]) => `${at.topic_name}#${at.partition_id}`);
      await sideBySide([...byPartition.values()], PARTITIONS_AT_ONCE, async (ofOne) => {
        for (const [index, wanted] of ofOne) data[index] = await electOne(context, wanted, elect);
      });
      return json(200, { kind: "KafkaLeaderElectionList", data });
    },
  }),
];

/** How the leader of one partition is elected. */
type Elect = (
  wanted: WantedLeader,
  topic: TopicDescription,
  registration: PartitionRegistration,
) => Promise<Result<ElectedLeader>>;

/** What became of one partition; one that is refused fails alone. */
async function electOne({ broker }: RouteContext, wanted: WantedLeader, elect: Elect) {
  const { topic_name, partition_id } = wanted;
  const place = { topic_name, partition_id };
  const failed = (refusal: Refusal) => ({ ...place, ...refusalError(refusal).body });
  const described = await describeTopic(broker, topic_name);
  if (!described.ok) return failed(described.refusal);
  const before = described.value.partitions[partition_id];
  if (before === undefined) {
    return failed(refuse("UNKNOWN_TOPIC_OR_PARTITION", `topic ${topic_name} has no partition ${partition_id}`));
  }
  const elected = await elect(wanted, described.value, before);
  if (!elected.ok) return failed(elected.refusal);
  broker.topics.invalidate(topic_name);
  const { registration, unclean } = elected.value;
  return {
    ...place,
    leader: registration.leader,
    leader_epoch: registration.leaderEpoch,
    in_sync_replicas: registration.inSyncReplicas,
    ...(unclean === undefined
      ? {}
      : { unclean: { lost_from_offset: unclean.keptBelow, epoch_start_offset: unclean.startOffset } }),
    error_code: 200,
  };
}

async function preferredLeader({ broker }: RouteContext): Promise<Elect> {
  const reach = await RegionReach.look(broker);
  return async ({ leader }, _, registration) => {
    const moved = await moveLeader(broker, { registration, leader: leader ?? registration.replicas[0]!, reach });
    if (moved.ok) return ok({ registration: moved.value });
    const isPreferred = leader === undefined && moved.refusal.code === "ELIGIBLE_LEADERS_NOT_AVAILABLE";
    if (!isPreferred) return moved;
    return { ok: false, refusal: { ...moved.refusal, code: "PREFERRED_LEADER_NOT_AVAILABLE" } };
  };
}

/** One look at which regions are gone, for all partitions of a request. */
async function anyLeader({
  broker,
  body,
}: {
  broker: Broker;
  body: { partitions: readonly WantedLeader[] };
}): Promise<Elect> {
  if (body.partitions.some(({ leader }) => leader !== undefined)) {
    throw new HttpError(
      400,
      40002,
      "an unclean election chooses the leader itself",
      "leave leader out: the longest log leads",
    );
  }
  const reach = await RegionReach.look(broker);
  return (_, { configs }, registration) => {
    const isUncleanAllowed = configs.some(
      ({ name, value }) => name === "unclean.leader.election.enable" && value === "true",
    );
    return electAnyLeader(broker, { registration, isUncleanAllowed, reach });
  };
}
