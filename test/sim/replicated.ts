import { createHash } from "node:crypto";
import type { Broker, BrokerParts } from "../../shared/broker/broker.ts";
import { readRegistration } from "../../shared/broker/change-partition.ts";
import { createTopic } from "../../shared/broker/create-topic.ts";
import type { MetadataStore } from "../../shared/broker/metadata-store.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import type { ReplicaStores } from "../../shared/broker/replica-stores.ts";
import { logKey } from "../../shared/log/log-item.ts";
import type { LogStore } from "../../shared/log/log-store.ts";
import { silentLogger } from "../../shared/runtime/logger.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { MemoryLogStore } from "../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../shared/storage/memory/memory-metadata-store.ts";
import { MemorySegmentStore } from "../../shared/storage/memory/memory-segment-store.ts";
import { Appended } from "./appended.ts";
import { type ClientWorld, conditionalAppender, fetcher, idempotentProducer, plainProducer, send } from "./clients.ts";
import { disturb, type Member } from "./disturb.ts";
import { type Faults, faulty, NO_FAULTS } from "./faulty.ts";
import { check, type FinalLog, type History, lostAttempts } from "./history.ts";
import { METADATA, Network, reachable, type Sleeper } from "./network.ts";
import { regionWork } from "./region-work.ts";
import { differences } from "./replica-differences.ts";
import { Scheduler } from "./scheduler.ts";
import { type Outcome, Process, readAll, TOPIC } from "./simulation.ts";

export const REGIONS = [1, 2, 3];
const PROCESSES_PER_REGION = 2;

/** A bug of replication, as the product would have it if it used its stores wrongly. */
export interface ReplicationBug {
  /** How a process that has it uses the log table of a region. */
  readonly logStore?: (store: LogStore, region: number, scheduler: Scheduler) => LogStore;
  /** How it uses the metadata. */
  readonly metadataStore?: (store: MetadataStore, scheduler: Scheduler) => MetadataStore;
  /** How those that only read use the metadata. */
  readonly readersMetadataStore?: (store: MetadataStore) => MetadataStore;
  /** How one that lets a replica join uses the metadata; a new one for each join. */
  readonly joinersMetadataStore?: (store: MetadataStore) => MetadataStore;
}

export interface ReplicatedOutcome extends Outcome {
  /** Acknowledged records that are not in the log in the end: by the leader alone, or before an unclean election. */
  readonly lost: number;
  /** Elections because a leader's region was gone. */
  readonly takenOver: number;
  readonly uncleanElections: number;
}

/**
 * Writers, readers and elections over three regions that crash, come back, and are cut off from each other and from the
 * metadata, with processes that fall asleep anywhere, under one seeded scheduler.
 */
