import type { Broker } from "../../shared/broker/broker.ts";
import { deleteInstance } from "../../shared/broker/consumers/delete-instance.ts";
import { commitInstanceOffsets } from "../../shared/broker/consumers/instance-offsets.ts";
import { pollInstance } from "../../shared/broker/consumers/poll-instance.ts";
import { commitOffsets } from "../../shared/broker/groups/commit-offsets.ts";
import { consumerGroupHeartbeat } from "../../shared/broker/groups/consumer-group-heartbeat.ts";
import { deleteGroup } from "../../shared/broker/groups/delete-group.ts";
import { fetchPartitions } from "../../shared/broker/groups/fetch-partitions.ts";
import { heartbeat } from "../../shared/broker/groups/heartbeat.ts";
import { joinGroup } from "../../shared/broker/groups/join-group.ts";
import { leaveGroup } from "../../shared/broker/groups/leave-group.ts";
import { poll } from "../../shared/broker/groups/poll.ts";
import { startPositions } from "../../shared/broker/groups/start-positions.ts";
import { sweepGroups } from "../../shared/broker/groups/sweep-groups.ts";
import { syncGroup } from "../../shared/broker/groups/sync-group.ts";
import {
  listPartitions,
  type PartitionsByTopic,
  partitionKey,
  type TopicIdPartition,
} from "../../shared/group/partitions-by-topic.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import { withTimeout } from "../../shared/runtime/timeout.ts";
import { textsOf } from "./clients.ts";
import type { GroupHistory } from "./group-history.ts";
import type { GroupTopics } from "./group-topics.ts";
import type { Scheduler } from "./scheduler.ts";

/** What a face would call: a planted bug has others. */
export const USE_CASES = {
  commitInstanceOffsets,
  commitOffsets,
  consumerGroupHeartbeat,
  deleteGroup,
  deleteInstance,
  fetchPartitions,
  heartbeat,
  joinGroup,
  leaveGroup,
  poll,
  pollInstance,
  startPositions,
  sweepGroups,
  syncGroup,
};
export type UseCases = typeof USE_CASES;

export interface GroupWorld {
  readonly scheduler: Scheduler;
  readonly history: GroupHistory;
  readonly useCases: UseCases;
  /** Any process: a client's next request may go to another one. */
  readonly broker: () => Broker;
  /** How bad it is: chances, of one request. */
  readonly weather: () => Weather;
  /** Everybody is to leave, and to wait until this is over. */
  readonly isPaused: () => boolean;
  /** Everybody sleeps where it is, for longer than any session. */
  readonly isNight: () => boolean;
  readonly isOver: () => boolean;
  readonly topics: GroupTopics;
  /** Rises with every request, as a clock does. */
  nextSequence(): number;
}

export interface Weather {
  /** It is looked at only long after it was sent, when its sender may have given it up. */
  readonly late: number;
  readonly loseAnswer: number;
  /** A consumer does something else than to consume. */
  readonly act: number;
}

export const CALM: Weather = { late: 0, loseAnswer: 0, act: 0 };

/** Beyond a session. */
const LATEST_MS = 25_000;
const PATIENCE_MS = 6_000;

/**
 * What a request was answered with; undefined: nothing came in time, and the request goes its own way. `isOrdered`: it comes by a connection, so that it is
 * not looked at after what is sent later; otherwise it may be.
 */
export async function ask<T>(
  { scheduler, broker, history, weather }: GroupWorld,
  request: (broker: Broker, receivedAt: number) => Promise<T>,
  { patienceMs = PATIENCE_MS, isOrdered = false }: { patienceMs?: number; isOrdered?: boolean } = {},
): Promise<T | undefined> {
  const answering = async (): Promise<T> => {
    await scheduler.sleep(scheduler.integer(30));
    const receivedAt = Math.floor(scheduler.now);
    if (!isOrdered && scheduler.chance(weather().late)) await scheduler.sleep(scheduler.integer(LATEST_MS));
    const answer = await request(broker(), receivedAt);
    if (scheduler.chance(weather().loseAnswer)) return new Promise<never>(() => {});
    await scheduler.sleep(scheduler.integer(30));
    return answer;
  };
  try {
    const answer = await withTimeout(
      scheduler.clock(() => 0),
      patienceMs,
      "answering",
      answering(),
    );
    history.counts.answers++;
    return answer;
  } catch (error) {
    if (!(error instanceof KafkaError))
      history.report(`a request failed: ${error instanceof Error ? error.stack : error}`);
    history.counts.unanswered++;
    return undefined;
  }
}

