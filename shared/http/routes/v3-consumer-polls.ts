import { type Poll, type Polled, type PollPosition, poll } from "../../broker/groups/poll.ts";
import { sequenceOf } from "../../broker/groups/take-turn.ts";
import { JOIN_EPOCH } from "../../group/consumer-heartbeat.ts";
import type { ErrorCode } from "../../kafka/error-code.ts";
import type { Refusal } from "../../kafka/kafka-error.ts";
import { DEFAULT_FETCH_BYTES, MAX_FETCH_BYTES } from "../../kafka/limits.ts";
import { HttpError, refusalError } from "../http-error.ts";
import { JSON_TYPE } from "../http-message.ts";
import { MAX_RECORD_LIST_BYTES, recordList } from "../record-list.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import * as schema from "../schema/consumer-schema.ts";
import { noQuery } from "../schema/parameters.ts";
import { given } from "./given.ts";
import { groupClient } from "./group-client.ts";
import { checkCluster } from "./v3-resource.ts";

/** Kafka's max.poll.interval.ms. */
const DEFAULT_REBALANCE_TIMEOUT_MS = 300_000;

export const consumerPollRoutes: readonly Route[] = [
  route({
    method: "POST",
    lambda: "coordinator",
    path: "/v3/clusters/{cluster_id}/consumer-groups/{consumer_group_id}/poll",
    operationId: "pollRecords",
    summary:
      "A consumer's whole turn: commits what was handed out last, heartbeats, and fetches from what is assigned. The answer's next is the next request's body.",
    query: noQuery,
    body: schema.pollBody,
    accepts: [JSON_TYPE],
    response: { status: 200, schema: schema.polled, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const groupId = context.params["consumer_group_id"]!;
      const request = pollOf(context, groupId);
      const polled = await poll(context.broker, request);
      // What comes next is later, whatever the clocks say that it comes by.
      const nextSequence = (sequenceOf(request) ?? 0) + 1;
      if (!polled.ok) throw pollError(polled.refusal, context.body, nextSequence);
      const { memberId, memberEpoch, heartbeatIntervalMs } = polled.value;
      const handedOut = handOut(polled.value, context.body, nextSequence);
      const head = JSON.stringify({
        kind: "KafkaConsumerPoll",
        cluster_id: clusterId,
        consumer_group_id: groupId,
        member_id: memberId,
        member_epoch: memberEpoch,
        heartbeat_interval_ms: heartbeatIntervalMs,
      });
      const { texts, next } = handedOut;
      const body = `${head.slice(0, -1)},"data":[${texts.join(",")}],"next":${next}}`;
      return { status: 200, headers: { "content-type": JSON_TYPE }, body };
    },
  }),
];

type PollBody = ReturnType<typeof schema.pollBody>["_zod"]["output"];

function pollOf(context: RouteContext<unknown, PollBody>, groupId: string): Poll {
  const { body, request } = context;
  const isJoining = (body.member_epoch ?? JOIN_EPOCH) === JOIN_EPOCH;
  return {
    groupId,
    memberEpoch: body.member_epoch ?? JOIN_EPOCH,
    sequence: body.sequence ?? 0,
    ...given({
      memberId: body.member_id,
      instanceId: body.instance_id,
      rackId: body.rack_id,
      serverAssignor: body.server_assignor,
      topics: body.topics,
      topicPattern: body.topic_pattern,
      receivedAt: request.receivedAt,
      signal: request.signal,
    }),
    rebalanceTimeoutMs: body.rebalance_timeout_ms ?? DEFAULT_REBALANCE_TIMEOUT_MS,
    ...groupClient(context, body.client_id),
    positions: isJoining ? [] : (body.positions ?? []).map(positionOf),
    commits: body.commit ?? true,
    autoOffsetReset: body.auto_offset_reset ?? "latest",
    maxBytes: body.max_bytes ?? DEFAULT_FETCH_BYTES,
    // As a fetch: the next poll may reach another process.
    maxColdBytes: body.max_bytes ?? MAX_FETCH_BYTES,
    maxWaitMs: body.timeout_ms ?? 0,
  };
}

