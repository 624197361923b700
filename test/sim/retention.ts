import { createHash } from "node:crypto";
import type { Broker, BrokerParts } from "../../shared/broker/broker.ts";
import { createTopic } from "../../shared/broker/create-topic.ts";
import { fetch } from "../../shared/broker/fetch.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import { produceRecords } from "../../shared/broker/produce-records.ts";
import { deleteRecords } from "../../shared/broker/tiering/delete-records.ts";
import { upkeepLogs } from "../../shared/broker/tiering/upkeep.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import { logKey } from "../../shared/log/log-item.ts";
import { splitIndexes } from "../../shared/log/segment/segment-indexes.ts";
import { segmentKeys } from "../../shared/log/segment/segment-keys.ts";
import { silentLogger } from "../../shared/runtime/logger.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { MemoryLogStore } from "../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../shared/storage/memory/memory-metadata-store.ts";
import { MemorySegmentRegistry } from "../../shared/storage/memory/memory-segment-registry.ts";
import { MemorySegmentStore } from "../../shared/storage/memory/memory-segment-store.ts";
import { conditionalAppender, fetcher, idempotentProducer, plainProducer, textsOf } from "./clients.ts";
import { type Faults, faulty, NO_FAULTS } from "./faulty.ts";
import { CONTROL, check, type FinalLog, type History } from "./history.ts";
import { MortalProcess } from "./mortal-process.ts";
import type { PlantedRetentionBug } from "./planted-retention-bugs.ts";
import { Scheduler } from "./scheduler.ts";
import { type Outcome, TOPIC } from "./simulation.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const PROCESSES = 4;

export interface RetentionOutcome extends Outcome {
  readonly segments: number;
  readonly logStartOffset: number;
  readonly expired: number;
}

/**
 * Weeks of a log that is kept: writers and readers, runs of the upkeep that overlap, sleep for days and are killed anywhere, a store that deletes what
 * has expired at random late times, records that are deleted, and stores that fail in every way, under one seeded scheduler. In the end
 * the clients fall silent for weeks. `steps` operations by each client. The same seed gives the same trace.
 */
