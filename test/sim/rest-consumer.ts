import type { Broker } from "../../shared/broker/broker.ts";
import { assignmentOf } from "../../shared/broker/consumers/assign-instance.ts";
import { createInstance } from "../../shared/broker/consumers/create-instance.ts";
import type { InstanceName } from "../../shared/broker/consumers/instance.ts";
import { committedOf } from "../../shared/broker/consumers/instance-offsets.ts";
import type { InstanceResult } from "../../shared/broker/consumers/instance-refusal.ts";
import { seek } from "../../shared/broker/consumers/seek-instance.ts";
import { subscribe } from "../../shared/broker/consumers/subscribe-instance.ts";
import type { NamedPartition } from "../../shared/broker/groups/named-partitions.ts";
import {
  NO_PARTITIONS,
  type PartitionsByTopic,
  partitionKey,
  partitionsByTopic,
} from "../../shared/group/partitions-by-topic.ts";
import { ask, type GroupWorld, processRecords, type Subscription, untilMorning } from "./group-clients.ts";
import type { Believer } from "./group-history.ts";
import { handOut, nameOf } from "./rest-hand-out.ts";

export interface RestConsumerOptions {
  /** What was handed out is committed by the next read; else by the client. It needs leavesInstances: else an answer that was lost would be committed. */
  readonly commitsByItself: boolean;
  /** It may leave its instance where it is, and go on with another one. */
  readonly leavesInstances: boolean;
}

/**
 * A consumer of the REST Proxy's kind: it has an instance, by name, and each call may go to another process. A read whose answer does not come may have taken
 * records along: then it seeks back to what is committed, or goes on with another instance.
 */
export class RestConsumer implements Believer {
  readonly groupId: string;
  memberId = "";
  /** Of all instances that it had. */
  readonly memberIds = new Set<string>();
  memberEpoch = 0;
  /** What it is busy with, until its next read. */
  owned: PartitionsByTopic = NO_PARTITIONS;
  readonly #world: GroupWorld;
  readonly #name: string;
  readonly #options: RestConsumerOptions;
  #subscription: Subscription;
  #instance: InstanceName | undefined;
  #isSubscribed = false;
  /** It does not know what the instance has handed out, or could not commit it. */
  #isLost = false;
  /** It has sought back: where the instance is may be before what is committed by now. */
  #hasGoneBack = false;
  /** What was handed out and is not known to be committed. */
  #isUncommitted = false;
  #lives = 0;

  constructor(
    world: GroupWorld,
    groupId: string,
    name: string,
    subscription: Subscription,
    options: RestConsumerOptions,
  ) {
    this.#world = world;
    this.groupId = groupId;
    this.#name = name;
    this.#subscription = subscription;
    this.#options = options;
    world.history.believers.push(this);
  }

  async run(rounds: number): Promise<void> {
    const { scheduler, isOver, isPaused, weather } = this.#world;
    await scheduler.sleep(scheduler.integer(8_000));
    for (let round = 0; !isOver(); round++) {
      await untilMorning(this.#world);
      if (isPaused()) {
        await this.#delete();
        while (isPaused()) await scheduler.sleep(1_000);
      }
      if (round < rounds && scheduler.chance(weather().act)) await this.#act();
      await this.#step();
      await scheduler.sleep(scheduler.integer(800));
    }
  }

  async #act(): Promise<void> {
    const { scheduler } = this.#world;
    const dice = scheduler.integer(100);
    if (dice < 30) await scheduler.sleep(5_000 + scheduler.integer(40_000));
    else if (dice < 50 && this.#options.leavesInstances) this.#forget();
    else if (dice < 70) await this.#delete();
    else if (this.#subscription.topics !== undefined) {
      const all = [["t", "u"], ["t", "w"], ["u"], ["t", "u", "v"]];
      this.#subscription = { topics: all[scheduler.integer(all.length)]! };
      this.#isSubscribed = false;
    }
  }

  async #step(): Promise<void> {
    if (this.#instance === undefined) return this.#create();
    if (!this.#isSubscribed) return this.#subscribe(this.#instance);
    if (this.#isLost) return this.#recover(this.#instance);
    await this.#read(this.#instance);
  }

  #forget(): void {
    this.#instance = undefined;
    this.owned = NO_PARTITIONS;
    this.memberEpoch = 0;
    this.#isLost = false;
    this.#hasGoneBack = false;
    this.#isUncommitted = false;
    this.#isSubscribed = false;
  }

  async #create(): Promise<void> {
    const { history } = this.#world;
    const { groupId } = this;
    const instanceId = `${this.#name}-${this.#lives++}`;
    const created = await this.#call((broker, receivedAt) =>
      createInstance(broker, {
        groupId,
        instanceId,
        format: "binary",
        autoOffsetReset: "earliest",
        autoCommit: this.#options.commitsByItself,
        minBytes: 1,
        clientHost: "sim",
        receivedAt,
      }),
    );
    if (!created?.ok) return;
    this.memberId = created.value.memberId;
    this.memberIds.add(this.memberId);
    this.#instance = { groupId, instanceId };
    // One that was removed joins again under its id, and a read may find itself two answers behind.
    history.mayGo.add(`${groupId} ${this.memberId}`);
  }

