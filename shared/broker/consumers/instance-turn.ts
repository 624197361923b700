import { DEFAULT_GROUP_CONFIG } from "../../group/group-config.ts";
import { NO_EPOCH } from "../../group/offset-commit.ts";
import { partitionKey } from "../../group/partitions-by-topic.ts";
import { type Refusal, refuse } from "../../kafka/kafka-error.ts";
import { ok, type Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { commitPositions } from "../groups/commit-positions.ts";
import { leaveConsumerGroup } from "../groups/leave-consumer-group.ts";
import type { Poll, PollPosition } from "../groups/poll.ts";
import { startPositions } from "../groups/start-positions.ts";
import { takeTurn } from "../groups/take-turn.ts";
import {
  type ConsumerInstance,
  INSTANCE_TIMEOUT_MS,
  isMember,
  isSubscribed,
  MAX_INSTANCE_PARTITIONS,
} from "./instance.ts";

/** What a member is told that has been removed: it joins again, with nothing. */
const REMOVED: ReadonlySet<string> = new Set(["UNKNOWN_MEMBER_ID", "FENCED_MEMBER_EPOCH"]);
const MAX_JOINS = 3;

/**
 * Makes an instance ready to read: a member heartbeats if that is due (it joins, gives up and takes what it is told), and partitions that it has
 * not read of yet begin where they were committed, or where auto.offset.reset says; with "none" they have no offset then: {@link resetRefusal}.
 * Refusals: those of the heartbeat (STALE_MEMBER_EPOCH: a later call was faster); INVALID_REQUEST for more partitions than an instance holds.
 */
export async function instanceTurn(broker: Broker, instance: ConsumerInstance): Promise<Result<ConsumerInstance>> {
  if (!isSubscribed(instance)) return withBeginnings(broker, instance);
  if (isMember(instance) && broker.clock.now() < instance.heartbeatAt) return ok(instance);
  const patient = withPatience(broker);
  let current = instance;
  for (let joins = 1; ; joins++) {
    const { memberId, memberEpoch, positions } = current;
    const told = await takeTurn(patient, pollOf(current), { memberId, memberEpoch, heartbeatIntervalMs: 0, positions });
    if (told.ok) {
      const { heartbeatIntervalMs, ...turn } = told.value;
      if (turn.positions.length > MAX_INSTANCE_PARTITIONS) return tooManyPartitions(turn.positions.length);
      return ok({
        ...current,
        memberEpoch: turn.memberEpoch,
        positions: withoutResets(current, turn.positions),
        heartbeatAt: broker.clock.now() + heartbeatIntervalMs,
      });
    }
    if (!REMOVED.has(told.refusal.code) || joins === MAX_JOINS) return told;
    current = { ...current, memberEpoch: 0, positions: [] };
  }
}

/** Why an instance with auto.offset.reset "none" cannot be read of: it has a partition that nothing is committed for, and has not sought. */
export function resetRefusal({ autoOffsetReset, positions }: ConsumerInstance): Refusal | undefined {
  const lacking = autoOffsetReset === "none" ? positions.find(({ offset }) => offset === undefined) : undefined;
  if (lacking === undefined) return undefined;
  const message = `no offset is committed for ${lacking.topic}-${lacking.partition}, and auto.offset.reset is none`;
  return refuse("OFFSET_OUT_OF_RANGE", message, "commit an offset, or seek to one");
}

/**
 * With "none", a partition without a committed offset is the instance's all the same: it may seek. So the reset is asked for as if it were another,
 * and what it led to is taken back.
 */
function withoutResets({ autoOffsetReset, positions }: ConsumerInstance, now: readonly PollPosition[]) {
  if (autoOffsetReset !== "none") return now;
  const known = new Set(positions.flatMap((each) => (each.offset === undefined ? [] : [partitionKey(each)])));
  return now.map((each): PollPosition => {
    if (each.committedOffset !== undefined || known.has(partitionKey(each))) return each;
    const { topic, topicId, partition } = each;
    return { topic, topicId, partition };
  });
}

const resetOf = ({ autoOffsetReset }: ConsumerInstance) => (autoOffsetReset === "none" ? "earliest" : autoOffsetReset);

/**
 * With auto commit, commits what earlier polls handed out. What is refused is left: the partition is another's by now, which reads on from what is
 * committed, and the next heartbeat says so.
 */
export async function commitHandedOut(broker: Broker, instance: ConsumerInstance): Promise<ConsumerInstance> {
  if (!instance.autoCommit || instance.positions.length === 0) return instance;
  const committed = await commitPositions(broker, pollOf(instance));
  return committed.ok ? { ...instance, positions: committed.value } : instance;
}

/** Leaves the group if the instance is a member of it, what was handed out committed before. Refusals: COORDINATOR_NOT_AVAILABLE. */
export async function leaveGroup(broker: Broker, instance: ConsumerInstance): Promise<Result<void>> {
  await commitHandedOut(broker, instance);
  if (!isMember(instance)) return ok(undefined);
  const { groupId, memberId } = instance;
  const left = await leaveConsumerGroup(broker, { groupId, memberId });
  const isGone = !left.ok && (REMOVED.has(left.refusal.code) || left.refusal.code === "GROUP_ID_NOT_FOUND");
  return isGone ? ok(undefined) : left;
}

/** A member that is kept as long as its instance: as with Kafka's consumers, whose heartbeats go on in the background while they poll often enough. */
function withPatience(broker: Broker): Broker {
  const { groupConfig = DEFAULT_GROUP_CONFIG } = broker;
  return { ...broker, groupConfig: { ...groupConfig, consumerSessionTimeoutMs: INSTANCE_TIMEOUT_MS } };
}

/** The instance as a client of polls. One that was assigned its partitions commits as nobody's member. */
function pollOf(instance: ConsumerInstance): Poll & { readonly memberId: string } {
  const { groupId, instanceId, memberId, memberEpoch, consumes, positions, autoCommit } = instance;
  return {
    groupId,
    ...(isSubscribed(instance)
      ? { memberId, memberEpoch, sequence: instance.sequence }
      : { memberId: "", memberEpoch: NO_EPOCH }),
    ...(consumes.kind === "topics" ? { topics: consumes.topics } : {}),
    ...(consumes.kind === "pattern" ? { topicPattern: consumes.pattern } : {}),
    rebalanceTimeoutMs: INSTANCE_TIMEOUT_MS,
    clientId: instanceId,
    clientHost: instance.clientHost,
    positions,
    commits: autoCommit,
    autoOffsetReset: resetOf(instance),
    maxBytes: 0,
    maxWaitMs: 0,
  };
}

/** Of partitions assigned by hand; what cannot be told just now is asked for by the next poll. */
async function withBeginnings(broker: Broker, instance: ConsumerInstance): Promise<Result<ConsumerInstance>> {
  const { groupId, positions } = instance;
  const unknown = positions.filter(({ offset }) => offset === undefined);
  if (unknown.length === 0) return ok(instance);
  const found = await startPositions(broker, { groupId, partitions: unknown, autoOffsetReset: resetOf(instance) });
  if (!found.ok) return found;
  const beginnings = new Map<string, PollPosition>();
  for (const [index, each] of found.value.entries()) {
    const position = unknown[index]!;
    if (!each.ok) continue;
    const { offset, isCommitted } = each.value;
    beginnings.set(partitionKey(position), {
      ...position,
      offset,
      ...(isCommitted ? { committedOffset: offset } : {}),
    });
  }
  const begun = positions.map((each) => beginnings.get(partitionKey(each)) ?? each);
  return ok({ ...instance, positions: withoutResets(instance, begun) });
}

function tooManyPartitions(count: number): Result<never> {
  const message = `the instance was assigned ${count} partitions, and holds ${MAX_INSTANCE_PARTITIONS}`;
  return { ok: false, refusal: refuse("INVALID_REQUEST", message, "let more instances share the group's partitions") };
}
