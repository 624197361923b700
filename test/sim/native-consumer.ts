import type { ConsumerGroupHeartbeat } from "../../shared/group/consumer-heartbeat.ts";
import {
  difference,
  intersection,
  isEmpty,
  listPartitions,
  NO_PARTITIONS,
  type PartitionsByTopic,
  partitionKey,
} from "../../shared/group/partitions-by-topic.ts";
import {
  ask,
  assignedSet,
  consume,
  type GroupWorld,
  keysOf,
  type Place,
  placesOf,
  type Subscription,
  untilMorning,
} from "./group-clients.ts";
import { type Believer, commitMetadata } from "./group-history.ts";
import { heartbeatOf } from "./native-heartbeat.ts";

/** What is left of a consumer that is gone: a request of it may still come. */
type Ghost = Pick<NativeConsumer, "memberId" | "memberEpoch" | "owned"> & {
  readonly places: readonly Place[];
  /** When its request was sent; absent: it is yet to be. */
  readonly sentAt?: number;
};

/** A consumer by heartbeats, fetches and commits, each by a request of its own. */
export class NativeConsumer implements Believer {
  readonly groupId: string;
  memberId = "";
  memberEpoch = 0;
  owned: PartitionsByTopic = NO_PARTITIONS;
  subscription: Subscription;
  readonly instanceId: string | undefined;
  readonly #world: GroupWorld;
  readonly #name: string;
  readonly #places = new Map<string, Place>();
  /** Its next heartbeat says everything: it does not know what became of the last one. */
  #isUnsure = true;
  #lives = 0;
  /** What it owns has changed since it said so last. */
  #isNews = false;
  #calledAt = 0;
  #isStopping = false;
  #isStopped = false;

  constructor(world: GroupWorld, groupId: string, name: string, subscription: Subscription, instanceId?: string) {
    this.#world = world;
    this.groupId = groupId;
    this.#name = name;
    this.subscription = subscription;
    this.instanceId = instanceId;
    world.history.believers.push(this);
    this.#begin();
  }

