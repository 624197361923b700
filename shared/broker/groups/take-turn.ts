import {
  type ConsumerGroupHeartbeat,
  type ConsumerGroupHeartbeatAnswer,
  JOIN_EPOCH,
} from "../../group/consumer-heartbeat.ts";
import {
  difference,
  isEmpty,
  type PartitionsByTopic,
  partitionKey,
  partitionsByTopic,
} from "../../group/partitions-by-topic.ts";
import { ok, type Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { consumerGroupHeartbeat } from "./consumer-group-heartbeat.ts";
import type { Poll, PollPosition } from "./poll.ts";
import { startPositions } from "./start-positions.ts";

/** Who a polling member is by now, and what it has. */
export interface Turn {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  readonly positions: readonly PollPosition[];
  /** It was told to give partitions up, which are not among the positions any more; that it did, the coordinator was not told yet. */
  readonly isRevoking?: boolean;
}

/**
 * The order of a poll among the member's others: no less than the time of its arrival, and than what the member was told to say next, so that clocks
 * which differ a little do not put a poll before the one whose answer it follows. undefined: neither is known.
 */
export function sequenceOf({ sequence, receivedAt }: Pick<Poll, "sequence" | "receivedAt">): number | undefined {
  return receivedAt === undefined ? sequence : Math.max(sequence ?? 0, receivedAt);
}

/**
 * Heartbeats, and does what the coordinator tells: partitions that are taken away are given up, which is for the next turn to say, and new ones begin where
 * they were committed or auto.offset.reset says. Refusals: those of the heartbeat; OFFSET_OUT_OF_RANGE with auto.offset.reset "none".
 */
export async function takeTurn(broker: Broker, request: Poll, before: Turn): Promise<Result<Turn>> {
  // What it says it owns tells the coordinator, too, whether the answer that it had before was lost.
  const owned = partitionsByTopic(before.positions);
  const told = await consumerGroupHeartbeat(broker, heartbeatOf(request, before, owned));
  if (!told.ok) return told;
  const { isRevoking: _, ...turn } = afterHeartbeat(before, told.value);
  const isRevoking = !isEmpty(difference(owned, partitionsByTopic(turn.positions)));
  return withOffsets(broker, request, isRevoking ? { ...turn, isRevoking } : turn);
}

function heartbeatOf(request: Poll, { memberId, memberEpoch }: Turn, owned: PartitionsByTopic): ConsumerGroupHeartbeat {
  const { groupId, instanceId, rackId, serverAssignor, topics, topicPattern, clientId, clientHost } = request;
  const sequence = sequenceOf(request);
  const isJoining = memberEpoch === JOIN_EPOCH;
  return {
    groupId,
    memberId,
    memberEpoch,
    ...(sequence === undefined ? {} : { sequence }),
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(rackId === undefined ? {} : { rackId }),
    ...(serverAssignor === undefined ? {} : { serverAssignor }),
    ...(topics === undefined ? {} : { subscribedTopicNames: topics }),
    ...(topicPattern === undefined ? {} : { subscribedTopicRegex: topicPattern }),
    ...(isJoining ? { rebalanceTimeoutMs: request.rebalanceTimeoutMs } : {}),
    ...(isJoining ? {} : { topicPartitions: owned }),
    clientId,
    clientHost,
  };
}

function afterHeartbeat(turn: Turn, answer: ConsumerGroupHeartbeatAnswer): Turn {
  const { memberEpoch, heartbeatIntervalMs, assignment } = answer;
  if (assignment === undefined) return { ...turn, memberEpoch, heartbeatIntervalMs };
  const told = new Map(
    assignment.flatMap(({ topicId, topic, partitions }) =>
      partitions.map((partition): [string, PollPosition] => [
        partitionKey({ topicId, partition }),
        { topicId, topic, partition },
      ]),
    ),
  );
  // Those that it had before stay in their order, which says who is read first.
  const kept = turn.positions.filter((each) => told.has(partitionKey(each)));
  for (const each of kept) told.delete(partitionKey(each));
  return { ...turn, memberEpoch, heartbeatIntervalMs, positions: [...told.values(), ...kept] };
}

/** Finds out where partitions begin that the member has not read of yet; what cannot be told just now is asked for in the next turn. */
async function withOffsets(broker: Broker, request: Poll, turn: Turn): Promise<Result<Turn>> {
  const unknown = turn.positions.filter(({ offset }) => offset === undefined);
  if (unknown.length === 0) return ok(turn);
  const { memberId, memberEpoch } = turn;
  const { groupId, autoOffsetReset } = request;
  const found = await startPositions(broker, { groupId, memberId, memberEpoch, partitions: unknown, autoOffsetReset });
  if (!found.ok) return found;
  const beginnings = new Map<string, PollPosition>();
  for (const [index, each] of found.value.entries()) {
    const position = unknown[index]!;
    if (each.ok) {
      const { offset, isCommitted } = each.value;
      beginnings.set(partitionKey(position), { ...position, offset, ...(isCommitted && { committedOffset: offset }) });
    } else if (each.refusal.code === "OFFSET_OUT_OF_RANGE") return each;
  }
  return ok({ ...turn, positions: turn.positions.map((each) => beginnings.get(partitionKey(each)) ?? each) });
}
