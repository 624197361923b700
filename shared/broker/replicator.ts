import { KafkaError } from "../kafka/kafka-error.ts";
import { type LogKey, logKey, partitionOf } from "../log/log-item.ts";
import { sideBySide } from "../runtime/side-by-side.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";
import { growInSyncReplicas, shrinkInSyncReplicas } from "./change-in-sync-replicas.ts";
import { FollowerAnswers } from "./follower-answers.ts";
import { FollowerLag } from "./follower-lag.ts";
import { listTopics } from "./list-topics.ts";
import { isFenced } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { PartitionReplicator } from "./partition-replicator.ts";
import { isReplicated } from "./partition-view.ts";
import { type PartitionHealth, tellReplication } from "./replication-gauges.ts";
import { untilKnown } from "./until-known.ts";

/** Partitions at work for one follower: each follower has its own, so that one that is slow holds up nobody else's. */
const PARTITIONS_AT_ONCE = 16;
/** Filling one follower of one partition may take so long before another partition has its turn. */
const FILL_WITHIN_MS = 20_000;
/** Nothing is begun with less time left. */
const MIN_LEFT_MS = 500;
const LEAD_WITHIN_MS = 60_000;
/** What a bell has read of the metadata is gone by for so long: an old epoch finds out by its fence. */
const REGISTRATION_MS = 5_000;
const MAX_LOGS = 5_000;

export interface Replicated {
  /** Followers of partitions that are behind. */
  readonly behind: number;
  /** Changes to in-sync sets. */
  readonly shrunk: number;
  readonly grown: number;
  /** Followers of partitions that there was no time for: the next run's. */
  readonly left: number;
}

/** A partition to look after. */
interface Task {
  readonly registration: PartitionRegistration;
  readonly minInsyncReplicas: number;
  /** The one read of the leader's log in this run. Answers undefined where the leader could not be asked. */
  replicator?: Promise<PartitionReplicator | undefined>;
  /** The in-sync set as this run leaves it. */
  inSyncReplicas: readonly number[];
}

interface Run {
  readonly untilMs: number;
  readonly done: { behind: number; shrunk: number; grown: number; left: number };
}

/**
 * The replicator of one region: for the partitions that it leads, it carries to the followers what no writer did (acks=1, and
 * what a follower missed while it was away), takes those that stay behind out of the in-sync set, and lets those that have
 * caught up join again. Run again and again; safe to run twice at once and to be killed anywhere: what is in a follower's table
 * is found there. `replicaLagTimeMaxMs`: Kafka's replica.lag.time.max.ms; without it nobody is taken out.
 */
export class Replicator {
  readonly #broker: Broker;
  readonly #brokerId: number;
  readonly #replicaLagTimeMaxMs: number;
  readonly #lag: FollowerLag;
  /** The one used longest ago first. */
  readonly #partitions = new Map<LogKey, PartitionReplicator>();
  readonly #registrations = new Map<
    string,
    { readonly all: readonly PartitionRegistration[]; readonly readAt: number }
  >();
  readonly #answers: FollowerAnswers;

  constructor(broker: Broker, brokerId: number, replicaLagTimeMaxMs = Number.POSITIVE_INFINITY) {
    this.#broker = broker;
    this.#brokerId = brokerId;
    this.#replicaLagTimeMaxMs = replicaLagTimeMaxMs;
    this.#answers = new FollowerAnswers(broker);
    this.#lag = new FollowerLag(broker.clock, replicaLagTimeMaxMs);
  }