  async run(rounds: number): Promise<void> {
    const { scheduler, isOver, isPaused, weather } = this.#world;
    await scheduler.sleep(scheduler.integer(8_000));
    for (let round = 0; !isOver(); round++) {
      await untilMorning(this.#world);
      if (this.#isStopping) return this.#end();
      if (isPaused()) await this.#waitOutside();
      if (round < rounds && scheduler.chance(weather().act)) await this.#act();
      const isDue = scheduler.now - this.#calledAt >= 1_500;
      if (isDue || this.memberEpoch === 0) await this.#heartbeat();
      const { memberId } = this;
      await consume(this.#world, this.groupId, [...this.#places.values()], () => memberId === this.memberId);
      if (scheduler.chance(0.6)) await this.#commit();
      await scheduler.sleep(scheduler.integer(1_200));
    }
  }

  subscribe(subscription: Subscription): void {
    this.subscription = subscription;
    this.#isUnsure = true;
  }

  /** Leaves for good, as when it is scaled down, as soon as it is done with what it is at. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    while (!this.#isStopped) await this.#world.scheduler.sleep(100);
  }

  async #act(): Promise<void> {
    const { scheduler } = this.#world;
    const dice = scheduler.integer(100);
    if (dice < 20) await this.#leave(-1);
    else if (dice < 30) await this.#leave(this.instanceId === undefined ? -1 : -2);
    else if (dice < 50) {
      // It freezes, and what it does first when it wakes up is up to chance.
      await scheduler.sleep(5_000 + scheduler.integer(45_000));
      const first = scheduler.integer(4);
      if (first < 2) await this.#commit();
      if (first === 2) await consume(this.#world, this.groupId, [...this.#places.values()], () => true);
    } else if (dice < 60 && this.instanceId !== undefined) await this.#beReplaced();
    else if (dice < 70) {
      this.#haunt();
      this.#begin();
      await scheduler.sleep(scheduler.integer(20_000));
    } else if (dice < 80) {
      this.#haunt(Math.floor(scheduler.now));
      this.#begin(this.memberId);
    } else {
      const all: Subscription[] = [
        { topics: ["t", "u"] },
        { topics: ["t"] },
        { pattern: "t|u" },
        { topics: ["u", "w"] },
        { pattern: "[tuvw]" },
      ];
      this.subscribe(all[scheduler.integer(all.length)]!);
    }
  }

  /** Another one takes its place under its instanceId while it sleeps. It wakes up before that one is gone, and goes on. */
  async #beReplaced(): Promise<void> {
    const { scheduler } = this.#world;
    const { groupId, subscription, instanceId } = this;
    const other = new NativeConsumer(this.#world, groupId, `${this.#name}b`, subscription, instanceId);
    void other.run(0);
    await scheduler.sleep(8_000 + scheduler.integer(30_000));
    for (let rounds = 1 + scheduler.integer(4); rounds > 0; rounds--) {
      const { memberId } = this;
      if (scheduler.chance(0.5)) await this.#commit();
      if (scheduler.chance(0.5)) await this.#heartbeat();
      await consume(this.#world, groupId, [...this.#places.values()], () => memberId === this.memberId);
      await scheduler.sleep(scheduler.integer(2_000));
    }
    await other.stop();
  }

  /** It owns nothing, and joins: as somebody else unless told. */
  #begin(memberId = `${this.#name}-${this.#lives++}`): void {
    this.memberId = memberId;
    this.memberEpoch = 0;
    this.owned = NO_PARTITIONS;
    this.#places.clear();
    this.#isUnsure = true;
  }

  async #waitOutside(): Promise<void> {
    const { scheduler, isPaused } = this.#world;
    if (scheduler.chance(0.7)) await this.#leave(-1);
    else this.#begin();
    while (isPaused()) await scheduler.sleep(1_000);
    await scheduler.sleep(scheduler.integer(5_000));
  }

  async #end(): Promise<void> {
    await this.#commit();
    this.#world.history.mayGo.add(`${this.groupId} ${this.memberId}`);
    this.owned = NO_PARTITIONS;
    await this.#ask({ memberEpoch: -1 });
    this.memberEpoch = 0;
    this.#isStopped = true;
  }

  async #leave(memberEpoch: -1 | -2): Promise<void> {
    const { history, scheduler } = this.#world;
    if (scheduler.chance(0.5)) await this.#commit();
    history.mayGo.add(`${this.groupId} ${this.memberId}`);
    const keepsId = scheduler.chance(0.3) && memberEpoch === -1;
    this.#haunt(keepsId ? Math.floor(scheduler.now) : undefined);
    this.owned = NO_PARTITIONS;
    this.#places.clear();
    if (this.memberEpoch > 0) await this.#ask({ memberEpoch });
    this.#begin(keepsId ? this.memberId : undefined);
    await scheduler.sleep(scheduler.integer(10_000));
  }

  /**
   * What it was comes back some time: a commit or a heartbeat in an epoch of before. `sentAt`: it goes on under its id, so that only what it sent
   * before can come.
   */
  #haunt(sentAt?: number): void {
    const { scheduler, nextSequence } = this.#world;
    const { memberId, memberEpoch, owned } = this;
    if (memberEpoch === 0 || !scheduler.chance(0.6)) return;
    const places = [...this.#places.values()].map((place) => ({ ...place }));
    const ghost: Ghost = { memberId, memberEpoch, owned, places, ...(sentAt === undefined ? {} : { sentAt }) };
    const sequence = nextSequence();
    const haunt = async () => {
      await scheduler.sleep(scheduler.integer(40_000));
      if (scheduler.chance(0.7)) await this.#commitAs(ghost);
      else await this.#ask({ memberId, memberEpoch, topicPartitions: owned, sequence });
    };
    void haunt();
  }

  #ask(change: Partial<ConsumerGroupHeartbeat> = {}) {
    const { nextSequence, useCases, history } = this.#world;
    const { groupId, memberId, memberEpoch } = this;
    // Whoever joins under an id that is a member's asks to be removed first.
    if (memberEpoch === 0) history.mayGo.add(`${groupId} ${memberId}`);
    const isFull = memberEpoch === 0 || this.#isUnsure;
    // As Kafka's: said when it has changed, and otherwise it need not be.
    const saysOwned = isFull || this.#isNews || this.#world.scheduler.chance(0.5);
    const common = { sequence: nextSequence(), clientId: this.#name };
    const request = { ...heartbeatOf(this, isFull, saysOwned), ...common, ...change };
    this.#world.scheduler.note(
      `${request.memberId} calls ${request.sequence} in ${request.memberEpoch}: ${JSON.stringify(request.topicPartitions)}`,
    );
    return ask(this.#world, (broker) => useCases.consumerGroupHeartbeat(broker, request));
  }

