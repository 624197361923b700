import { DEFAULT_GROUP_CONFIG } from "../../group/group-config.ts";
import { NO_EPOCH } from "../../group/offset-commit.ts";
import { partitionKey } from "../../group/partitions-by-topic.ts";
import { type Refusal, refuse } from "../../kafka/kafka-error.ts";
import { ok, type Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { commitPositions } from "../groups/commit-positions.ts";
import { leaveConsumerGroup } from "../groups/leave-consumer-group.ts";
import { topicOfId } from "../groups/named-partitions.ts";
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
import { orderOf } from "./instance-order.ts";
import { holdInstance } from "./write-instance.ts";

/** What a member is told that has been removed: it joins again, with nothing. */
const REMOVED: ReadonlySet<string> = new Set(["UNKNOWN_MEMBER_ID", "FENCED_MEMBER_EPOCH"]);
/** What it is told that leaves and is no member, or one by a later call, which has subscribed again. */
const NOT_ITS_MEMBER: ReadonlySet<string> = new Set([...REMOVED, "GROUP_ID_NOT_FOUND", "STALE_MEMBER_EPOCH"]);
const MAX_JOINS = 3;
/** Of one turn: one, and one more for each revocation that it answers. */
const MAX_HEARTBEATS = 5;

/** An instance as a call has it: `instance` is what it is to become, from `stored`, which was read or written last. */
export interface InstanceView {
  readonly stored: ConsumerInstance;
  readonly instance: ConsumerInstance;
}

/**
 * `lost`: another call has changed the instance; `instance`: as this one had it, `now`: what the other left. `overtaken`: the coordinator has heard of a
 * later call.
 */
export type Turned =
  | ({ readonly kind: "ready" } & InstanceView)
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "lost"; readonly instance: ConsumerInstance; readonly now: ConsumerInstance | undefined }
  | { readonly kind: "overtaken" };

/**
 * Makes an instance ready to read: a member heartbeats if that is due (it joins, gives up and takes what it is told), and partitions that it has
 * not read of yet begin where they were committed, or where auto.offset.reset says; with "none" they have no offset then: {@link resetRefusal}.
 *
 * Before it joins, and before it tells the coordinator that partitions are given up, it writes the instance without them. Another call of the instance may be
 * about to hand out their records, or have done so meanwhile, and its client be busy with them: then that write is lost, and nothing was given up.
 *
 * Refusals: those of the heartbeat; INVALID_REQUEST for more partitions than an instance holds.
 */
