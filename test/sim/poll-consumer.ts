import type { Poll, PollPosition } from "../../shared/broker/groups/poll.ts";
import {
  NO_PARTITIONS,
  type PartitionsByTopic,
  partitionKey,
  partitionsByTopic,
} from "../../shared/group/partitions-by-topic.ts";
import { ask, type GroupWorld, processRecords, type Subscription, untilMorning } from "./group-clients.ts";
import type { Believer } from "./group-history.ts";

/** A consumer that is a loop of polls: it remembers nothing but the last answer, and sends what it had to send again if none comes. */
export class PollConsumer implements Believer {
  readonly groupId: string;
  memberId = "";
  memberEpoch = 0;
  /** What it may be busy with: while it polls, nothing. */
  owned: PartitionsByTopic = NO_PARTITIONS;
  readonly subscription: Subscription;
  readonly #world: GroupWorld;
  readonly #name: string;
  #positions: readonly PollPosition[] = [];
  #sequence = 0;
  #lives = 0;

  constructor(world: GroupWorld, groupId: string, name: string, subscription: Subscription) {
    this.#world = world;
    this.groupId = groupId;
    this.#name = name;
    this.subscription = subscription;
    world.history.believers.push(this);
    this.#begin();
  }

  async run(rounds: number): Promise<void> {
    const { scheduler, isOver, isPaused, weather } = this.#world;
    await scheduler.sleep(scheduler.integer(8_000));
    for (let round = 0; !isOver(); round++) {
      await untilMorning(this.#world);
      // A loop that is ended says nothing: its session ends some time.
      if (isPaused()) {
        this.#begin();
        while (isPaused()) await scheduler.sleep(1_000);
      }
      if (round < rounds && scheduler.chance(weather().act)) {
        if (scheduler.chance(0.5)) this.#begin();
        await scheduler.sleep(5_000 + scheduler.integer(30_000));
      }
      await this.#poll();
      await scheduler.sleep(scheduler.integer(800));
    }
  }

  #begin(memberId = `${this.#name}-${this.#lives++}`): void {
    this.memberId = memberId;
    this.memberEpoch = 0;
    this.owned = NO_PARTITIONS;
    this.#positions = [];
    this.#sequence++;
  }

  async #poll(): Promise<void> {
    const { scheduler, history, useCases } = this.#world;
    const { groupId, memberId, memberEpoch, subscription } = this;
    this.owned = NO_PARTITIONS;
    if (memberEpoch === 0) history.mayGo.add(`${groupId} ${memberId}`);
    const request: Poll = {
      groupId,
      memberId,
      memberEpoch,
      sequence: this.#sequence,
      ...(subscription.topics === undefined ? {} : { topics: subscription.topics }),
      ...(subscription.pattern === undefined ? {} : { topicPattern: subscription.pattern }),
      rebalanceTimeoutMs: 10_000,
      clientId: this.#name,
      clientHost: "sim",
      positions: this.#positions,
      commits: true,
      autoOffsetReset: "earliest",
      maxBytes: scheduler.chance(0.5) ? 300 : 1 << 16,
      maxWaitMs: scheduler.integer(4_000),
    };
    scheduler.note(`${memberId} polls in ${memberEpoch}`);
    const polled = await ask(this.#world, (broker, receivedAt) => useCases.poll(broker, { ...request, receivedAt }));
    // A client that tries again may do so with the very same words.
    if (polled === undefined && scheduler.chance(0.5)) return;
    this.#sequence++;
    if (polled === undefined) return;
    if (!polled.ok) {
      const { code, message } = polled.refusal;
      scheduler.note(`${memberId} ${code}`);
      if (code === "UNKNOWN_MEMBER_ID" || code === "FENCED_MEMBER_EPOCH" || code === "GROUP_ID_NOT_FOUND")
        this.#begin(scheduler.chance(0.5) ? memberId : undefined);
      else if (code === "OFFSET_OUT_OF_RANGE") history.report(`${groupId} ${memberId}: ${message}`);
      return;
    }
    const { positions, found } = polled.value;
    this.memberEpoch = polled.value.memberEpoch;
    this.owned = partitionsByTopic(positions);
    history.mayGo.delete(`${groupId} ${memberId}`);
    scheduler.note(`${memberId} in ${this.memberEpoch}: ${JSON.stringify(this.owned)}`);
    await history.checkBeliefs(groupId);
    const ends = new Map<string, number>();
    for (const { position, fetched } of found) {
      if (!fetched.ok) continue;
      const { topicId } = positions.find(
        ({ topic, partition }) => topic === position.topic && partition === position.partition,
      )!;
      const key = partitionKey({ topicId, partition: position.partition });
      if ((ends.get(key) ?? position.offset) !== position.offset) continue;
      await processRecords(this.#world, groupId, { ...position, topicId }, fetched.value.batches);
      ends.set(key, fetched.value.nextOffset);
    }
    const isRead = (position: PollPosition) => ends.has(partitionKey(position));
    const read = positions.filter(isRead).map((each) => ({ ...each, offset: ends.get(partitionKey(each))! }));
    this.#positions = [...positions.filter((each) => !isRead(each)), ...read];
  }
}
