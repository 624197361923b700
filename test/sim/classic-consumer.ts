import { describeTopic } from "../../shared/broker/describe-topic.ts";
import { assignedPartitions } from "../../shared/broker/groups/assigned-partitions.ts";
import type { JoinedGroup } from "../../shared/broker/groups/join-group.ts";
import { subscribedTopicNames } from "../../shared/group/consumer-protocol.ts";
import { NO_PARTITIONS, type PartitionsByTopic, partitionsByTopic } from "../../shared/group/partitions-by-topic.ts";
import { assignmentOf, subscriptionOf, type TopicPartition } from "./classic-protocol-bytes.ts";
import { ask, consume, type GroupWorld, type Place, untilMorning } from "./group-clients.ts";
import { type Believer, commitMetadata } from "./group-history.ts";

const SESSION_TIMEOUT_MS = 8_000;
const REBALANCE_TIMEOUT_MS = 12_000;
const TOPICS = ["t", "u"];

/** A consumer of the classic protocol, by a connection that keeps its requests in order. Whoever leads shares all partitions out. */
export class ClassicConsumer implements Believer {
  readonly groupId: string;
  readonly instanceId: string | undefined;
  memberId = "";
  memberEpoch = 0;
  owned: PartitionsByTopic = NO_PARTITIONS;
  readonly #world: GroupWorld;
  readonly #name: string;
  #places: Place[] = [];
  #assigned: readonly TopicPartition[] = [];
  /** The leader: how many partitions it knew of when it assigned them. */
  #known = 0;
  #calledAt = 0;
  #isStopped = false;

  constructor(world: GroupWorld, groupId: string, name: string, instanceId?: string) {
    this.#world = world;
    this.groupId = groupId;
    this.#name = name;
    this.instanceId = instanceId;
    world.history.believers.push(this);
  }

