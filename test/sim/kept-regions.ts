import { createHash } from "node:crypto";
import type { Broker, BrokerParts } from "../../shared/broker/broker.ts";
import { growInSyncReplicas, shrinkInSyncReplicas } from "../../shared/broker/change-in-sync-replicas.ts";
import { readRegistration } from "../../shared/broker/change-partition.ts";
import { createTopic } from "../../shared/broker/create-topic.ts";
import { electAnyLeader } from "../../shared/broker/elect-any-leader.ts";
import { electLeader } from "../../shared/broker/elect-leader.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import type { ReplicaStores } from "../../shared/broker/replica-stores.ts";
import { Replicator } from "../../shared/broker/replicator.ts";
import { upkeepLogs } from "../../shared/broker/tiering/upkeep.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import { logKey } from "../../shared/log/log-item.ts";
import type { SegmentRegistry } from "../../shared/log/segment-registry.ts";
import { silentLogger } from "../../shared/runtime/logger.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { MemoryLogStore } from "../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../shared/storage/memory/memory-metadata-store.ts";
import { MemorySegmentRegistry } from "../../shared/storage/memory/memory-segment-registry.ts";
import { MemorySegmentStore } from "../../shared/storage/memory/memory-segment-store.ts";
import { Appended } from "./appended.ts";
import { type ClientWorld, fetcher, idempotentProducer, plainProducer, send } from "./clients.ts";
import { type Faults, faulty, NO_FAULTS } from "./faulty.ts";
import { check, type FinalLog, type History, lostAttempts } from "./history.ts";
import { METADATA, Network, reachable, type Sleeper } from "./network.ts";
import { REGIONS } from "./replicated.ts";
import { Scheduler } from "./scheduler.ts";
import { type Outcome, Process, readAll, TOPIC } from "./simulation.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const PROCESSES_PER_REGION = 2;

/** How every process uses its stores, where it has a bug. */
export interface KeptRegionsBug {
  /** A region's. */
  readonly stores?: (stores: ReplicaStores, region: number) => ReplicaStores;
  readonly segmentRegistry?: (registry: SegmentRegistry, lastUncleanEpoch: () => number) => SegmentRegistry;
}

export interface KeptRegionsOutcome extends Outcome {
  readonly segments: number;
  readonly expired: number;
  /** Acknowledged records that are not in the log in the end, of which an unclean election says so. */
  readonly lost: number;
  readonly uncleanElections: number;
}

/**
 * Weeks of a replicated log that is kept: each region looks after the logs that it leads, while leaders move, regions go and come back, are
 * cut off and fall out of sync, processes sleep, and every table deletes what has expired at random late times; with `isUncleanAllowed` replicas
 * are elected too that were away. In the end each region by itself, the others gone, has the whole log. The same seed gives the same trace.
 */
