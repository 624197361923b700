import { type LogKey, logKey } from "../log/log-item.ts";
import type { BrokerParts } from "./broker.ts";
import { electAnyLeader } from "./elect-any-leader.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { noteFailure } from "./note-failure.ts";
import { RegionReach } from "./region-reach.ts";
import { untilKnown } from "./until-known.ts";

/**
 * One try for a partition in so long a time, whoever asks; one look at the leases for all of them, and one at the registrations of
 * a topic. Together with SUSPECT_EVERY_MS of partition-writer.ts it is what a failover lasts beyond the lease.
 */
export const TRY_EVERY_MS = 1_000;
const MAX_LOGS = 10_000;
const MAX_TOPICS = 100;

interface Try {
  readonly leaderEpoch: number;
  readonly begunAt: number;
  readonly isReplaced: Promise<boolean>;
}

/** What was asked for at a time, in milliseconds since the epoch. */
interface Look<T> {
  readonly at: number;
  readonly answer: Promise<T>;
}

/**
 * Elections on demand: a leader that does not answer an append, and whose region's lease has run out, is replaced at once, by any
 * process of any region, instead of when the next look of a schedule comes to it. While nothing is silent nothing is read; while something is, a
 * process reads the leases once in TRY_EVERY_MS, and the registrations of each topic that waits, however many partitions and appends do.
 */
export class SilentLeaders {
  readonly #parts: BrokerParts;
  /** The oldest first. */
  readonly #tries = new Map<LogKey, Try>();
  #reach: Look<RegionReach> | undefined;
  /** By topicId, the oldest first. */
  readonly #partitions = new Map<string, Look<readonly PartitionRegistration[]>>();

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /**
   * Whether a newer epoch than the registration's has begun, by this election or another's. False: the leader's region is alive
   * by its lease or its table, nobody else can lead, or this cannot be found out just now. Never throws.
   */
  replace(registration: PartitionRegistration, isUncleanAllowed: boolean): Promise<boolean> {
    const { topicId, partition, leaderEpoch } = registration;
    const log = logKey(topicId, partition);
    const now = this.#parts.clock.now();
    const last = this.#tries.get(log);
    if (last?.leaderEpoch === leaderEpoch && now - last.begunAt < TRY_EVERY_MS) return last.isReplaced;
    const isReplaced = this.#elect(registration, isUncleanAllowed).catch((error: unknown) => {
      noteFailure(this.#parts, "an election on demand failed", { log }, error);
      return false;
    });
    this.#tries.delete(log);
    this.#tries.set(log, { leaderEpoch, begunAt: now, isReplaced });
    const [oldest] = this.#tries.keys();
    if (this.#tries.size > MAX_LOGS && oldest !== undefined) this.#tries.delete(oldest);
    return isReplaced;
  }

  async #elect(registration: PartitionRegistration, isUncleanAllowed: boolean): Promise<boolean> {
    const all = await this.#partitionsOf(registration.topicId);
    const current = all.find(({ partition }) => partition === registration.partition);
    if (current === undefined) return false;
    if (current.leaderEpoch > registration.leaderEpoch) return true;
    const reach = await this.#look();
    if (!reach.expired.has(current.leader)) return false;
    const elected = await electAnyLeader(this.#parts, { registration: current, isUncleanAllowed, reach });
    if (!elected.ok) return false;
    const { topicId, partition, leader, leaderEpoch } = elected.value.registration;
    if (leaderEpoch <= registration.leaderEpoch) return false;
    const log = logKey(topicId, partition);
    this.#parts.logger.info("an append found its leader gone", {
      log,
      leader,
      leaderEpoch,
      instead: registration.leader,
    });
    return true;
  }

  #partitionsOf(topicId: string): Promise<readonly PartitionRegistration[]> {
    const { metadataStore } = this.#parts;
    const before = this.#partitions.get(topicId);
    const look = this.#shared(before, () =>
      untilKnown(this.#parts, "reading partitions", () => metadataStore.getPartitions(topicId)),
    );
    if (look === before) return look.answer;
    this.#partitions.delete(topicId);
    this.#partitions.set(topicId, look);
    const [oldest] = this.#partitions.keys();
    if (this.#partitions.size > MAX_TOPICS && oldest !== undefined) this.#partitions.delete(oldest);
    return look.answer;
  }

  #look(): Promise<RegionReach> {
    this.#reach = this.#shared(this.#reach, () => RegionReach.look(this.#parts));
    return this.#reach.answer;
  }

  /** The look that was begun just now, or else a new one. */
  #shared<T>(before: Look<T> | undefined, look: () => Promise<T>): Look<T> {
    const at = this.#parts.clock.now();
    return before !== undefined && at - before.at < TRY_EVERY_MS ? before : { at, answer: look() };
  }
}