  async run(rounds: number): Promise<void> {
    const { scheduler, isOver, isPaused, weather } = this.#world;
    await scheduler.sleep(scheduler.integer(8_000));
    for (let round = 0; !isOver() && !this.#isStopped; round++) {
      await untilMorning(this.#world);
      if (isPaused()) {
        await this.#leave();
        while (isPaused()) await scheduler.sleep(1_000);
      }
      if (round < rounds && scheduler.chance(weather().act)) await this.#act();
      if (this.memberEpoch === 0) await this.#join();
      else {
        if (scheduler.now - this.#calledAt > 1_500) await this.#heartbeat();
        if (this.#places.length < this.#assigned.length) await this.#findPlaces();
        const { memberEpoch } = this;
        await consume(this.#world, this.groupId, this.#places, () => memberEpoch === this.memberEpoch);
        if (scheduler.chance(0.6)) await this.#commit();
        if (this.#known > 0 && (await this.#partitions()).length > this.#known) await this.#giveUp();
      }
      await scheduler.sleep(scheduler.integer(1_000));
    }
  }

  async #act(): Promise<void> {
    const { scheduler } = this.#world;
    const dice = scheduler.integer(100);
    if (dice < 25) await this.#leave();
    else if (dice < 40 && this.instanceId !== undefined) await this.#beReplaced();
    else if (dice < 55) {
      await scheduler.sleep(3_000 + scheduler.integer(25_000));
      if (scheduler.chance(0.5)) await this.#commit();
    } else if (dice < 85) {
      this.#haunt();
      this.#begin("");
      await scheduler.sleep(scheduler.integer(15_000));
    } else await this.#giveUp();
  }

  /** Another one takes its place under its instanceId at once, while it sleeps. It wakes up and goes on, while that one does so, too. */
  async #beReplaced(): Promise<void> {
    const { scheduler } = this.#world;
    const other = new ClassicConsumer(this.#world, this.groupId, `${this.#name}b`, this.instanceId);
    const running = other.run(0);
    await scheduler.sleep(scheduler.integer(20_000));
    for (let rounds = 1 + scheduler.integer(4); rounds > 0 && this.memberEpoch > 0; rounds--) {
      const { memberEpoch } = this;
      if (scheduler.chance(0.5)) await this.#commit();
      if (scheduler.chance(0.5) && this.memberEpoch > 0) await this.#heartbeat();
      await consume(this.#world, this.groupId, this.#places, () => memberEpoch === this.memberEpoch);
      await scheduler.sleep(scheduler.integer(2_000));
    }
    other.#isStopped = true;
    await running;
    other.#begin("");
  }

  /** It owns nothing, and joins again. */
  #begin(memberId = this.memberId): void {
    this.memberId = memberId;
    this.memberEpoch = 0;
    this.owned = NO_PARTITIONS;
    this.#places = [];
    this.#assigned = [];
    this.#known = 0;
  }

  /** What it was commits once more, some time. `sentAt`: it goes on under its id, so that only what it sent before can come. */
  #haunt(sentAt?: number): void {
    const { scheduler } = this.#world;
    const [memberId, generationId, places] = [
      this.memberId,
      this.memberEpoch,
      this.#places.map((place) => ({ ...place })),
    ];
    void scheduler.sleep(scheduler.integer(30_000)).then(() => this.#commitAs(memberId, generationId, places, sentAt));
  }

  /** Revokes all and joins again, as the eager protocol has it. */
  async #giveUp(): Promise<void> {
    const { scheduler } = this.#world;
    if (scheduler.chance(0.7)) await this.#commit();
    if (scheduler.chance(0.5)) this.#haunt(Math.floor(scheduler.now));
    this.#begin();
  }

  async #leave(): Promise<void> {
    const { scheduler, history, useCases } = this.#world;
    const { groupId, memberId, instanceId } = this;
    if (scheduler.chance(0.5)) await this.#commit();
    this.#haunt();
    this.#begin();
    // Kafka's static members do not say that they leave.
    if (memberId !== "" && instanceId === undefined) {
      history.mayGo.add(`${groupId} ${memberId}`);
      await this.#ask((broker) => useCases.leaveGroup(broker, { groupId, members: [{ memberId }] }));
    }
    this.memberId = "";
    await scheduler.sleep(scheduler.integer(6_000));
  }

  #ask<T>(request: Parameters<typeof ask<T>>[1], patienceMs = 6_000): Promise<T | undefined> {
    return ask(this.#world, request, { patienceMs, isOrdered: true });
  }

  async #join(): Promise<void> {
    const { useCases } = this.#world;
    const { groupId, memberId, instanceId } = this;
    const joined = await this.#ask(
      (broker) =>
        useCases.joinGroup(broker, {
          groupId,
          memberId,
          ...(instanceId === undefined ? {} : { instanceId }),
          requiresKnownMemberId: true,
          protocolType: "consumer",
          protocols: [{ name: "range", metadata: subscriptionOf(TOPICS) }],
          sessionTimeoutMs: SESSION_TIMEOUT_MS,
          rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
          clientId: this.#name,
          clientHost: "sim",
          maxWaitMs: 16_000,
        }),
      20_000,
    );
    if (joined === undefined) return;
    if (!joined.ok) return this.#refused(joined.refusal.code);
    this.memberId = joined.value.memberId;
    if (joined.value.kind === "joined") await this.#sync(joined.value);
  }