export async function instanceTurn(broker: Broker, view: InstanceView, receivedAt: number): Promise<Turned> {
  let { stored, instance } = view;
  if (!isSubscribed(instance)) {
    const begun = await withBeginnings(broker, instance);
    return begun.ok ? { kind: "ready", stored, instance: begun.value } : { kind: "refused", refusal: begun.refusal };
  }
  if (isMember(instance) && broker.clock.now() < instance.heartbeatAt) return { kind: "ready", stored, instance };
  const patient = withPatience(broker);
  let isGivingUp = !isMember(instance);
  for (let heartbeats = 1, joins = 1; ; heartbeats++) {
    if (isGivingUp) {
      const held = await holdInstance(broker, stored, instance, receivedAt);
      if (!held.isHeld) return { kind: "lost", instance, now: held.now };
      stored = held.held;
      instance = stored;
    }
    const { memberId, memberEpoch, positions } = instance;
    const before = { memberId, memberEpoch, heartbeatIntervalMs: 0, positions };
    const told = await takeTurn(patient, pollOf(instance, receivedAt), before);
    if (told.ok) {
      const { heartbeatIntervalMs, isRevoking = false, ...turn } = told.value;
      if (turn.positions.length > MAX_INSTANCE_PARTITIONS) return tooManyPartitions(turn.positions.length);
      instance = {
        ...instance,
        memberEpoch: turn.memberEpoch,
        positions: withoutResets(instance, turn.positions),
        heartbeatAt: broker.clock.now() + heartbeatIntervalMs,
      };
      isGivingUp = isRevoking;
      if (!isRevoking || heartbeats >= MAX_HEARTBEATS) return { kind: "ready", stored, instance };
    } else {
      const { refusal } = told;
      if (refusal.code === "STALE_MEMBER_EPOCH") return { kind: "overtaken" };
      if (!REMOVED.has(refusal.code) || joins++ === MAX_JOINS) return { kind: "refused", refusal };
      instance = { ...instance, memberEpoch: 0, positions: [] };
      isGivingUp = true;
    }
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
export async function commitHandedOut(
  broker: Broker,
  instance: ConsumerInstance,
  receivedAt: number,
): Promise<ConsumerInstance> {
  if (!instance.autoCommit || instance.positions.length === 0) return instance;
  const committed = await commitPositions(broker, pollOf(instance, receivedAt));
  return committed.ok ? { ...instance, positions: committed.value } : instance;
}

/**
 * Leaves the group, when the item says by now that the instance consumes nothing, or is gone: reads that are still under way find out by that, and leave by
 * themselves. It may be a member without an epoch in its item: a read joined it and died before it could write so. Refusals: COORDINATOR_NOT_AVAILABLE.
 */
export async function leaveGroup(
  broker: Broker,
  instance: ConsumerInstance,
  receivedAt: number,
): Promise<Result<void>> {
  if (instance.consumes.kind === "partitions") return ok(undefined);
  const { groupId, memberId } = instance;
  const left = await leaveConsumerGroup(broker, { groupId, memberId, sequence: orderOf(instance, receivedAt) });
  return left.ok || NOT_ITS_MEMBER.has(left.refusal.code) ? ok(undefined) : left;
}

/** A member that is kept as long as its instance: as with Kafka's consumers, whose heartbeats go on in the background while they poll often enough. */
function withPatience(broker: Broker): Broker {
  const { groupConfig = DEFAULT_GROUP_CONFIG } = broker;
  return { ...broker, groupConfig: { ...groupConfig, consumerSessionTimeoutMs: INSTANCE_TIMEOUT_MS } };
}

/** The instance as a client of polls, in a call that arrived at `receivedAt`. One that was assigned its partitions commits as nobody's member. */
function pollOf(instance: ConsumerInstance, receivedAt: number): Poll & { readonly memberId: string } {
  const { groupId, instanceId, memberId, memberEpoch, consumes, positions, autoCommit } = instance;
  return {
    groupId,
    ...(isSubscribed(instance)
      ? { memberId, memberEpoch, sequence: orderOf(instance, receivedAt) }
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
    receivedAt,
  };
}

/** Of partitions assigned by hand; what cannot be told just now is asked for by the next poll. */
async function withBeginnings(broker: Broker, instance: ConsumerInstance): Promise<Result<ConsumerInstance>> {
  const { groupId } = instance;
  const positions = await ofPresentTopics(broker, instance.positions);
  const unknown = positions.filter(({ offset }) => offset === undefined);
  if (unknown.length === 0) return ok({ ...instance, positions });
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

/** Partitions by hand are a topic's of whatever id: in one that was made anew they have no place yet. */
async function ofPresentTopics(broker: Broker, positions: readonly PollPosition[]): Promise<readonly PollPosition[]> {
  const ids = new Map<string, string>();
  for (const { topic, topicId } of positions) {
    if (ids.has(topic)) continue;
    const isThere = (await topicOfId(broker, topic, topicId)) !== undefined;
    ids.set(topic, isThere ? topicId : ((await broker.topics.get(topic))?.item.topicId ?? topicId));
  }
  return positions.map((each) => {
    const { topic, partition } = each;
    const topicId = ids.get(topic)!;
    return topicId === each.topicId ? each : { topic, topicId, partition };
  });
}

function tooManyPartitions(count: number): Turned {
  const message = `the instance was assigned ${count} partitions, and holds ${MAX_INSTANCE_PARTITIONS}`;
  const refusal = refuse("INVALID_REQUEST", message, "let more instances share the group's partitions");
  return { kind: "refused", refusal };
}
