import { KafkaError } from "../kafka/kafka-error.ts";
import { type LogKey, logKey } from "../log/log-item.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";
import { growInSyncReplicas, shrinkInSyncReplicas } from "./change-in-sync-replicas.ts";
import { FollowerFeed } from "./follower-feed.ts";
import { leadLog } from "./lead-log.ts";
import { listTopics } from "./list-topics.ts";
import { loadCheckpoint, READ_TIMEOUT_MS } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { isReplicated } from "./partition-view.ts";
import { at } from "./replica-stores.ts";

/** Kafka's replica.lag.time.max.ms: a follower that is behind for so long leaves the in-sync set. */
export const REPLICA_LAG_TIME_MAX_MS = 30_000;
/** Filling one follower of one partition may take so long a run. */
const FILL_WITHIN_MS = 20_000;
const MAX_LOGS = 10_000;

export interface Replicated {
  /** Partitions with a follower that is behind. */
  readonly behind: number;
  /** Changes to in-sync sets. */
  readonly shrunk: number;
  readonly grown: number;
}

/**
 * The replicator of one region: for the partitions that it leads, it carries to the followers what no writer did (acks=1, and
 * what a follower missed while it was away), takes those that stay behind out of the in-sync set, and lets those that have
 * caught up join again. Run again and again; safe to run twice at once and to be killed anywhere.
 */
export class Replicator {
  readonly #broker: Broker;
  readonly #brokerId: number;
  /** When each follower was last seen to have all of a log; in milliseconds since the epoch. */
  readonly #caughtUpAt = new Map<string, number>();
  /** Followers that did not answer in this run: one that is silent must not hold up every partition. */
  readonly #silent = new Set<number>();
  /** How far each follower is verified in the epoch at hand. */
  readonly #feeds = new Map<string, FollowerFeed>();

  constructor(broker: Broker, brokerId: number) {
    this.#broker = broker;
    this.#brokerId = brokerId;
  }

  async run(): Promise<Replicated> {
    const done = { behind: 0, shrunk: 0, grown: 0 };
    this.#silent.clear();
    for (const { partitions } of await listTopics(this.#broker)) {
      for (const registration of partitions) {
        if (registration.leader !== this.#brokerId || !isReplicated(registration)) continue;
        for (const follower of registration.replicas.filter((id) => id !== registration.leader)) {
          try {
            await this.#follow(registration, follower, done);
          } catch (error) {
            if (!(error instanceof KafkaError)) throw error;
            const log = logKey(registration.topicId, registration.partition);
            this.#broker.logger.warn("a follower was not brought up to date", { log, broker: follower }, error);
          }
        }
      }
    }
    return done;
  }

  async #follow(
    registration: PartitionRegistration,
    follower: number,
    done: { behind: number; shrunk: number; grown: number },
  ): Promise<void> {
    const log = logKey(registration.topicId, registration.partition);
    const key = `${log}@${follower}`;
    const isInSync = registration.inSyncReplicas.includes(follower);
    const hasAll = await this.#fill(log, key, registration, follower).then(
      () => true,
      (error) => {
        this.#broker.logger.warn("a follower is not filled", { log, broker: follower }, error);
        return false;
      },
    );
    const now = this.#broker.clock.now();
    if (hasAll) {
      keep(this.#caughtUpAt, key, now);
      if (isInSync) return;
      const grown = await growInSyncReplicas(this.#broker, registration, follower, FILL_WITHIN_MS);
      if (grown.inSyncReplicas.includes(follower)) done.grown++;
      return;
    }
    done.behind++;
    // The first time that it is seen behind, nobody knows since when.
    const since = this.#caughtUpAt.get(key) ?? now;
    keep(this.#caughtUpAt, key, since);
    if (!isInSync || now - since < REPLICA_LAG_TIME_MAX_MS) return;
    await shrinkInSyncReplicas(this.#broker, registration, follower);
    done.shrunk++;
    this.#broker.logger.warn("a follower left the in-sync set", { log, broker: follower, behindMs: now - since });
  }

  /** Brings the follower to the leader's end. From where this process has verified it in this epoch; a read where nothing is to do. */
  async #fill(log: LogKey, key: string, registration: PartitionRegistration, follower: number): Promise<void> {
    const { leader, leaderEpoch, logStartOffset } = registration;
    if (this.#silent.has(follower)) throw new KafkaError("KAFKA_STORAGE_ERROR", `broker ${follower} does not answer`);
    // The leader's end alone does not tell that the follower answers.
    const read = at(this.#broker, follower).logStore.readItemAtOrBelow(log, Number.MAX_SAFE_INTEGER);
    await withTimeout(this.#broker.clock, READ_TIMEOUT_MS, "reading a follower", read).catch((error) => {
      this.#silent.add(follower);
      throw error;
    });
    let feed = this.#feeds.get(key);
    if (feed?.epoch !== leaderEpoch) {
      const leaders = at(this.#broker, leader);
      await leadLog(leaders, log, registration);
      const start = await loadCheckpoint(at(this.#broker, follower), log, logStartOffset, leaderEpoch);
      feed = new FollowerFeed(leaders, at(this.#broker, follower), log, leaderEpoch, start);
    }
    keep(this.#feeds, key, feed);
    await withTimeout(this.#broker.clock, FILL_WITHIN_MS, "filling a follower", feed.fillToEnd());
  }
}

/** Keeps what was used last. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MAX_LOGS && oldest !== undefined) map.delete(oldest);
}