  async #sync({
    generationId,
    leaderId,
    members,
    skipAssignment,
  }: Extract<JoinedGroup, { kind: "joined" }>): Promise<void> {
    const { scheduler, useCases, topics } = this.#world;
    const { groupId, memberId, instanceId } = this;
    const isLeader = leaderId === memberId;
    const partitions = isLeader ? await this.#partitions() : [];
    if (scheduler.chance(0.1)) await scheduler.sleep(scheduler.integer(2_000));
    const subscribers = members.filter(({ metadata }) => subscribedTopicNames(metadata)?.includes("t"));
    const assignments = subscribers.map((each, index) => ({
      memberId: each.memberId,
      assignment: assignmentOf(partitions.filter((_, at) => at % subscribers.length === index)),
    }));
    const synced = await this.#ask(
      (broker) =>
        useCases.syncGroup(broker, {
          groupId,
          memberId,
          ...(instanceId === undefined ? {} : { instanceId }),
          generationId,
          assignments: skipAssignment ? [] : assignments,
          maxWaitMs: 10_000,
        }),
      14_000,
    );
    if (synced === undefined) return;
    if (!synced.ok) return this.#refused(synced.refusal.code);
    this.memberEpoch = generationId;
    this.#assigned = assignedPartitions(synced.value.assignment);
    this.#known = isLeader ? Math.max(1, partitions.length) : 0;
    this.#calledAt = scheduler.now;
    this.owned = partitionsByTopic(
      this.#assigned.map(({ topic, partition }) => ({ topicId: topics.idOf(topic)!, partition })),
    );
    scheduler.note(`${memberId} in generation ${generationId}: ${JSON.stringify(this.owned)}`);
    await this.#world.history.checkBeliefs(groupId);
    await this.#findPlaces();
  }

  async #findPlaces(): Promise<void> {
    const { useCases, topics } = this.#world;
    const { groupId, memberId, memberEpoch } = this;
    const hasPlace = (at: TopicPartition) =>
      this.#places.some(({ topic, partition }) => topic === at.topic && partition === at.partition);
    const partitions = this.#assigned.filter((at) => !hasPlace(at));
    const found = await this.#ask((broker) =>
      useCases.startPositions(broker, { groupId, memberId, memberEpoch, partitions, autoOffsetReset: "earliest" }),
    );
    if (!found?.ok || memberEpoch !== this.memberEpoch) return;
    for (const each of found.value) {
      if (!each.ok) continue;
      const { topic, partition, offset } = each.value;
      this.#places.push({ topicId: topics.idOf(topic)!, topic, partition, offset });
    }
  }

  async #heartbeat(): Promise<void> {
    const { scheduler, useCases } = this.#world;
    const { groupId, memberId, memberEpoch: generationId, instanceId } = this;
    this.#calledAt = scheduler.now;
    const request = { groupId, memberId, generationId, ...(instanceId === undefined ? {} : { instanceId }) };
    const answer = await this.#ask((broker) => useCases.heartbeat(broker, request));
    if (answer === undefined || generationId !== this.memberEpoch) return;
    if (!answer.ok) return this.#refused(answer.refusal.code);
    this.#world.history.mayGo.delete(`${groupId} ${memberId}`);
    if (answer.value.isRebalancing) await this.#giveUp();
  }

  #refused(code: string): void {
    this.#world.scheduler.note(`${this.memberId || this.#name} ${code}`);
    if (code === "UNKNOWN_MEMBER_ID" || code === "FENCED_INSTANCE_ID") this.#begin("");
    else if (code === "ILLEGAL_GENERATION" || code === "REBALANCE_IN_PROGRESS") this.#begin();
  }

  async #commit(): Promise<void> {
    const { memberId, memberEpoch } = this;
    if (memberEpoch === 0) return;
    const refused = await this.#commitAs(memberId, memberEpoch, this.#places);
    if (refused !== undefined && memberEpoch === this.memberEpoch) this.#refused(refused);
  }

  async #commitAs(
    memberId: string,
    generationId: number,
    at: readonly Place[],
    sentAt?: number,
  ): Promise<string | undefined> {
    const { history, useCases } = this.#world;
    const { groupId, instanceId } = this;
    if (at.length === 0 || generationId === 0) return undefined;
    const metadata = commitMetadata(memberId, generationId);
    const places = at.map((place) => ({ ...place }));
    const offsets = places.map(({ topic, partition, offset }) => ({ topic, partition, offset, metadata }));
    const answer = await this.#ask((broker) =>
      useCases.commitOffsets(broker, {
        groupId,
        memberId,
        memberEpoch: generationId,
        ...(instanceId === undefined ? {} : { instanceId }),
        ...(sentAt === undefined ? {} : { receivedAt: sentAt }),
        offsets,
      }),
    );
    if (answer === undefined) return undefined;
    history.counts.commits++;
    if (!answer.ok) {
      history.counts.fenced++;
      return answer.refusal.code;
    }
    for (const [index, { refusal }] of answer.value.entries()) {
      if (refusal === undefined && sentAt === undefined)
        await history.checkAcknowledged(groupId, places[index]!, places[index]!.offset, metadata);
    }
    return undefined;
  }

  async #partitions(): Promise<TopicPartition[]> {
    const found: TopicPartition[] = [];
    for (const topic of TOPICS) {
      const described = await this.#ask((broker) => describeTopic(broker, topic));
      const count = described?.ok ? described.value.partitions.length : 0;
      for (let partition = 0; partition < count; partition++) found.push({ topic, partition });
    }
    return found;
  }
}