export async function simulateKeptRegions(
  seed: number,
  steps: number,
  bug: KeptRegionsBug = {},
  isUncleanAllowed = false,
): Promise<KeptRegionsOutcome> {
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
  const network = new Network();
  const appended = new Appended(scheduler);
  const metadata = appended.metadataStore(new MemoryMetadataStore());
  const registry = new MemorySegmentRegistry();
  const memory = new Map(
    REGIONS.map((id) => {
      const segmentStore = new MemorySegmentStore(() => scheduler.now);
      const table = new MemoryLogStore();
      return [id, { table, logStore: appended.logStore(table, segmentStore), segmentStore }] as const;
    }),
  );
  const checkpointEveryItems = 1 + scheduler.integer(300);
  const partsIn = (region: number, sleeper: Sleeper): BrokerParts => {
    const seen = <T extends object>(store: T, place: number): T =>
      reachable(
        faulty(store, scheduler, () => faults),
        scheduler,
        sleeper,
        () => network.reaches(region, place),
      );
    const replicas = new Map<number, ReplicaStores>();
    for (const [id, { logStore, segmentStore }] of memory) {
      const stores = { logStore: seen(logStore, id), segmentStore: seen(segmentStore, id) };
      replicas.set(id, bug.stores?.(stores, id) ?? stores);
    }
    const segmentRegistry = seen(registry, METADATA);
    return {
      ...replicas.get(region)!,
      replicas,
      brokerId: region,
      metadataStore: seen(metadata, METADATA),
      segmentRegistry: bug.segmentRegistry?.(segmentRegistry, () => appended.lastUncleanEpoch) ?? segmentRegistry,
      clock: scheduler.clock(() => 0),
      random: scheduler.random,
      logger: silentLogger,
      metrics: silentMetrics,
      regions: REGIONS.map((id) => `sim-${id}`),
      checkpointEveryItems,
    };
  };
  const members = REGIONS.flatMap((region) =>
    Array.from({ length: PROCESSES_PER_REGION }, () => {
      const sleeper: Sleeper = { pausedUntil: 0 };
      return { region, process: new Process(partsIn(region, sleeper), scheduler, sleeper) };
    }),
  );
  const history: History = { attempts: [], seen: [], violations: [] };
  const broken: string[] = [];
  let final: FinalLog | string = [];
  let expired = 0;
  let topicId = "";

  const run = async () => {
    const sound = openBroker(partsIn(1, { pausedUntil: 0 }));
    const created = await createTopic(sound, {
      name: TOPIC,
      replicationFactor: 3,
      configs: {
        "retention.ms": "-1",
        "local.retention.ms": String(pick([MINUTE_MS, HOUR_MS, DAY_MS])),
        "segment.ms": String(pick([HOUR_MS, DAY_MS])),
        "unclean.leader.election.enable": String(isUncleanAllowed),
        "millrace.inline.max.bytes": scheduler.chance(0.3) ? "100" : "32768",
      },
    });
    if (!created.ok) throw new Error(created.refusal.message);
    topicId = created.value.topicId;
    faults = weather;
    let isOver = false;
    const until = async (most: number, work: () => Promise<unknown> | unknown) => {
      while (!isOver) {
        await scheduler.sleep(scheduler.integer(most));
        if (!isOver) await Promise.race([work(), scheduler.sleep(2 * HOUR_MS)]);
      }
    };
    const inRegions = (most: number, work: (broker: Broker, region: number) => Promise<unknown>) =>
      until(most, async () => {
        const { process, region } = pick(members);
        await work(process.broker, region).catch(passing);
      });
    const background = [
      inRegions(3 * HOUR_MS, (broker) => upkeepLogs(broker, { untilMs: scheduler.now + scheduler.integer(600_000) })),
      inRegions(3 * HOUR_MS, (broker) => upkeepLogs(broker, { untilMs: scheduler.now + 600_000 })),
      inRegions(2 * HOUR_MS, (broker, region) => new Replicator(broker, region).run(scheduler.now + 30_000)),
      until(12 * HOUR_MS, async () => {
        for (const { table } of memory.values()) {
          const before = Math.floor((scheduler.now - scheduler.integer(2 * DAY_MS)) / 1000);
          expired += await table.deleteExpiredItems(before, scheduler.integer(50));
        }
      }),
      until(4 * HOUR_MS, () => disturb()),
    ];
    const world: ClientWorld = {
      scheduler,
      broker: () => pick(members).process.broker,
      history,
      steps,
      mayLag: true,
      pauseMs: pick([HOUR_MS, 6 * HOUR_MS, DAY_MS]),
      patienceMs: 5 * MINUTE_MS,
      mayHaveLost: () => appended.uncleanElections > 0,
    };
    await Promise.all([
      idempotentProducer(world, 0),
      idempotentProducer(world, 1),
      plainProducer(world, 0),
      fetcher(world),
    ]);
    isOver = true;
    void Promise.all(background);
    faults = NO_FAULTS;
    network.heal();
    for (const { process } of members) process.pausedUntil = 0;
    await scheduler.sleep(3 * HOUR_MS);
    await settle();
  };

  const disturb = async () => {
    const { process, region } = pick(members);
    const { broker } = process;
    const acts = [
      "restart",
      "pause",
      "crash",
      "cut",
      "back",
      "back",
      "elect",
      "elect",
      "shrink",
      "grow",
      "grow",
    ] as const;
    const act = pick(isUncleanAllowed ? ([...acts, "shrink", "electUncleanly", "electUncleanly"] as const) : acts);
    scheduler.note(`chaos ${act} ${region}`);
    const registration = await metadata.getPartitions(topicId).then(([found]) => found!);
    const does: Record<typeof act, () => Promise<unknown> | unknown> = {
      restart: () => process.restart(),
      pause: () => {
        process.pausedUntil = scheduler.now + scheduler.integer(pick([MINUTE_MS, 6 * HOUR_MS]));
      },
      crash: () => network.down.add(region),
      cut: () => network.cut.add(`${region}-${scheduler.integer(REGIONS.length + 1)}`),
      back: () => network.heal(),
      elect: () => electLeader(broker, { topicId, partition: 0, leader: region }),
      shrink: () => shrinkInSyncReplicas(broker, registration, pick(REGIONS)),
      grow: () => growInSyncReplicas(broker, registration, pick(REGIONS), 20_000),
      // Whoever is cut off from all in sync takes them for gone, and is wrong about it at times.
      electUncleanly: () => {
        const isGone = async (_: unknown, id: number) => !network.reaches(region, id) || scheduler.chance(0.7);
        return electAnyLeader(broker, { registration, isUncleanAllowed: true, reach: { isGone } });
      },
    };
    await Promise.resolve()
      .then(() => does[act]!())
      .catch(passing);
  };

  /** All regions are in sync again, and have all that is cold; then each is asked alone. */
  const settle = async () => {
    const brokers = new Map(REGIONS.map((id) => [id, openBroker(partsIn(id, { pausedUntil: 0 }))]));
    const replicators = REGIONS.map((id) => new Replicator(brokers.get(id)!, id));
    for (let round = 0; round < 40; round++) {
      for (const broker of brokers.values()) await upkeepLogs(broker, { untilMs: scheduler.now + 600_000 });
      for (const replicator of replicators) await replicator.run(scheduler.now + 60_000).catch(passing);
      await scheduler.sleep(6 * HOUR_MS);
      for (const { table } of memory.values()) {
        expired += await table.deleteExpiredItems(Math.floor(scheduler.now / 1000), Number.MAX_SAFE_INTEGER);
      }
    }
    const registration = (await readRegistration(brokers.get(1)!, topicId, 0))!;
    if (registration.inSyncReplicas.length < REGIONS.length) {
      broken.push(`only ${registration.inSyncReplicas.join(", ")} are in sync in the end`);
      return;
    }
    const attempt = { value: "end" } as { value: string; offset?: number };
    history.attempts.push(attempt);
    const sent = await send({ scheduler, history, steps, broker: () => brokers.get(1)! }, attempt.value, {});
    if ("offset" in sent) attempt.offset = sent.offset;
    else broken.push(`nothing can be appended in the end: ${sent.code}`);
    final = await readAll(brokers.get(registration.leader)!);
    for (const alone of REGIONS) {
      const others = REGIONS.filter((id) => id !== alone);
      if (registration.leader !== alone || alone !== REGIONS[0]) {
        await electLeader(brokers.get(alone)!, { topicId, partition: 0, leader: alone });
      }
      for (const id of others) {
        const current = (await readRegistration(brokers.get(alone)!, topicId, 0))!;
        if (alone === REGIONS.at(-1)) await shrinkInSyncReplicas(brokers.get(alone)!, current, id);
      }
    }
    // The last one leads alone: its table and its bucket are all there is.
    for (const id of REGIONS.slice(0, -1)) network.down.add(id);
    const last = await readAll(openBroker(partsIn(REGIONS.at(-1)!, { pausedUntil: 0 })));
    if (typeof last === "string") broken.push(`a region alone cannot read the log: ${last}`);
    else if (typeof final !== "string") {
      const records = (log: FinalLog) => log.filter(({ value }) => !value.startsWith("#")).map(({ value }) => value);
      if (records(last).join() !== records(final).join()) broken.push("a region alone has another log");
    }
  };

  await scheduler.run(run(), 8_000_000);
  const { trace } = scheduler;
  const segments = await registry.listSegments(logKey(topicId, 0), { limit: 1000 });
  return {
    seed,
    broken: [
      ...broken,
      ...(typeof final === "string"
        ? [`the log cannot be read in the end: ${final}`]
        : check(history, final, appended)),
    ],
    lost: typeof final === "string" ? 0 : lostAttempts(history, final).length,
    uncleanElections: appended.uncleanElections,
    acknowledged: history.attempts.filter(({ offset }) => offset !== undefined).length,
    unknown: history.attempts.filter(({ offset, isRefused }) => offset === undefined && !isRefused).length,
    seen: history.seen.length,
    segments: segments.length,
    expired,
    traceHash: createHash("sha256").update(trace.join("\n")).digest("hex"),
    trace,
  };
}

function passing(error: unknown): undefined {
  if (!(error instanceof KafkaError)) throw error;
}