export interface Subscription {
  readonly topics?: readonly string[];
  readonly pattern?: string;
}

/** A consumer's place in a partition. */
export interface Place {
  readonly topicId: string;
  readonly topic: string;
  readonly partition: number;
  offset: number;
}

/** Fetches from these places and processes what comes: in the end they are behind it. `isAlive`: whether the consumer still is who it was. */
export async function consume(
  world: GroupWorld,
  groupId: string,
  places: readonly Place[],
  isAlive: () => boolean,
): Promise<void> {
  const { scheduler, history, useCases, topics } = world;
  const positions = places.map(({ topicId, topic, partition, offset }) => ({ topicId, topic, partition, offset }));
  if (positions.length === 0) return;
  const maxBytes = scheduler.chance(0.5) ? 300 : 1 << 16;
  const maxWaitMs = scheduler.integer(1_000);
  const found = await ask(world, (broker) => useCases.fetchPartitions(broker, { positions, maxBytes, maxWaitMs }));
  for (const { position, fetched } of found ?? []) {
    if (!isAlive()) return;
    const place = places.find(({ topic, partition }) => topic === position.topic && partition === position.partition)!;
    if (!fetched.ok) {
      const { code, message } = fetched.refusal;
      if (code === "OFFSET_OUT_OF_RANGE" && topics.exists(place.topicId))
        history.report(`${groupId} ${partitionKey(place)}: ${message}`);
      continue;
    }
    // The places are behind what was found before; a partition may come twice.
    if (place.offset !== position.offset) continue;
    await processRecords(world, groupId, place, fetched.value.batches);
    place.offset = Math.max(place.offset, fetched.value.nextOffset);
  }
}

/** Where a member begins with these; those that it is not told are left out. */
export async function placesOf(
  world: GroupWorld,
  member: { readonly groupId: string; readonly memberId: string; readonly memberEpoch: number },
  partitions: readonly TopicIdPartition[],
): Promise<Place[]> {
  if (partitions.length === 0) return [];
  const { useCases, topics, scheduler } = world;
  const { groupId, memberId, memberEpoch } = member;
  const named = partitions.map(({ topicId, partition }) => ({ topic: topics.nameOf(topicId), partition }));
  const request = { groupId, memberId, memberEpoch, partitions: named, autoOffsetReset: "earliest" } as const;
  const found = await ask(world, (broker) => useCases.startPositions(broker, request));
  if (!found?.ok) return [];
  return found.value.flatMap((each, index): Place[] => {
    if (!each.ok) return [];
    const { topic, offset } = each.value;
    const { topicId, partition } = partitions[index]!;
    scheduler.note(`${memberId} begins ${topic}-${partition} of ${topicId} at ${offset}`);
    return [{ topicId, topic, partition, offset }];
  });
}

export async function processRecords(
  world: GroupWorld,
  groupId: string,
  place: Place,
  batches: Uint8Array,
): Promise<void> {
  for (const { offset, value } of textsOf(batches, place.offset)) {
    if (world.scheduler.chance(0.1)) await world.scheduler.sleep(world.scheduler.integer(200));
    world.history.process(groupId, partitionKey(place), offset, value);
  }
}

/** Sleeps until morning, if it is night. */
export async function untilMorning({ scheduler, isNight }: GroupWorld): Promise<void> {
  if (!isNight()) return;
  while (isNight()) await scheduler.sleep(5_000);
  await scheduler.sleep(scheduler.integer(5_000));
}

/** What is told of an assignment, as a set. */
export function assignedSet(
  assignment: readonly { topicId: string; partitions: readonly number[] }[],
): PartitionsByTopic {
  return Object.fromEntries(assignment.map(({ topicId, partitions }) => [topicId, partitions]));
}

export function keysOf(set: PartitionsByTopic): ReadonlySet<string> {
  return new Set(listPartitions(set).map(partitionKey));
}
