import { createHash } from "node:crypto";
import type { Broker, BrokerParts } from "../../shared/broker/broker.ts";
import { createPartitions } from "../../shared/broker/create-partitions.ts";
import { createTopic } from "../../shared/broker/create-topic.ts";
import { describeTopic } from "../../shared/broker/describe-topic.ts";
import { resetOffsets } from "../../shared/broker/groups/reset-offsets.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import { produceRecords } from "../../shared/broker/produce-records.ts";
import { DEFAULT_GROUP_CONFIG, type GroupConfig } from "../../shared/group/group-config.ts";
import type { GroupStore } from "../../shared/group/group-store.ts";
import { silentLogger } from "../../shared/runtime/logger.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { MemoryGroupStore } from "../../shared/storage/memory/memory-group-store.ts";
import { MemoryLogStore } from "../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../shared/storage/memory/memory-metadata-store.ts";
import { MemorySegmentStore } from "../../shared/storage/memory/memory-segment-store.ts";
import { ClassicConsumer } from "./classic-consumer.ts";
import { type Faults, NO_FAULTS } from "./faulty.ts";
import { ask, CALM, type GroupWorld, USE_CASES, type UseCases, type Weather } from "./group-clients.ts";
import { CLASSICS, CONSUMERS, checkLogs, checkStill, type Sent } from "./group-end.ts";
import { CLOCK_ERROR_MS, GroupHistory } from "./group-history.ts";
import { GroupProcess } from "./group-process.ts";
import { NativeConsumer, type Subscription } from "./native-consumer.ts";
import { PollConsumer } from "./poll-consumer.ts";
import { Scheduler } from "./scheduler.ts";

const PROCESSES = 4;
const STEP_MS = 5_000;
/** What was late is over by then, and whoever froze has woken up. */
const CALMING_MS = 100_000;

/** As the defaults, but faster: more happens in a run. */
const CONFIG: GroupConfig = {
  ...DEFAULT_GROUP_CONFIG,
  consumerSessionTimeoutMs: 15_000,
  consumerHeartbeatIntervalMs: 3_000,
  reviewIntervalMs: 10_000,
};

/** What the product would have if it had one bug: another store, for all or for the sweep, or other use cases. */
export interface GroupBug {
  readonly store?: (store: GroupStore, scheduler: Scheduler) => GroupStore;
  readonly useCases?: (useCases: UseCases, store: GroupStore) => Partial<UseCases>;
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
 * processes that coordinate them over one store; producers go on meanwhile, partitions are added, the sweep comes by, processes are paused and killed. Each change
 * of the store is checked when it happens (group-history.ts). Then all goes well, and in the end everything is owned, processed and
 * committed. `steps`: of five seconds, until then. The same seed gives the same trace.
 */
export async function simulateGroups(seed: number, steps: number, bug: GroupBug = {}): Promise<GroupOutcome> {
  const world = new World(seed, bug);
  await world.scheduler.run(world.run(steps), 3_000_000);
  const { trace } = world.scheduler;
  const { broken, counts } = world.history;
  return { seed, broken, counts, traceHash: createHash("sha256").update(trace.join("\n")).digest("hex"), trace };
}

class World {
  readonly scheduler: Scheduler;
  readonly history: GroupHistory;
  readonly #memory = new MemoryGroupStore();
  readonly #processes: readonly GroupProcess[];
  readonly #clean: Broker;
  readonly #clients: GroupWorld;
  readonly #names = new Map<string, string>();
  readonly #sent: Sent[] = [];
  #isCalm = false;
  #isPaused = false;
  /** Nothing is produced any more. */
  #isQuiet = false;
  #isOver = false;
  #sequence = 0;