function positionOf(body: NonNullable<PollBody["positions"]>[number]): PollPosition {
  const { topic_id: topicId, topic_name: topic, partition_id: partition, offset, committed_offset } = body;
  return { topicId, topic, partition, ...given({ offset, committedOffset: committed_offset }) };
}

/** The records as text, as many as an answer holds, and the body of the next poll, in which what was read last comes last. */
function handOut({ memberId, memberEpoch, positions, found }: Polled, body: PollBody, sequence: number) {
  const member = { member_id: memberId, member_epoch: memberEpoch, sequence };
  const next = (at: readonly PollPosition[]) => JSON.stringify({ ...body, ...member, positions: at.map(positionBody) });
  // Offsets may grow by some digits.
  let left = MAX_RECORD_LIST_BYTES - Buffer.byteLength(next(positions)) - positions.length * 16;
  const formats = { key: body.key_format ?? undefined, value: body.value_format ?? undefined };
  const texts: string[] = [];
  const ends = new Map<string, number>();
  for (const { position, fetched } of found) {
    const key = `${position.partition}#${position.topic}`;
    // It comes twice, and the first time did not fit as a whole.
    if (!fetched.ok || (ends.get(key) ?? position.offset) < position.offset) continue;
    const where = JSON.stringify({ topic_name: position.topic, partition_id: position.partition }).slice(0, -1);
    const maxBytes = Math.max(0, left);
    const room = { maxBytes, mustFit: texts.length > 0, each: where.length };
    const list = recordList(fetched.value, position.offset, formats, room);
    for (const text of list.texts) {
      texts.push(`${where},${text.slice(1)}`);
      left -= Buffer.byteLength(text) + where.length + 1;
    }
    // What there was no room for stays where it is, and comes first.
    if (list.nextOffset > position.offset) ends.set(key, list.nextOffset);
    if (list.nextOffset < fetched.value.nextOffset) break;
  }
  const isRead = ({ topic, partition }: PollPosition) => ends.has(`${partition}#${topic}`);
  const moved = positions
    .filter(isRead)
    .map((each) => ({ ...each, offset: ends.get(`${each.partition}#${each.topic}`)! }));
  return { texts, next: next([...positions.filter((each) => !isRead(each)), ...moved]) };
}

function positionBody({ topic, topicId, partition, offset, committedOffset }: PollPosition) {
  return {
    topic_name: topic,
    topic_id: topicId,
    partition_id: partition,
    offset: offset ?? null,
    committed_offset: committedOffset ?? null,
  };
}

/** It is no member any more: what it was handed out last may be handed out again, to others. */
const FENCED: ReadonlySet<ErrorCode> = new Set([
  "UNKNOWN_MEMBER_ID",
  "FENCED_MEMBER_EPOCH",
  "STALE_MEMBER_EPOCH",
  "GROUP_ID_NOT_FOUND",
]);

/**
 * An error that says what to send next, where there is something to send: who was fenced begins again. Under its id only if it is a member still,
 * so that what it has is free at once.
 */
function pollError(refusal: Refusal, body: PollBody, nextSequence: number): HttpError {
  const error = refusalError(refusal);
  const isMember = (body.member_epoch ?? JOIN_EPOCH) !== JOIN_EPOCH;
  if (!isMember || !FENCED.has(refusal.code)) return error;
  const { member_epoch: _, positions: __, member_id, sequence: ___, ...rest } = body;
  const isStillThere = refusal.code === "FENCED_MEMBER_EPOCH";
  const next = isStillThere ? { ...rest, member_id, sequence: nextSequence } : rest;
  const { status, errorCode, message, fields } = error;
  return new HttpError(status, errorCode, message, "poll with next: it joins again", { ...fields, next });
}