export async function simulateReplication(
  seed: number,
  steps: number,
  bug: ReplicationBug = {},
  isUncleanAllowed = false,
): Promise<ReplicatedOutcome> {
  const scheduler = new Scheduler(seed);
  const weather: Faults = {
    fail: scheduler.random.next() * 0.08,
    throttle: scheduler.random.next() * 0.08,
    loseAnswer: scheduler.random.next() * 0.15,
    applyLate: scheduler.random.next() * 0.08,
    hang: scheduler.random.next() * 0.02,
    maxDelayMs: 1 + scheduler.integer(60),
  };
  let faults = NO_FAULTS;
  const network = new Network();
  const appended = new Appended(scheduler);
  const memory = new Map(
    REGIONS.map((id) => {
      const segmentStore = new MemorySegmentStore();
      return [id, { logStore: appended.logStore(new MemoryLogStore(), segmentStore), segmentStore }];
    }),
  );
  const metadata = appended.metadataStore(new MemoryMetadataStore());
  const calmMs = 200 + scheduler.integer(3_000);
  const checkpointEveryItems = 1 + scheduler.integer(12);
  const regionTerms = {
    leaseMs: 2_000 + scheduler.integer(8_000),
    replicaLagTimeMaxMs: 3_000 + scheduler.integer(20_000),
  };
  const partsIn = (region: number, sleeper: Sleeper, change: Partial<ReplicationBug> = bug): BrokerParts => {
    const seen = <T extends object>(store: T, place: number): T =>
      reachable(
        faulty(store, scheduler, () => faults),
        scheduler,
        sleeper,
        () => network.reaches(region, place),
      );
    const replicas = new Map<number, ReplicaStores>();
    for (const [id, stores] of memory) {
      const logStore = seen(stores.logStore, id);
      replicas.set(id, {
        logStore: change.logStore?.(logStore, id, scheduler) ?? logStore,
        segmentStore: seen(stores.segmentStore, id),
      });
    }
    const metadataStore = seen(metadata, METADATA);
    return {
      ...replicas.get(region)!,
      replicas,
      brokerId: region,
      leaseMs: regionTerms.leaseMs,
      metadataStore: change.metadataStore?.(metadataStore, scheduler) ?? metadataStore,
      clock: scheduler.clock(() => 0),
      random: scheduler.random,
      logger: silentLogger,
      metrics: silentMetrics,
      regions: REGIONS.map((id) => `sim-${id}`),
      checkpointEveryItems,
    };
  };
  const memberOf = (region: number, change?: ReplicationBug): Member => {
    const sleeper: Sleeper = { pausedUntil: 0 };
    return { region, process: new Process(partsIn(region, sleeper, change), scheduler, sleeper) };
  };
  const members = REGIONS.flatMap((region) => Array.from({ length: PROCESSES_PER_REGION }, () => memberOf(region)));
  const workers = members.filter((_, index) => index % PROCESSES_PER_REGION === 0);
  const { readersMetadataStore } = bug;
  const readers =
    readersMetadataStore === undefined
      ? members
      : REGIONS.map((region) => memberOf(region, { metadataStore: readersMetadataStore }));
  const history: History = { attempts: [], seen: [], violations: [] };
  const anyOf = (some: readonly Member[]) => some[scheduler.integer(some.length)]!;
  let final: FinalLog | string = [];
  let differing: readonly string[] = [];
  let takenOver = 0;

  const run = async () => {
    const inlineMaxBytes = scheduler.chance(0.3) ? "100" : "32768";
    const configs = {
      "millrace.inline.max.bytes": inlineMaxBytes,
      "unclean.leader.election.enable": String(isUncleanAllowed),
    };
    const sound = openBroker(partsIn(REGIONS[0]!, { pausedUntil: 0 }, {}));
    const created = await createTopic(sound, { name: TOPIC, replicationFactor: 3, configs });
    if (!created.ok) throw new Error(created.refusal.message);
    const { topicId } = created.value;
    faults = weather;
    let isOver = false;
    const chaos = async () => {
      while (!isOver) {
        await scheduler.sleep(50 + scheduler.integer(calmMs));
        const some = () => anyOf(members);
        if (!isOver) await disturb({ scheduler, network, some, topicId, regions: REGIONS, bug, isUncleanAllowed });
      }
    };
    const world: ClientWorld = {
      scheduler,
      broker: () => anyOf(members).process.broker,
      history,
      steps,
      mayLag: true,
      mayHaveLost: () => appended.uncleanElections > 0,
    };
    const clients = [
      ...Array.from({ length: 3 }, (_, id) => idempotentProducer(world, id)),
      ...Array.from({ length: 2 }, (_, id) => plainProducer(world, id)),
      plainProducer(world, 0, 1),
      conditionalAppender(world),
      ...Array.from({ length: 2 }, () => fetcher({ ...world, broker: () => anyOf(readers).process.broker })),
    ];
    void chaos();
    void chaos();
    for (const member of workers) {
      regionWork(
        scheduler,
        member,
        regionTerms,
        () => isOver,
        (partitions) => {
          takenOver += partitions;
        },
      ).catch((error: unknown) => {
        history.violations.push(`a region's work ended: ${error}`);
      });
    }
    await Promise.all(clients);
    isOver = true;
    faults = NO_FAULTS;
    // What the last disturbance began is over by then.
    await scheduler.sleep(60_000);
    network.heal();
    // What is applied late is applied by now.
    await scheduler.sleep(120_000);
    final = await settled(openBroker(partsIn(REGIONS[0]!, { pausedUntil: 0 }, {})), world, topicId);
    if (typeof final === "string") return;
    const registration = (await metadata.getPartitions(topicId))[0]!;
    differing = await differences(memory, logKey(topicId, 0), registration, final.length);
  };
  await scheduler.run(run(), 4_000_000);
  const { trace } = scheduler;
  return {
    seed,
    broken:
      typeof final === "string"
        ? [`the log cannot be read in the end: ${final}`]
        : [...check(history, final, appended), ...differing],
    acknowledged: history.attempts.filter(({ offset }) => offset !== undefined).length,
    unknown: history.attempts.filter(({ offset, isRefused }) => offset === undefined && !isRefused).length,
    seen: history.seen.length,
    lost: typeof final === "string" ? 0 : lostAttempts(history, final).length,
    takenOver,
    uncleanElections: appended.uncleanElections,
    traceHash: createHash("sha256").update(trace.join("\n")).digest("hex"),
    trace,
  };
}

/** One more record on all replicas that are in sync, so that all before it is committed; then the whole log. */
async function settled(broker: Broker, world: ClientWorld, topicId: string): Promise<FinalLog | string> {
  for (let tries = 0; tries < 20; tries++) {
    const attempt = { value: `end-${tries}` } as { value: string; offset?: number; isRefused?: boolean };
    world.history.attempts.push(attempt);
    const sent = await send({ ...world, broker: () => broker }, attempt.value, {});
    if ("offset" in sent) {
      attempt.offset = sent.offset;
      return readAll(broker);
    }
    attempt.isRefused = sent.isRefused;
    await world.scheduler.sleep(5_000);
  }
  const registration = await readRegistration(broker, topicId, 0);
  return `nothing can be appended any more: ${JSON.stringify(registration)}`;
}