export async function simulateRetention(
  seed: number,
  steps: number,
  bug?: PlantedRetentionBug,
): Promise<RetentionOutcome> {
  const scheduler = new Scheduler(seed);
  const pick = <T>(values: readonly T[]): T => values[scheduler.integer(values.length)]!;
  const weather: Faults = {
    fail: scheduler.random.next() * 0.05,
    throttle: scheduler.random.next() * 0.05,
    loseAnswer: scheduler.random.next() * 0.05,
    applyLate: scheduler.random.next() * 0.03,
    hang: scheduler.random.next() * 0.01,
    maxDelayMs: 1 + scheduler.integer(60),
  };
  let faults = NO_FAULTS;
  const memory = {
    logStore: new MemoryLogStore(),
    segmentStore: new MemorySegmentStore(() => scheduler.now),
    metadataStore: new MemoryMetadataStore(),
    segmentRegistry: new MemorySegmentRegistry(),
  };
  const parts: BrokerParts = {
    logStore: faulty(memory.logStore, scheduler, () => faults),
    segmentStore: faulty(memory.segmentStore, scheduler, () => faults),
    metadataStore: faulty(memory.metadataStore, scheduler, () => faults),
    segmentRegistry: faulty(memory.segmentRegistry, scheduler, () => faults),
    clock: scheduler.clock(() => 0),
    random: scheduler.random,
    logger: silentLogger,
    metrics: silentMetrics,
    regions: ["sim-1"],
    checkpointEveryItems: 1 + scheduler.integer(1000),
  };
  const planted = bug === undefined ? parts : bug(parts, scheduler);
  const processes = Array.from({ length: PROCESSES }, () => new MortalProcess(planted, scheduler));
  const history: History = { attempts: [], seen: [], violations: [] };
  const process = () => processes[scheduler.integer(PROCESSES)]!;
  const retentionMs = pick([-1, 2 * DAY_MS, 20 * DAY_MS]);
  let deletedBelow = 0;
  let expired = 0;
  let topicId = "";
  const registration = async () => (await memory.metadataStore.getPartitions(topicId))[0]!;
  const logStartOffset = async () => (await registration()).logStartOffset;
  let final: FinalLog | string = [];
  const broken: string[] = [];

  const run = async () => {
    const created = await createTopic(openBroker({ ...parts, ...memory }), {
      name: TOPIC,
      configs: {
        "retention.ms": String(retentionMs),
        "local.retention.ms": String(pick([60_000, HOUR_MS, DAY_MS, -2])),
        "segment.ms": String(pick([HOUR_MS, DAY_MS])),
        "segment.bytes": String(1024 * 1024),
        "millrace.inline.max.bytes": scheduler.chance(0.3) ? "100" : "32768",
      },
    });
    if (!created.ok) throw new Error(created.refusal.message);
    topicId = created.value.topicId;
    faults = weather;
    let isOver = false;
    const until = async (most: number, work: () => Promise<unknown>) => {
      while (!isOver) {
        await scheduler.sleep(scheduler.integer(most));
        if (!isOver) await work();
      }
    };
    const upkeep = () =>
      until(8 * HOUR_MS, async () => {
        const { broker } = process();
        // Its process may be killed: then nothing comes of it.
        const kept = upkeepLogs(broker, { untilMs: scheduler.now + scheduler.integer(600_000) }).catch(passing);
        await Promise.race([kept, scheduler.sleep(scheduler.integer(2 * HOUR_MS))]);
        scheduler.note("upkeep");
      });
    const background = [
      // DynamoDB deletes what has expired within days, in whatever order.
      until(12 * HOUR_MS, async () => {
        const lateMs = scheduler.integer(2 * DAY_MS);
        const before = Math.floor((scheduler.now - lateMs) / 1000);
        const deleted = await memory.logStore.deleteExpiredItems(before, scheduler.integer(50));
        expired += deleted;
        if (deleted > 0) scheduler.note(`expired ${deleted}`);
      }),
      until(2 * HOUR_MS, async () => {
        const victim = process();
        if (scheduler.chance(0.5)) victim.kill();
        else victim.pausedUntil = scheduler.now + scheduler.integer(scheduler.chance(0.2) ? 3 * DAY_MS : 2 * HOUR_MS);
        scheduler.note("chaos");
      }),
      until(4 * DAY_MS, async () => {
        const acknowledged = Math.max(0, ...history.attempts.map(({ offset }) => offset ?? 0));
        const beforeOffset = scheduler.integer(acknowledged + 1);
        deletedBelow = Math.max(deletedBelow, beforeOffset);
        await Promise.race([
          deleteRecords(process().broker, { topic: TOPIC, partition: 0, beforeOffset }).catch(passing),
          scheduler.sleep(HOUR_MS),
        ]);
        scheduler.note(`deleted below ${beforeOffset}`);
      }),
      upkeep(),
      upkeep(),
    ];
    const pauseMs = pick([HOUR_MS, 6 * HOUR_MS, DAY_MS]);
    const timeoutMs = pick([15_000, 2 * DAY_MS]);
    const broker = () => process().broker;
    const world = { scheduler, broker, history, steps, pauseMs, logStartOffset, patienceMs: 5 * 60_000, timeoutMs };
    const mortal = (client: Promise<void>) => Promise.race([client, scheduler.sleep(steps * 2 * pauseMs + 5 * DAY_MS)]);
    await Promise.all([
      ...Array.from({ length: 2 }, (_, id) => mortal(idempotentProducer(world, id))),
      mortal(plainProducer(world, 0)),
      mortal(conditionalAppender(world)),
      mortal(fetcher(world)),
    ]);
    isOver = true;
    void Promise.all(background);
    faults = NO_FAULTS;
    for (const one of processes) one.pausedUntil = 0;
    await scheduler.sleep(120_000);
    await silence();
  };

  /** Weeks in which nothing is appended, the upkeep comes now and then, and the store deletes all that has expired at once. */
  const silence = async () => {
    const keeper = openBroker({ ...planted, clock: scheduler.clock(() => 0) });
    for (let run = 0; run < 60; run++) {
      await upkeepLogs(keeper, { untilMs: scheduler.now + 600_000 });
      expired += await memory.logStore.deleteExpiredItems(Math.floor(scheduler.now / 1000), Number.MAX_SAFE_INTEGER);
      await scheduler.sleep(12 * HOUR_MS);
    }
    const reader = openBroker({ ...parts, ...memory });
    final = await readAll(reader, await logStartOffset());
    if (typeof final === "string") return;
    await probeEnd(reader, final);
    await checkTidy();
  };

  /** A writer that comes cold appends where the log ends. */
  const probeEnd = async (reader: Broker, log: FinalLog) => {
    const record = { partition: 0, key: null, value: Buffer.from("probe"), headers: [] };
    const produced = await produceRecords(reader, { topic: TOPIC, records: [record], acks: -1, timeoutMs: 15_000 });
    const [result] = produced.ok ? produced.value.results : [produced];
    const end = (log.at(-1)?.offset ?? (await logStartOffset()) - 1) + 1;
    if (!result!.ok) broken.push(`the log cannot be appended to in the end: ${result!.refusal.message}`);
    else if (result!.value.offset !== end)
      broken.push(`a cold writer appends at ${result!.value.offset}, not at ${end}`);
  };

  /** What is left in the bucket is somebody's. */
  const checkTidy = async () => {
    const log = logKey(topicId, 0);
    const segments = await memory.segmentRegistry.listSegments(log, { limit: 1000 });
    const { items } = await memory.logStore.readItems(log, 0, { maxItems: 1e6, maxBytes: Number.MAX_SAFE_INTEGER });
    const named = new Set(segments.flatMap((segment) => Object.values(segmentKeys(segment))));
    for (const { payload } of items) if (payload.kind === "object") named.add(payload.object.key);
    // Those of a segment that is still read in part go when all of it is out of use.
    for (const segment of segments.filter(({ itemObjectsRemoved }) => itemObjectsRemoved !== true)) {
      const indexes = await memory.segmentStore.getObject(segmentKeys(segment).indexes);
      for (const key of splitIndexes(indexes!, segment.content!.indexSizes).itemObjects) named.add(key);
    }
    for (const { key } of await memory.segmentStore.listObjects(`${topicId}/`, { maxKeys: 1000 })) {
      if (!named.has(key)) broken.push(`${key} is nobody's`);
    }
    for (const { state, baseOffset } of segments) {
      if (state !== "COPY_SEGMENT_FINISHED") broken.push(`the segment at ${baseOffset} is left in ${state}`);
    }
  };

  await scheduler.run(run(), 5_000_000);
  const start = await logStartOffset();
  const now = scheduler.now;
  if (typeof final !== "string") {
    for (const { value, offset, sentAt } of history.attempts) {
      const isDeleted = offset === undefined || offset >= start || offset < deletedBelow;
      if (isDeleted || (retentionMs >= 0 && sentAt! <= now - retentionMs)) continue;
      broken.push(`${value} at ${offset} is below the log's start, ${start}, before its time`);
    }
    broken.push(...check(history, [...below(history, start), ...final]));
  }
  const { trace } = scheduler;
  return {
    seed,
    broken: typeof final === "string" ? [`the log cannot be read in the end: ${final}`, ...broken] : broken,
    acknowledged: history.attempts.filter(({ offset }) => offset !== undefined).length,
    unknown: history.attempts.filter(({ offset, isRefused }) => offset === undefined && !isRefused).length,
    seen: history.seen.length,
    segments: (await memory.segmentRegistry.listSegments(logKey(topicId, 0), { limit: 1000 })).length,
    logStartOffset: start,
    expired,
    traceHash: createHash("sha256").update(trace.join("\n")).digest("hex"),
    trace,
  };
}

function passing(error: unknown): undefined {
  if (!(error instanceof KafkaError)) throw error;
}

/** What stood below the log's start, as far as anybody was told. */
function below({ attempts, seen }: History, start: number): { offset: number; value: string }[] {
  const told = new Map(seen.map(({ offset, value }) => [offset, value]));
  for (const { offset, value } of attempts) if (offset !== undefined) told.set(offset, value);
  return Array.from({ length: start }, (_, offset) => ({ offset, value: told.get(offset) ?? `${CONTROL}${offset}` }));
}

/** The whole log from its start on, or why it cannot be read. */
async function readAll(broker: Broker, from: number): Promise<FinalLog | string> {
  const log: { offset: number; value: string }[] = [];
  for (let offset = from; ; ) {
    const fetched = await fetch(broker, {
      topic: TOPIC,
      partition: 0,
      offset,
      maxBytes: 1 << 20,
      minBytes: 1,
      maxWaitMs: 0,
    });
    if (!fetched.ok) return `${fetched.refusal.code} at ${offset}: ${fetched.refusal.message}`;
    log.push(...textsOf(fetched.value.batches, offset));
    if (fetched.value.nextOffset === offset) return log;
    offset = fetched.value.nextOffset;
  }
}