  async #subscribe(instance: InstanceName): Promise<void> {
    const { topics, pattern = "" } = this.#subscription;
    const subscribed = await this.#call((broker, receivedAt) =>
      subscribe(
        broker,
        { ...instance, receivedAt },
        topics === undefined ? { kind: "pattern", pattern } : { kind: "topics", topics },
      ),
    );
    if (subscribed?.ok) this.#isSubscribed = true;
    else if (subscribed !== undefined) this.#refused(subscribed);
  }

  /** Ends the instance. Whether that came to be does not matter: it expires if it did not, unless nobody may wait for that. */
  async #delete(): Promise<void> {
    const { scheduler, useCases } = this.#world;
    const instance = this.#instance;
    if (instance === undefined) return;
    this.owned = NO_PARTITIONS;
    // What it has not processed must not be committed: an instance that commits by itself would do so.
    if (this.#isLost && this.#options.commitsByItself) return this.#forget();
    for (let tries = 0; tries < 40 && this.#instance !== undefined; tries++) {
      const deleted = await this.#call((broker, receivedAt) =>
        useCases.deleteInstance(broker, { ...instance, receivedAt }),
      );
      if (deleted?.ok || deleted?.refusal.reason === "instance-not-found") this.#forget();
      else await scheduler.sleep(500);
    }
    this.#forget();
  }

  /** Goes back to what is committed; what it is assigned may change while it does so. */
  async #recover(instance: InstanceName): Promise<void> {
    const { leavesInstances, commitsByItself } = this.#options;
    if (commitsByItself || (leavesInstances && this.#world.scheduler.chance(0.5))) return this.#forget();
    this.#hasGoneBack = true;
    const assigned = await this.#call((broker) => assignmentOf(broker, instance));
    if (!assigned?.ok) return this.#refused(assigned);
    const partitions = assigned.value;
    const committed = await this.#call((broker) => committedOf(broker, instance, partitions));
    if (!committed?.ok) return this.#refused(committed);
    const offsets = new Map(committed.value.map((each) => [nameOf(each), each.offset]));
    const seeks = partitions.map((each) => ({ ...each, offset: offsets.get(nameOf(each)) ?? 0 }));
    const sought = await this.#call((broker, receivedAt) => seek(broker, { ...instance, receivedAt }, seeks));
    if (!sought?.ok) return this.#refused(sought);
    const assignedNow = await this.#call((broker) => assignmentOf(broker, instance));
    if (!assignedNow?.ok) return this.#refused(assignedNow);
    const isSame = assignedNow.value.map(nameOf).join() === partitions.map(nameOf).join();
    if (!isSame) return;
    this.#isLost = false;
    this.#isUncommitted = false;
  }

  async #read(instance: InstanceName): Promise<void> {
    const { scheduler, history, useCases, weather } = this.#world;
    const { groupId } = this;
    this.owned = NO_PARTITIONS;
    const epochOf = async () => {
      const { members } = await history.look(groupId);
      const member = members.find((each) => each.member.memberId === this.memberId)?.member;
      return member?.type === "consumer" ? member.memberEpoch : 0;
    };
    const read = await this.#call((broker, receivedAt) =>
      useCases.pollInstance(
        broker,
        {
          ...instance,
          receivedAt,
          formats: ["binary"],
          maxBytes: scheduler.chance(0.5) ? 300 : 1 << 16,
          timeoutMs: scheduler.integer(3_000),
        },
        (found) => handOut(found, epochOf()),
      ),
    );
    if (!read?.ok) return this.#refused(read, true);
    const found = read.value.found.filter(({ fetched }) => fetched.ok);
    this.memberEpoch = await read.value.memberEpoch;
    this.owned = partitionsByTopic(
      found.map(({ position: { topicId, partition } }) => ({ topicId: topicId!, partition })),
    );
    scheduler.note(
      `${this.memberId} of ${instance.instanceId} reads in ${this.memberEpoch}: ${JSON.stringify(this.owned)}`,
    );
    await history.checkBeliefs(groupId);
    const ends = new Map<string, NamedPartition & { readonly topicId: string; readonly offset: number }>();
    for (const { position, fetched } of found) {
      const place = { ...position, topicId: position.topicId! };
      if (!fetched.ok) continue;
      await processRecords(this.#world, groupId, place, fetched.value.batches);
      ends.set(partitionKey(place), { ...place, offset: fetched.value.nextOffset });
    }
    if (this.#options.commitsByItself) return;
    this.#isUncommitted ||= ends.size > 0;
    if (!this.#isUncommitted || scheduler.chance(weather().act)) return;
    // Names alone: what it read before may have been another's meanwhile.
    if (ends.size === 0) return this.#hasGoneBack ? this.#goBack() : this.#commitAll(instance);
    if (!this.#hasGoneBack && scheduler.chance(0.3)) return this.#commitAll(instance);
    await this.#commit(instance, [...ends.values()]);
  }

  #goBack(): void {
    this.#isLost = true;
  }

  /** What the last read handed out, by names. */
  async #commit(
    instance: InstanceName,
    ends: readonly (NamedPartition & { readonly topicId: string; readonly offset: number })[],
  ): Promise<void> {
    const { history, useCases } = this.#world;
    const metadata = `rest ${this.memberId}`;
    const offsets = ends.map(({ topic, partition, offset }) => ({ topic, partition, offset, metadata }));
    const committed = await this.#call((broker, receivedAt) =>
      useCases.commitInstanceOffsets(broker, { ...instance, receivedAt }, offsets),
    );
    if (!committed?.ok) {
      this.#goBack();
      if (committed !== undefined) history.counts.fenced++;
      return this.#refused(committed);
    }
    history.counts.commits++;
    for (const each of ends) await history.checkAcknowledged(this.groupId, each, each.offset, metadata);
    this.#isUncommitted = false;
  }

  /** All that was handed out, whatever it was. Until it is known what became of it nothing else is done. */
  async #commitAll(instance: InstanceName): Promise<void> {
    const { history, useCases } = this.#world;
    for (let tries = 0; tries < 40; tries++) {
      const committed = await this.#call((broker, receivedAt) =>
        useCases.commitInstanceOffsets(broker, { ...instance, receivedAt }, undefined),
      );
      if (committed?.ok) {
        history.counts.commits++;
        this.#isUncommitted = false;
        return;
      }
      if (committed === undefined) continue;
      history.counts.fenced++;
      this.#goBack();
      return this.#refused(committed);
    }
  }

  #call<T>(request: (broker: Broker, receivedAt: number) => Promise<InstanceResult<T>>) {
    return ask(this.#world, request, { patienceMs: 7_000 });
  }

  #refused(answer: InstanceResult<unknown> | undefined, isRead = false): void {
    if (answer === undefined) {
      if (isRead) this.#isLost = true;
      return;
    }
    if (answer.ok) return;
    const { reason, code, message } = answer.refusal;
    this.#world.scheduler.note(`${this.memberId} ${reason ?? code}: ${message}`);
    if (reason === "instance-not-found") this.#forget();
    else if (isRead && code === "OFFSET_OUT_OF_RANGE")
      this.#world.history.report(`${this.groupId} ${this.memberId}: ${message}`);
  }
}
