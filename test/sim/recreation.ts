import { createTopic } from "../../shared/broker/create-topic.ts";
import { deleteTopic } from "../../shared/broker/delete-topic.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import { removeDeletedTopics } from "../../shared/broker/remove-deleted-topics.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import type { LogStore } from "../../shared/log/log-store.ts";
import { silentLogger } from "../../shared/runtime/logger.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { MemoryLogStore } from "../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../shared/storage/memory/memory-metadata-store.ts";
import { MemorySegmentStore } from "../../shared/storage/memory/memory-segment-store.ts";
import { send } from "./clients.ts";
import { type Faults, faulty, NO_FAULTS } from "./faulty.ts";
import type { History } from "./history.ts";
import { Scheduler } from "./scheduler.ts";
import { Process, readAll, TOPIC } from "./simulation.ts";

const PROCESSES = 3;
const RECREATIONS = 4;

/** What one produce was told, and which life of the topic it began in. */
interface Send {
  readonly value: string;
  readonly life: number;
  readonly offset: number;
}

export interface RecreationOutcome {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly acknowledged: number;
}

/**
 * A topic that is deleted and created again while processes that remember the old one go on producing: whatever is sent
 * after it was created again, and acknowledged, must stand in the new log. `change` plants a bug in the log store.
 */
export async function simulateRecreation(
  seed: number,
  change: (store: LogStore) => LogStore = (store) => store,
): Promise<RecreationOutcome> {
  const scheduler = new Scheduler(seed);
  const weather: Faults = {
    fail: 0.03,
    throttle: 0.03,
    loseAnswer: 0.05,
    applyLate: 0,
    hang: 0.01,
    maxDelayMs: 1 + scheduler.integer(100),
  };
  let faults = NO_FAULTS;
  const memory = { log: new MemoryLogStore(), metadata: new MemoryMetadataStore() };
  const parts = {
    logStore: change(faulty(memory.log, scheduler, () => faults)),
    metadataStore: faulty(memory.metadata, scheduler, () => faults),
    segmentStore: new MemorySegmentStore(),
    clock: scheduler.clock(() => 0),
    random: scheduler.random,
    logger: silentLogger,
    metrics: silentMetrics,
    regions: ["sim-1"],
  };
  const processes = Array.from({ length: PROCESSES }, () => new Process(parts, scheduler));
  const history: History = { attempts: [], seen: [], violations: [] };
  const sends: Send[] = [];
  const broken: string[] = [];
  let life = 0;
  let isOver = false;

  const producer = async (process: Process, id: number) => {
    for (let step = 0; !isOver; step++) {
      const [value, began] = [`${id}-${step}`, life];
      const sent = await send({ scheduler, broker: () => process.broker, history, steps: 0 }, value, {});
      if ("offset" in sent) sends.push({ value, life: began, offset: sent.offset });
      await scheduler.sleep(scheduler.integer(400));
    }
  };
  /** Repeats until it is done, as an operator does; what is done already counts. */
  const insist = async (operation: () => Promise<{ ok: boolean }>, done: string) => {
    for (;;) {
      try {
        const result = await operation();
        if (result.ok || ("refusal" in result && (result.refusal as { code: string }).code === done)) return;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
      }
      await scheduler.sleep(100);
    }
  };
  const run = async () => {
    await createTopic(processes[0]!.broker, { name: TOPIC });
    faults = weather;
    const producers = processes.map(producer);
    for (let round = 0; round < RECREATIONS; round++) {
      await scheduler.sleep(scheduler.integer(4_000));
      const { broker } = processes[scheduler.integer(PROCESSES)]!;
      await insist(() => deleteTopic(broker, TOPIC), "UNKNOWN_TOPIC_OR_PARTITION");
      await insist(() => createTopic(broker, { name: TOPIC }), "TOPIC_ALREADY_EXISTS");
      life++;
      scheduler.note(`life ${life}`);
    }
    await scheduler.sleep(8_000);
    isOver = true;
    await Promise.all(producers);
    faults = NO_FAULTS;
    await scheduler.sleep(120_000);
    const clean = openBroker({ ...parts, logStore: memory.log, metadataStore: memory.metadata });
    await removeDeletedTopics(clean, { maxItems: 100_000 });
    if ((await memory.metadata.listDeletedTopics(10)).length > 0) broken.push("a deleted topic was not removed");
    const log = await readAll(clean);
    if (typeof log === "string") return void broken.push(log);
    for (const { value, life: began, offset } of sends) {
      if (began === life && log[offset]?.value !== value)
        broken.push(`${value} was acknowledged at ${offset} of the last topic, where ${log[offset]?.value} is`);
    }
  };
  await scheduler.run(run(), 500_000);
  return { seed, broken, acknowledged: sends.filter(({ life: began }) => began === life).length };
}
