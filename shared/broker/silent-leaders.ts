import { type LogKey, logKey } from "../log/log-item.ts";
import type { BrokerParts } from "./broker.ts";
import { readRegistration } from "./change-partition.ts";
import { electAnyLeader } from "./elect-any-leader.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { noteFailure } from "./note-failure.ts";
import { RegionReach } from "./region-reach.ts";

/** One try for a partition in so long a time, whoever asks. */
const TRY_EVERY_MS = 3_000;
const MAX_LOGS = 10_000;

interface Try {
  readonly leaderEpoch: number;
  readonly begunAt: number;
  readonly isReplaced: Promise<boolean>;
}

/**
 * Elections on demand: a leader that does not answer an append, and whose region's lease has run out, is replaced at once, by any
 * process of any region, instead of when the next look of a schedule comes to it.
 */
export class SilentLeaders {
  readonly #parts: BrokerParts;
  /** The oldest first. */
  readonly #tries = new Map<LogKey, Try>();

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
    const current = await readRegistration(this.#parts, registration.topicId, registration.partition);
    if (current === undefined) return false;
    if (current.leaderEpoch > registration.leaderEpoch) return true;
    const reach = await RegionReach.look(this.#parts);
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
}
