import { commitOffsets } from "../../broker/groups/commit-offsets.ts";
import { deleteOffsets } from "../../broker/groups/delete-offsets.ts";
import { describeGroup } from "../../broker/groups/describe-group.ts";
import { type FetchedOffset, fetchOffsets } from "../../broker/groups/fetch-offsets.ts";
import type { NamedPartition } from "../../broker/groups/named-partitions.ts";
import type { Refusal } from "../../kafka/kafka-error.ts";
import { badRequest, HttpError, refusalError, unwrap } from "../http-error.ts";
import { type HttpResponse, JSON_TYPE, json } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import * as schema from "../schema/consumer-schema.ts";
import { noQuery } from "../schema/parameters.ts";
import { given } from "./given.ts";
import { groupPath } from "./group-resource.ts";
import { itemPage } from "./item-page.ts";
import { checkCluster, pageResponse } from "./v3-resource.ts";

const OFFSETS = "/v3/clusters/{cluster_id}/consumer-groups/{consumer_group_id}/offsets";

export const consumerOffsetRoutes: readonly Route[] = [
  route({
    method: "POST",
    lambda: "coordinator",
    path: OFFSETS,
    operationId: "commitOffsets",
    summary:
      "Commits offsets: as a member, fenced by its epoch, or as nobody while the group has no members. OffsetCommit.",
    query: noQuery,
    body: schema.commitOffsetsBody,
    accepts: [JSON_TYPE],
    response: { status: 200, schema: schema.committedOffsets, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const groupId = context.params["consumer_group_id"]!;
      const { member_id, member_epoch, instance_id, offsets } = context.body;
      const committed = unwrap(
        await commitOffsets(context.broker, {
          groupId,
          ...given({ memberId: member_id, memberEpoch: member_epoch, instanceId: instance_id }),
          ...given({ receivedAt: context.request.receivedAt }),
          offsets: offsets.map(({ topic_name, partition_id, offset, leader_epoch, metadata }) => ({
            topic: topic_name,
            partition: partition_id,
            offset,
            ...given({ leaderEpoch: leader_epoch, metadata }),
          })),
        }),
      );
      return eachAnswered("KafkaOffsetCommitList", clusterId, groupId, committed);
    },
  }),
  route({
    method: "GET",
    lambda: "coordinator",
    path: OFFSETS,
    operationId: "listOffsets",
    summary:
      "What a group has committed, of a topic or a partition if told; a member that says who it is has to be in its epoch. OffsetFetch.",
    query: schema.offsetsQuery,
    accepts: [],
    response: { status: 200, schema: schema.groupOffsets, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const groupId = context.params["consumer_group_id"]!;
      const { topic_name: topic, partition_id: partition, member_id, member_epoch, page_token } = context.query;
      if (partition !== undefined && topic === undefined)
        throw badRequest("partition_id is of a topic: give topic_name");
      unwrap(await describeGroup(context.broker, groupId));
      const isOne = topic !== undefined && partition !== undefined;
      const fetched = unwrap(
        await fetchOffsets(context.broker, {
          groupId,
          ...given({ memberId: member_id, memberEpoch: member_epoch }),
          ...(isOne ? { partitions: [{ topic, partition }] } : {}),
        }),
      );
      const offsets = fetched.map((each) => unwrap(each)).filter((each) => topic === undefined || each.topic === topic);
      const page = itemPage(offsets, page_token, offsetBody);
      const filter = new URLSearchParams(given({ topic_name: topic, partition_id: partition?.toString() })).toString();
      const path = `${groupPath(clusterId, groupId)}/offsets${filter === "" ? "" : `?${filter}`}`;
      return pageResponse(context, "KafkaConsumerGroupOffsetList", path, page);
    },
  }),
  route({
    method: "DELETE",
    lambda: "coordinator",
    path: OFFSETS,
    operationId: "deleteOffsets",
    summary:
      "Deletes what a group has committed for a topic that none of its members subscribes to, or for a partition of it. OffsetDelete.",
    query: schema.deleteOffsetsQuery,
    accepts: [],
    response: { status: 200, schema: schema.deletedOffsets, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const groupId = context.params["consumer_group_id"]!;
      const { topic_name: topic, partition_id } = context.query;
      if (topic === undefined)
        throw badRequest("topic_name is missing", "to delete all that a group has, delete the group");
      const deleted = unwrap(
        await deleteOffsets(context.broker, {
          groupId,
          topic,
          ...given({ partition: partition_id, receivedAt: context.request.receivedAt }),
        }),
      );
      return eachAnswered("KafkaOffsetDeletionList", clusterId, groupId, deleted);
    },
  }),
];

function offsetBody({ topic, topicId, partition, offset, leaderEpoch, metadata, committedAt }: FetchedOffset) {
  return {
    topic_name: topic,
    topic_id: topicId,
    partition_id: partition,
    offset: offset ?? null,
    leader_epoch: leaderEpoch ?? -1,
    metadata: metadata ?? "",
    committed_at: committedAt ?? null,
  };
}

type Answered = NamedPartition & { readonly refusal: Refusal | undefined };

/**
 * What became of each partition. 200 if all is done; 207 if some are refused, each with its error; if all are, the status of the first.
 */
export function eachAnswered<A extends Answered>(
  kind: string,
  clusterId: string,
  groupId: string,
  answers: readonly A[],
  more: Readonly<Record<string, unknown>> = {},
  moreOf: (answer: A) => object = () => ({}),
): HttpResponse {
  const data = answers.map((answer) => ({
    topic_name: answer.topic,
    partition_id: answer.partition,
    ...moreOf(answer),
    ...(answer.refusal === undefined ? { error_code: 200 } : refusalError(answer.refusal).shortBody),
  }));
  const refusals = answers.flatMap(({ refusal }) => refusal ?? []);
  const whole = { kind, cluster_id: clusterId, consumer_group_id: groupId, ...more, data };
  const [first] = refusals;
  if (first === undefined) return json(200, whole);
  if (refusals.length < answers.length) return json(207, whole);
  const { status, errorCode, message, hint, fields } = refusalError(first);
  return new HttpError(status, errorCode, message, hint, { ...fields, data }).toResponse();
}