  constructor(seed: number, bug: GroupBug) {
    const scheduler = new Scheduler(seed);
    this.scheduler = scheduler;
    this.history = new GroupHistory(scheduler, this.#memory);
    const watched = this.history.watched(this.#memory);
    const parts: BrokerParts = {
      logStore: new MemoryLogStore(),
      segmentStore: new MemorySegmentStore(),
      metadataStore: new MemoryMetadataStore(),
      groupStore: bug.store?.(watched, scheduler) ?? watched,
      clock: scheduler.clock(() => 0),
      random: scheduler.random,
      logger: silentLogger,
      metrics: silentMetrics,
      regions: ["sim-1"],
      groupConfig: CONFIG,
    };
    this.#processes = Array.from({ length: PROCESSES }, () => this.#process(parts));
    this.#clean = openBroker(parts);
    const { random } = scheduler;
    const weather: Weather = { late: random.next() * 0.06, loseAnswer: random.next() * 0.1, act: random.next() * 0.12 };
    this.#clients = {
      scheduler,
      history: this.history,
      useCases: { ...USE_CASES, ...bug.useCases?.(USE_CASES, watched) },
      broker: () => this.#broker(),
      weather: () => (this.#isCalm ? CALM : weather),
      isPaused: () => this.#isPaused,
      isOver: () => this.#isOver,
      topicNames: this.#names,
      nextSequence: () => ++this.#sequence,
    };
  }

  async run(steps: number): Promise<void> {
    const { scheduler } = this;
    await this.#createTopic("t", 1 + scheduler.integer(4));
    await this.#createTopic("u", 1 + scheduler.integer(3));
    const natives = Array.from({ length: 3 }, (_, index) => this.#native(index));
    const polls = Array.from({ length: 2 }, (_, index) => this.#poller(index));
    const classics = Array.from(
      { length: 3 },
      (_, index) => new ClassicConsumer(this.#clients, CLASSICS, `c${index}`, index === 0 ? "ci0" : undefined),
    );
    const others = [this.#produce(), this.#sweep(), this.#disturb(), this.#change(steps)];
    const running = [...natives, ...polls, ...classics].map((client) => client.run(steps * 4));
    await scheduler.sleep(steps * STEP_MS);

    const end = { broker: this.#clean, history: this.history, topics: this.#names };
    this.#isCalm = true;
    for (const process of this.#processes) process.pausedUntil = 0;
    for (const native of natives) native.subscribe({ pattern: "[tuv]" });
    await scheduler.sleep(CALMING_MS);
    await checkStill(end, [...natives, ...polls], classics, "when all is calm");
    this.#isQuiet = true;
    await natives[0]!.stop();
    // KIP-848's promise: what a member leaves is owned again within two heartbeat intervals.
    await scheduler.sleep(2 * CONFIG.consumerHeartbeatIntervalMs + 5_000);
    await checkStill(end, [...natives.slice(1), ...polls], classics, "after one left");
    this.#isOver = true;
    await Promise.all([...running, ...others]);
    await checkLogs(end, this.#sent);
  }

  #process(parts: BrokerParts): GroupProcess {
    const { scheduler } = this;
    const weather: Faults = {
      fail: scheduler.random.next() * 0.06,
      throttle: scheduler.random.next() * 0.04,
      loseAnswer: scheduler.random.next() * 0.1,
      applyLate: scheduler.random.next() * 0.05,
      hang: scheduler.random.next() * 0.01,
      maxDelayMs: 1 + scheduler.integer(100),
    };
    const clockErrorMs = scheduler.integer(2 * CLOCK_ERROR_MS) - CLOCK_ERROR_MS;
    return new GroupProcess(parts, scheduler, () => (this.#isCalm ? NO_FAULTS : weather), clockErrorMs);
  }

  #broker(): Broker {
    return this.#processes[this.scheduler.integer(PROCESSES)]!.broker;
  }

  #native(index: number): NativeConsumer {
    const subscription: Subscription = index === 1 ? { pattern: "t|u" } : { topics: ["t", "u"] };
    return new NativeConsumer(this.#clients, CONSUMERS, `n${index}`, subscription, index < 2 ? `i${index}` : undefined);
  }

  #poller(index: number): PollConsumer {
    return new PollConsumer(
      this.#clients,
      CONSUMERS,
      `p${index}`,
      index === 0 ? { topics: ["t", "u"] } : { pattern: "[tuv]" },
    );
  }

  async #createTopic(name: string, partitionCount: number): Promise<void> {
    const created = await createTopic(this.#clean, { name, partitionCount, configs: {} });
    if (!created.ok) throw new Error(created.refusal.message);
    this.#names.set(created.value.topicId, name);
  }

  async #produce(): Promise<void> {
    const { scheduler } = this;
    for (let count = 0; !this.#isQuiet; count++) {
      const names = [...this.#names.values()];
      const topic = names[scheduler.integer(names.length)]!;
      const described = await describeTopic(this.#clean, topic);
      const partition = described.ok ? scheduler.integer(described.value.partitions.length) : 0;
      const sent = { topic, partition, value: `${topic}${partition}-${count}`, isAcknowledged: false };
      this.#sent.push(sent);
      const record = { partition, key: null, value: Buffer.from(sent.value), headers: [] };
      const produced = await ask(this.#clients, (broker) =>
        produceRecords(broker, { topic, records: [record], acks: -1, timeoutMs: 5_000 }),
      );
      sent.isAcknowledged = produced?.ok === true && produced.value.results[0]!.ok;
      await scheduler.sleep(scheduler.integer(1_500));
    }
  }

  async #sweep(): Promise<void> {
    while (!this.#isOver) {
      await this.scheduler.sleep(5_000 + this.scheduler.integer(15_000));
      const { sweepGroups } = this.#clients.useCases;
      await ask(this.#clients, (broker) => sweepGroups(broker, { untilMs: broker.clock.now() + 20_000 }));
    }
  }

  async #disturb(): Promise<void> {
    const { scheduler } = this;
    for (;;) {
      await scheduler.sleep(300 + scheduler.integer(6_000));
      if (this.#isCalm) return;
      const victim = scheduler.integer(PROCESSES);
      const isKilled = scheduler.chance(0.5);
      scheduler.note(`process ${victim} is ${isKilled ? "killed" : "paused"}`);
      if (isKilled) this.#processes[victim]!.kill();
      else
        this.#processes[victim]!.pausedUntil =
          scheduler.now + scheduler.integer(scheduler.chance(0.5) ? 2_000 : 30_000);
    }
  }

  /** What administrators do: topics grow, one is added; in some runs all consumers are stopped and their offsets reset. */
  async #change(steps: number): Promise<void> {
    const { scheduler } = this;
    const partMs = (steps * STEP_MS) / 4;
    await scheduler.sleep(scheduler.integer(partMs));
    await this.#grow("t");
    await scheduler.sleep(scheduler.integer(partMs));
    await this.#createTopic("v", 1 + scheduler.integer(2));
    if (scheduler.chance(0.5)) await this.#resetAll();
    await scheduler.sleep(scheduler.integer(partMs));
    await this.#grow("u");
  }

  async #grow(topic: string): Promise<void> {
    const described = await describeTopic(this.#clean, topic);
    if (!described.ok) return;
    const totalCount = described.value.partitions.length + 1 + this.scheduler.integer(2);
    await createPartitions(this.#clean, { topic, totalCount });
    this.scheduler.note(`${topic} has ${totalCount} partitions`);
  }

  async #resetAll(): Promise<void> {
    const { scheduler, history } = this;
    this.#isPaused = true;
    scheduler.note("all are to stop");
    for (const groupId of [CONSUMERS, CLASSICS]) {
      for (let tries = 0; tries < 15; tries++) {
        await scheduler.sleep(2_000);
        const reset = scheduler.chance(0.5) ? ({ to: "earliest" } as const) : ({ to: "shift-by", count: -3 } as const);
        const done = await ask(this.#clients, (broker) => resetOffsets(broker, { groupId, reset, isDryRun: false }));
        scheduler.note(`reset of ${groupId}: ${done?.ok ? "done" : done?.refusal.code}`);
        if (!done?.ok) continue;
        history.counts.resets++;
        break;
      }
    }
    this.#isPaused = false;
  }
}
