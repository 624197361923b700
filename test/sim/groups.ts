import { createHash } from "node:crypto";
import type { Broker, BrokerParts } from "../../shared/broker/broker.ts";
import type { MetadataStore } from "../../shared/broker/metadata-store.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import { produceRecords } from "../../shared/broker/produce-records.ts";
import { removeDeletedTopics } from "../../shared/broker/remove-deleted-topics.ts";
import type { ReplicaStores } from "../../shared/broker/replica-stores.ts";
import { DEFAULT_GROUP_CONFIG, type GroupConfig } from "../../shared/group/group-config.ts";
import type { GroupStore } from "../../shared/group/group-store.ts";
import { silentLogger } from "../../shared/runtime/logger.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { MemoryGroupStore } from "../../shared/storage/memory/memory-group-store.ts";
import { MemoryInstanceStore } from "../../shared/storage/memory/memory-instance-store.ts";
import { MemoryLogStore } from "../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../shared/storage/memory/memory-metadata-store.ts";
import { MemorySegmentStore } from "../../shared/storage/memory/memory-segment-store.ts";
import { ClassicConsumer } from "./classic-consumer.ts";
import { type Faults, NO_FAULTS } from "./faulty.ts";
import { type Administration, administrate } from "./group-administration.ts";
import {
  ask,
  CALM,
  type GroupWorld,
  type Subscription,
  USE_CASES,
  type UseCases,
  type Weather,
} from "./group-clients.ts";
import { disturbProcesses, disturbRegions } from "./group-disturbance.ts";
import { CLASSICS, CONSUMERS, checkLogs, checkStill, type Sent } from "./group-end.ts";
import { CLOCK_ERROR_MS, GroupHistory } from "./group-history.ts";
import { GroupProcess, withGroupHome } from "./group-process.ts";
import { GroupTopics } from "./group-topics.ts";
import { NativeConsumer } from "./native-consumer.ts";
import { Network } from "./network.ts";
import { PollConsumer } from "./poll-consumer.ts";
import { RestConsumer } from "./rest-consumer.ts";
import { Scheduler } from "./scheduler.ts";

const PROCESSES = 4;
const STEP_MS = 5_000;
/** What was late is over by then, and whoever froze has woken up. */
const CALMING_MS = 100_000;
/** Longer than a REST instance is kept, and than its member. */
const NIGHT_MS = 370_000;

/** As the defaults, but faster: more happens in a run. */
const CONFIG: GroupConfig = {
  ...DEFAULT_GROUP_CONFIG,
  consumerSessionTimeoutMs: 15_000,
  consumerHeartbeatIntervalMs: 3_000,
  reviewIntervalMs: 10_000,
  offsetsRetentionMs: 300_000,
};

/** What the product would have if it had one bug: another store, for all or for the sweep, other use cases, or another view of the metadata. */
export interface GroupBug {
  readonly store?: (store: GroupStore, scheduler: Scheduler) => GroupStore;
  readonly useCases?: (useCases: UseCases, store: GroupStore) => Partial<UseCases>;
  /** As a process in region `own` has the metadata. */
  readonly metadataStore?: (
    store: MetadataStore,
    own: number,
    reaches: (region: number) => boolean,
  ) => Pick<MetadataStore, "groupHome">;
}

export interface GroupOutcome {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly counts: GroupHistory["counts"];
  readonly traceHash: string;
  readonly trace: readonly string[];
}

/**
 * Consumers of two groups, one of the consumer protocol and one of the classic, that join, leave, freeze, crash, lose answers and come back, against several
 * processes that coordinate them over one store, or one a region, which are gone at times; producers go on meanwhile, topics grow and are made anew, groups are
 * deleted, the sweep comes by, processes are paused and killed. Each change of the store is checked when it happens (group-history.ts). Some runs have a night, in
 * which everybody sleeps for longer than anything is kept. Then all goes well, and in the end everything is owned, processed and
 * committed. `steps`: of five seconds, until then. The same seed gives the same trace.
 */
export async function simulateGroups(
  seed: number,
  steps: number,
  bug: GroupBug = {},
  regionCount = 1,
): Promise<GroupOutcome> {
  const world = new World(seed, bug, regionCount);
  await world.scheduler.run(world.run(steps), 3_000_000);
  const { trace } = world.scheduler;
  const { broken, counts } = world.history;
  return { seed, broken, counts, traceHash: createHash("sha256").update(trace.join("\n")).digest("hex"), trace };
}