  async #heartbeat(): Promise<void> {
    const { scheduler, history } = this.#world;
    this.#calledAt = scheduler.now;
    const { memberId } = this;
    const told = await this.#ask();
    if (told === undefined) {
      this.#isUnsure = true;
      return;
    }
    if (!told.ok) return this.#refused(told.refusal.code);
    this.#isUnsure = false;
    this.#isNews = false;
    this.memberEpoch = told.value.memberEpoch;
    history.mayGo.delete(`${this.groupId} ${memberId}`);
    const { assignment } = told.value;
    scheduler.note(
      `${memberId} in ${this.memberEpoch}${assignment === undefined ? "" : `: ${JSON.stringify(assignedSet(assignment))}`}`,
    );
    if (assignment === undefined) return history.checkBeliefs(this.groupId);
    const next = assignedSet(assignment);
    // What is taken from it, it may be busy with for a while; only then it says that it has given it up.
    if (!isEmpty(difference(this.owned, next))) {
      if (scheduler.chance(0.5)) await this.#commit();
      if (scheduler.chance(0.3)) await scheduler.sleep(scheduler.integer(3_000));
      if (memberId !== this.memberId) return;
    }
    this.owned = intersection(this.owned, next);
    const kept = keysOf(this.owned);
    for (const key of this.#places.keys()) if (!kept.has(key)) this.#places.delete(key);
    this.#isNews = true;
    this.owned = next;
    await history.checkBeliefs(this.groupId);
    await this.#findPlaces();
  }

  #refused(code: string): void {
    const { scheduler } = this.#world;
    scheduler.note(`${this.memberId} ${code}`);
    this.#isUnsure = true;
    if (code === "FENCED_INSTANCE_ID") this.#begin();
    if (code === "UNKNOWN_MEMBER_ID" || code === "FENCED_MEMBER_EPOCH" || code === "GROUP_ID_NOT_FOUND")
      this.#begin(scheduler.chance(0.7) ? this.memberId : undefined);
  }

  /** Where it begins with what it does not know a place of. What it is not told is asked for again. */
  async #findPlaces(): Promise<void> {
    const { memberId } = this;
    const unknown = listPartitions(this.owned).filter((each) => !this.#places.has(partitionKey(each)));
    const places = await placesOf(this.#world, this, unknown);
    if (memberId !== this.memberId) return;
    for (const place of places) this.#places.set(partitionKey(place), place);
  }

  async #commit(): Promise<void> {
    const { memberId } = this;
    const refused = await this.#commitAs({
      ...this,
      memberId,
      places: [...this.#places.values()].map((place) => ({ ...place })),
    });
    if (refused === "UNKNOWN_MEMBER_ID" && memberId === this.memberId) this.#begin();
    // It knows its partitions, and not all of their places.
    else if (memberId === this.memberId && this.#places.size < keysOf(this.owned).size) await this.#findPlaces();
  }

  async #commitAs({ memberId, memberEpoch, places, sentAt }: Ghost): Promise<string | undefined> {
    const { useCases, history } = this.#world;
    const { groupId } = this;
    if (places.length === 0) return undefined;
    const metadata = commitMetadata(memberId, memberEpoch);
    const offsets = places.map(({ topic, partition, offset }) => ({ topic, partition, offset, metadata }));
    const answer = await ask(this.#world, (broker, receivedAt) =>
      useCases.commitOffsets(broker, { groupId, memberId, memberEpoch, receivedAt: sentAt ?? receivedAt, offsets }),
    );
    if (answer === undefined) return undefined;
    history.counts.commits++;
    if (!answer.ok) {
      history.counts.fenced++;
      return answer.refusal.code;
    }
    for (const [index, { refusal }] of answer.value.entries()) {
      if (refusal !== undefined) history.counts.fenced++;
      else if (sentAt === undefined)
        await history.checkAcknowledged(groupId, places[index]!, places[index]!.offset, metadata);
    }
    return undefined;
  }
}
