import { createHash } from "node:crypto";
import type { Broker, BrokerParts } from "../../shared/broker/broker.ts";
import { createTopic } from "../../shared/broker/create-topic.ts";
import { fetch } from "../../shared/broker/fetch.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import { silentLogger } from "../../shared/runtime/logger.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { MemoryLogStore } from "../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../shared/storage/memory/memory-metadata-store.ts";
import { MemorySegmentStore } from "../../shared/storage/memory/memory-segment-store.ts";
import { conditionalAppender, fetcher, idempotentProducer, plainProducer, textsOf } from "./clients.ts";
import { type Faults, faulty, NO_FAULTS } from "./faulty.ts";
import { check, type FinalLog, type History } from "./history.ts";
import type { PlantedBug } from "./planted-bugs.ts";
import { Scheduler } from "./scheduler.ts";

export const TOPIC = "t";
const PROCESSES = 4;

export interface Outcome {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly acknowledged: number;
  readonly unknown: number;
  readonly seen: number;
  readonly traceHash: string;
  readonly trace: readonly string[];
}

/** A process that acts as a broker: it can be killed, which leaves its requests under way, and paused. */
export class Process {
  broker: Broker;
  readonly #parts: BrokerParts;
  readonly #sleeper: { pausedUntil: number };

  constructor(parts: BrokerParts, scheduler: Scheduler, sleeper = { pausedUntil: 0 }) {
    this.#sleeper = sleeper;
    this.#parts = { ...parts, clock: scheduler.clock(() => this.pausedUntil) };
    this.broker = openBroker(this.#parts);
  }

  get pausedUntil(): number {
    return this.#sleeper.pausedUntil;
  }

  set pausedUntil(until: number) {
    this.#sleeper.pausedUntil = until;
  }

  /** A new one in its place: it remembers nothing. */
  restart(): void {
    this.broker = openBroker(this.#parts);
  }
}

/**
 * Writers, readers and processes over stores that fail, under one seeded scheduler; `steps` operations by each client.
 * The same seed gives the same trace.
 */
export async function simulate(seed: number, steps: number, bug?: PlantedBug): Promise<Outcome> {
  const scheduler = new Scheduler(seed);
  const weather: Faults = {
    fail: scheduler.random.next() * 0.1,
    throttle: scheduler.random.next() * 0.1,
    loseAnswer: scheduler.random.next() * 0.15,
    applyLate: scheduler.random.next() * 0.08,
    hang: scheduler.random.next() * 0.02,
    maxDelayMs: 1 + scheduler.integer(60),
  };
  let faults = NO_FAULTS;
  const memory = new MemoryLogStore();
  const logStore = faulty(memory, scheduler, () => faults);
  const parts: BrokerParts = {
    logStore: bug === undefined ? logStore : bug(logStore, scheduler),
    segmentStore: faulty(new MemorySegmentStore(), scheduler, () => faults),
    metadataStore: faulty(new MemoryMetadataStore(), scheduler, () => faults),
    clock: scheduler.clock(() => 0),
    random: scheduler.random,
    logger: silentLogger,
    metrics: silentMetrics,
    regions: ["sim-1"],
    checkpointEveryItems: 1 + scheduler.integer(12),
  };
  const processes = Array.from({ length: PROCESSES }, () => new Process(parts, scheduler));
  const history: History = { attempts: [], seen: [], violations: [] };
  const broker = () => processes[scheduler.integer(PROCESSES)]!.broker;
  let final: FinalLog | string = [];

  const run = async () => {
    const inlineMaxBytes = scheduler.chance(0.3) ? "100" : "32768";
    await createTopic(processes[0]!.broker, { name: TOPIC, configs: { "millrace.inline.max.bytes": inlineMaxBytes } });
    faults = weather;
    let isOver = false;
    const chaos = async () => {
      while (!isOver) {
        await scheduler.sleep(200 + scheduler.integer(3_000));
        const victim = processes[scheduler.integer(PROCESSES)]!;
        if (scheduler.chance(0.5)) victim.restart();
        else victim.pausedUntil = scheduler.now + scheduler.integer(60_000);
        scheduler.note("chaos");
      }
    };
    const clients = [
      ...Array.from({ length: 3 }, (_, id) => idempotentProducer({ scheduler, broker, history, steps }, id)),
      ...Array.from({ length: 2 }, (_, id) => plainProducer({ scheduler, broker, history, steps }, id)),
      conditionalAppender({ scheduler, broker, history, steps }),
      ...Array.from({ length: 2 }, () => fetcher({ scheduler, broker, history, steps })),
    ];
    void chaos();
    await Promise.all(clients);
    isOver = true;
    faults = NO_FAULTS;
    // What is applied late is applied by now.
    await scheduler.sleep(120_000);
    final = await readAll(openBroker({ ...parts, logStore: memory }));
  };
  await scheduler.run(run(), 2_000_000);
  const { trace } = scheduler;
  return {
    seed,
    broken: typeof final === "string" ? [`the log cannot be read in the end: ${final}`] : check(history, final),
    acknowledged: history.attempts.filter(({ offset }) => offset !== undefined).length,
    unknown: history.attempts.filter(({ offset, isRefused }) => offset === undefined && !isRefused).length,
    seen: history.seen.length,
    traceHash: createHash("sha256").update(trace.join("\n")).digest("hex"),
    trace,
  };
}

/** The whole log, or why it cannot be read. */
export async function readAll(broker: Broker): Promise<FinalLog | string> {
  const log: { offset: number; value: string }[] = [];
  for (let offset = 0; ; ) {
    const fetched = await fetch(broker, {
      topic: TOPIC,
      partition: 0,
      offset,
      maxBytes: 1 << 20,
      minBytes: 1,
      maxWaitMs: 0,
    });
    if (!fetched.ok) return fetched.refusal.message;
    log.push(...textsOf(fetched.value.batches, offset));
    if (fetched.value.nextOffset === offset) return log;
    offset = fetched.value.nextOffset;
  }
}