  /** All partitions that this region leads, until `untilMs` (milliseconds since the epoch); tells how far their followers are. */
  async run(untilMs = Number.POSITIVE_INFINITY): Promise<Replicated> {
    const tasks = (await listTopics(this.#broker)).flatMap(({ partitions, configs }) => {
      const minInsyncReplicas = Number(configs.find(({ name }) => name === "min.insync.replicas")?.value ?? 1);
      return partitions.filter((found) => this.#isOurs(found)).map((found) => taskOf(found, minInsyncReplicas));
    });
    const run = { untilMs, done: { behind: 0, shrunk: 0, grown: 0, left: 0 } };
    await this.#followAll(tasks, ({ replicas, leader }) => replicas.filter((id) => id !== leader), run);
    tellReplication(
      this.#broker.metrics,
      tasks.map((task) => this.#healthOf(task)),
    );
    return run.done;
  }

  /**
   * Those of the named logs that this region leads, for followers that are waited for: what somebody appended is carried on
   * soon, at the cost of a read of the leader's log and one of each follower's, and of none where this process has seen more
   * than `offset`, the largest that was heard of. Followers that are away are left to `run`. Errors: what the metadata fail with.
   */
  async runFor(logs: ReadonlyMap<LogKey, number>, untilMs = Number.POSITIVE_INFINITY): Promise<Replicated> {
    const tasks: Task[] = [];
    for (const [log, offset] of logs) {
      const registration = await this.#registration(log);
      if (registration === undefined || !this.#isOurs(registration) || this.#hasSeen(registration, offset)) continue;
      tasks.push(taskOf(registration, 1));
    }
    const run = { untilMs, done: { behind: 0, shrunk: 0, grown: 0, left: 0 } };
    await this.#followAll(tasks, waitedFor, run);
    return run.done;
  }

  #isOurs(registration: PartitionRegistration): boolean {
    return registration.leader === this.#brokerId && isReplicated(registration) && registration.isEnded !== true;
  }

  #hasSeen(registration: PartitionRegistration, offset: number): boolean {
    const known = this.#partitions.get(logKey(registration.topicId, registration.partition));
    if (known?.leaderEpoch !== registration.leaderEpoch) return false;
    return waitedFor(registration).every((id) => (known.verifiedThrough(id) ?? 0) > offset);
  }

  async #registration(log: LogKey): Promise<PartitionRegistration | undefined> {
    const { topicId, partition } = partitionOf(log);
    const now = this.#broker.clock.now();
    let known = this.#registrations.get(topicId);
    if (known === undefined || now - known.readAt >= REGISTRATION_MS) {
      const read = () => this.#broker.metadataStore.getPartitions(topicId);
      known = { all: await untilKnown(this.#broker, "reading partitions", read), readAt: now };
      keep(this.#registrations, topicId, known);
    }
    return known.all.find((registration) => registration.partition === partition);
  }

  /** For each follower by itself, its partitions side by side. */
  async #followAll(
    tasks: readonly Task[],
    followersOf: (registration: PartitionRegistration) => readonly number[],
    run: Run,
  ): Promise<void> {
    const byFollower = new Map<number, Task[]>();
    for (const task of tasks) {
      for (const id of followersOf(task.registration)) byFollower.set(id, [...(byFollower.get(id) ?? []), task]);
    }
    const ended = await Promise.allSettled(
      [...byFollower].map(([id, own]) =>
        sideBySide(own, PARTITIONS_AT_ONCE, async (task) => {
          // One that takes long goes on when all others had their turn.
          if (await this.#follow(task, id, run)) own.push(task);
        }),
      ),
    );
    for (const result of ended) if (result.status === "rejected") throw result.reason;
    await sideBySide(tasks, PARTITIONS_AT_ONCE, async ({ replicator, registration }) =>
      (await replicator)?.checkpointIfDue(registration),
    );
  }

  /** True: it got further and not to the end, and wants another turn. */
  async #follow(task: Task, follower: number, run: Run): Promise<boolean> {
    const { registration } = task;
    const log = logKey(registration.topicId, registration.partition);
    const leftMs = run.untilMs - this.#broker.clock.now();
    if (leftMs < MIN_LEFT_MS) {
      run.done.left++;
      return false;
    }
    try {
      task.replicator ??= this.#lead(registration, Math.min(leftMs, LEAD_WITHIN_MS));
      const replicator = await task.replicator;
      // What the leader's own table does not answer tells nothing of its followers.
      if (replicator === undefined) return false;
      const before = replicator.verifiedThrough(follower) ?? 0;
      const isCaughtUp = await this.#fill(replicator, registration, follower, run);
      this.#lag.saw(log, follower, isCaughtUp);
      if (isCaughtUp) await this.#join(task, follower, run);
      else await this.#leave(task, follower, run);
      return !isCaughtUp && Number.isFinite(run.untilMs) && (replicator.verifiedThrough(follower) ?? 0) > before;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#broker.logger.warn("a follower was not looked after", { log, broker: follower }, error);
      return false;
    }
  }

  /** What the leader's log holds by now. */
  async #lead(registration: PartitionRegistration, leftMs: number): Promise<PartitionReplicator | undefined> {
    const log = logKey(registration.topicId, registration.partition);
    const { clock, logger } = this.#broker;
    try {
      let known = this.#partitions.get(log);
      if (known?.leaderEpoch === registration.leaderEpoch) {
        await withTimeout(clock, leftMs, "reading the leader's log", known.catchUp(registration));
      } else {
        const begun = PartitionReplicator.begin(this.#broker, registration);
        known = await withTimeout(clock, leftMs, "leading the log", begun);
      }
      keep(this.#partitions, log, known);
      return known;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#forget(log, error);
      logger.warn("a log that this region leads was not read", { log }, error);
      return undefined;
    }
  }

  async #fill(
    replicator: PartitionReplicator,
    registration: PartitionRegistration,
    follower: number,
    { untilMs }: Run,
  ): Promise<boolean> {
    const { clock, logger } = this.#broker;
    const { log, logEndOffset } = replicator;
    const isBehind = (replicator.verifiedThrough(follower) ?? -1) < logEndOffset;
    // Whoever joins is waited for from then on: it must answer just now, even where there is nothing to fill.
    const wouldJoin = !registration.inSyncReplicas.includes(follower);
    if ((isBehind || wouldJoin) && !(await this.#answers.isAnswering(log, follower, wouldJoin))) return false;
    if (!isBehind) return true;
    try {
      const withinMs = Math.max(MIN_LEFT_MS, Math.min(FILL_WITHIN_MS, untilMs - clock.now()));
      await withTimeout(clock, withinMs, "filling a follower", replicator.fill(follower));
      return true;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#answers.forget(follower);
      this.#forget(log, error);
      logger.warn("a follower is not filled", { log, broker: follower }, error);
      return false;
    }
  }

  async #join(task: Task, follower: number, { untilMs, done }: Run): Promise<void> {
    const { registration } = task;
    if (registration.inSyncReplicas.includes(follower)) return;
    const withinMs = Math.max(MIN_LEFT_MS, Math.min(FILL_WITHIN_MS, untilMs - this.#broker.clock.now()));
    const grown = await growInSyncReplicas(this.#broker, registration, follower, withinMs);
    task.inSyncReplicas = grown.inSyncReplicas;
    if (grown.inSyncReplicas.includes(follower)) done.grown++;
  }

  async #leave(task: Task, follower: number, { done }: Run): Promise<void> {
    const { registration } = task;
    const log = logKey(registration.topicId, registration.partition);
    done.behind++;
    const behindMs = this.#lag.behindMs(log, follower);
    const isMember = registration.inSyncReplicas.includes(follower) || registration.joining.includes(follower);
    if (!isMember || behindMs < this.#replicaLagTimeMaxMs) return;
    task.inSyncReplicas = (await shrinkInSyncReplicas(this.#broker, registration, follower)).inSyncReplicas;
    done.shrunk++;
    this.#broker.logger.warn("a follower left the in-sync set", { log, broker: follower, behindMs });
  }

  #forget(log: LogKey, error: unknown): void {
    if (!isFenced(error)) return;
    this.#partitions.delete(log);
    this.#registrations.delete(partitionOf(log).topicId);
  }

  #healthOf({ registration, inSyncReplicas, minInsyncReplicas }: Task): PartitionHealth {
    const { topicId, partition, replicas, leader } = registration;
    const log = logKey(topicId, partition);
    const known = this.#partitions.get(log);
    const followers = replicas
      .filter((id) => id !== leader)
      .map((broker) => {
        const verified = known?.verifiedThrough(broker);
        const lagOffsets = verified === undefined ? 0 : Math.max(0, known!.logEndOffset - verified);
        return { broker, lagOffsets, behindMs: this.#lag.behindMs(log, broker) };
      });
    return { replicas, inSyncReplicas, minInsyncReplicas, followers };
  }
}

function taskOf(registration: PartitionRegistration, minInsyncReplicas: number): Task {
  return { registration, minInsyncReplicas, inSyncReplicas: registration.inSyncReplicas };
}

/** Followers that an append of acks=all may wait for. */
function waitedFor({ leader, inSyncReplicas, joining }: PartitionRegistration): readonly number[] {
  return [...new Set([...inSyncReplicas, ...joining])].filter((id) => id !== leader);
}

/** Keeps what was used last. */
function keep<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MAX_LOGS && oldest !== undefined) map.delete(oldest);
}