class World {
  readonly scheduler: Scheduler;
  readonly history: GroupHistory;
  readonly #network = new Network();
  readonly #regionCount: number;
  readonly #processes: readonly GroupProcess[];
  readonly #clean: Broker;
  readonly #clients: GroupWorld;
  readonly #topics: GroupTopics;
  readonly #sent: Sent[] = [];
  readonly #administration: Administration = { isPaused: false };
  /** REST instances are left where they are, for the night to end them. */
  readonly #hasNight: boolean;
  #isNight = false;
  #isCalm = false;
  /** Nothing is produced any more. */
  #isQuiet = false;
  #isOver = false;
  #sequence = 0;

  constructor(seed: number, bug: GroupBug, regionCount: number) {
    const scheduler = new Scheduler(seed);
    this.scheduler = scheduler;
    this.#regionCount = regionCount;
    this.#hasNight = scheduler.chance(0.4);
    const regions = Array.from({ length: regionCount }, (_, index) => index + 1);
    const memories = regions.map(() => new MemoryGroupStore());
    this.history = new GroupHistory(scheduler, memories, CONFIG);
    const logs = { logStore: new MemoryLogStore(), segmentStore: new MemorySegmentStore() };
    const stores = regions.map((region): ReplicaStores => {
      const watched = this.history.watched(region - 1);
      return {
        ...logs,
        groupStore: bug.store?.(watched, scheduler) ?? watched,
        instanceStore: new MemoryInstanceStore(),
      };
    });
    const parts: BrokerParts = {
      ...stores[0]!,
      metadataStore: new MemoryMetadataStore(),
      clock: scheduler.clock(() => 0),
      random: scheduler.random,
      logger: silentLogger,
      metrics: silentMetrics,
      regions: regions.map((region) => `sim-${region}`),
      groupConfig: CONFIG,
      ...(regionCount === 1 ? {} : { brokerId: 1, replicas: new Map(stores.map((each, index) => [index + 1, each])) }),
    };
    this.#processes = Array.from({ length: PROCESSES }, (_, index) => {
      const brokerId = (index % regionCount) + 1;
      return this.#process(regionCount === 1 ? parts : { ...parts, brokerId }, bug);
    });
    this.#clean = openBroker(parts);
    this.#topics = new GroupTopics(this.#clean);
    this.history.begin(this.#topics);
    const { random } = scheduler;
    const weather: Weather = { late: random.next() * 0.06, loseAnswer: random.next() * 0.1, act: random.next() * 0.12 };
    this.#clients = {
      scheduler,
      history: this.history,
      useCases: { ...USE_CASES, ...bug.useCases?.(USE_CASES, stores[0]!.groupStore!) },
      broker: () => this.#broker(),
      weather: () => (this.#isCalm ? CALM : weather),
      isPaused: () => this.#administration.isPaused,
      isNight: () => this.#isNight,
      isOver: () => this.#isOver,
      topics: this.#topics,
      nextSequence: () => ++this.#sequence,
    };
  }

  async run(steps: number): Promise<void> {
    const { scheduler, history } = this;
    await this.#topics.create("t", 1 + scheduler.integer(4));
    await this.#topics.create("u", 1 + scheduler.integer(3));
    await this.#topics.create("w", 1 + scheduler.integer(2));
    const natives = Array.from({ length: 3 }, (_, index) => this.#native(index));
    const polls = Array.from({ length: 2 }, (_, index) => this.#poller(index));
    const rests = Array.from({ length: 2 }, (_, index) => this.#rest(index));
    const classics = Array.from(
      { length: 3 },
      (_, index) => new ClassicConsumer(this.#clients, CLASSICS, `c${index}`, index === 0 ? "ci0" : undefined),
    );
    const administrating = administrate(this.#clients, this.#administration, steps * STEP_MS);
    const disturbed = { scheduler, history, isCalm: () => this.#isCalm, isNight: () => this.#isNight };
    const others = [
      this.#produce(),
      this.#sweep(),
      disturbProcesses(disturbed, this.#processes),
      disturbRegions(disturbed, this.#network, this.#regionCount),
    ];
    const running = [...natives, ...polls, ...rests, ...classics].map((client) => client.run(steps * 4));
    await scheduler.sleep(steps * STEP_MS);
    await administrating;
    if (this.#hasNight) await this.#sleepThrough();

    const end = { broker: this.#clean, history, topics: this.#topics };
    this.#isCalm = true;
    this.#network.heal();
    for (const process of this.#processes) process.pausedUntil = 0;
    for (const native of natives) native.subscribe({ pattern: "[tuvw]" });
    await scheduler.sleep(CALMING_MS);
    if (await this.#hasInstanceLeftOver(rests)) {
      await this.#sleepThrough();
      await scheduler.sleep(CALMING_MS);
    }
    await checkStill(end, [...natives, ...polls, ...rests], classics, "when all is calm");
    this.#isQuiet = true;
    await natives[0]!.stop();
    // KIP-848's promise: what a member leaves is owned again within two heartbeat intervals.
    await scheduler.sleep(2 * CONFIG.consumerHeartbeatIntervalMs + 5_000);
    await checkStill(end, [...natives.slice(1), ...polls, ...rests], classics, "after one left");
    this.#isOver = true;
    await Promise.all([...running, ...others]);
    await checkLogs(end, this.#sent);
    await history.checkListings();
  }

  /** A process that died when a read had joined an instance, and the instance was ended meanwhile, leaves a member for as long as a session of its kind is. */
  async #hasInstanceLeftOver(rests: readonly RestConsumer[]): Promise<boolean> {
    const { members } = await this.history.look(CONSUMERS);
    return members.some(({ member: { memberId } }) =>
      rests.some((each) => each.memberIds.has(memberId) && each.memberId !== memberId),
    );
  }

  async #sleepThrough(): Promise<void> {
    this.scheduler.note("it is night");
    this.#isNight = true;
    await this.scheduler.sleep(NIGHT_MS + this.scheduler.integer(500_000));
    this.#isNight = false;
    this.scheduler.note("it is morning");
  }

  #process(parts: BrokerParts, bug: GroupBug): GroupProcess {
    const { scheduler } = this;
    const { brokerId = 1, metadataStore } = parts;
    const weather: Faults = {
      fail: scheduler.random.next() * 0.06,
      throttle: scheduler.random.next() * 0.04,
      loseAnswer: scheduler.random.next() * 0.1,
      applyLate: scheduler.random.next() * 0.05,
      hang: scheduler.random.next() * 0.01,
      maxDelayMs: 1 + scheduler.integer(100),
    };
    const clockErrorMs = scheduler.integer(2 * CLOCK_ERROR_MS) - CLOCK_ERROR_MS;
    const changed = bug.metadataStore?.(metadataStore, brokerId, (to) => this.#network.reaches(brokerId, to));
    const own = changed === undefined ? parts : { ...parts, metadataStore: withGroupHome(metadataStore, changed) };
    const faults = () => (this.#isCalm ? NO_FAULTS : weather);
    return new GroupProcess(own, scheduler, { faults, clockErrorMs, network: this.#network });
  }

  #broker(): Broker {
    return this.#processes[this.scheduler.integer(PROCESSES)]!.broker;
  }

  #native(index: number): NativeConsumer {
    const subscription: Subscription = index === 1 ? { pattern: "[tuw]" } : { topics: ["t", "u"] };
    return new NativeConsumer(this.#clients, CONSUMERS, `n${index}`, subscription, index < 2 ? `i${index}` : undefined);
  }

  #poller(index: number): PollConsumer {
    return new PollConsumer(
      this.#clients,
      CONSUMERS,
      `p${index}`,
      index === 0 ? { topics: ["t", "u"] } : { pattern: "[tuvw]" },
    );
  }

  #rest(index: number): RestConsumer {
    const options = { commitsByItself: index === 0 && this.#hasNight, leavesInstances: this.#hasNight };
    const subscription = index === 0 ? { pattern: "[tw]" } : { topics: ["t", "u"] };
    return new RestConsumer(this.#clients, CONSUMERS, `r${index}`, subscription, options);
  }

  async #produce(): Promise<void> {
    const { scheduler } = this;
    for (let count = 0; !this.#isQuiet; count++) {
      const { names } = this.#topics;
      const topic = names[scheduler.integer(names.length)]!;
      const topicId = this.#topics.idOf(topic)!;
      const partition = scheduler.integer(Math.max(1, await this.#topics.partitionCount(topic)));
      const sent = { topic, topicId, value: `${topic}${partition}-${count}`, isAcknowledged: false };
      this.#sent.push(sent);
      const record = { partition, key: null, value: Buffer.from(sent.value), headers: [] };
      const produced = await ask(this.#clients, (broker) =>
        produceRecords(broker, { topic, records: [record], acks: -1, timeoutMs: 5_000 }),
      );
      sent.isAcknowledged = produced?.ok === true && produced.value.results[0]!.ok;
      await scheduler.sleep(scheduler.integer(this.#isNight ? 60_000 : 1_500));
    }
  }

  async #sweep(): Promise<void> {
    while (!this.#isOver) {
      await this.scheduler.sleep(5_000 + this.scheduler.integer(15_000));
      const { sweepGroups } = this.#clients.useCases;
      for (let region = 0; region < this.#regionCount; region++)
        await ask(this.#clients, (broker) => sweepGroups(broker, { untilMs: broker.clock.now() + 20_000 }));
      await removeDeletedTopics(this.#clean, { maxItems: 1_000 });
    }
  }
}
