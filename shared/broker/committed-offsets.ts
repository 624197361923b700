import { chainItems } from "../log/chain.ts";
import { leads } from "../log/lead.ts";
import type { LogItem, LogKey } from "../log/log-item.ts";
import { fold, type LogState } from "../log/log-state.ts";
import { replicaStep, replicasToWaitFor } from "../log/replicate.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { isFenced, loadCheckpoint, READ_TIMEOUT_MS } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { at, type ReplicaStores } from "./replica-stores.ts";

const PAGE = { maxItems: 1000, maxBytes: 1024 * 1024 };
/** Pages that one look at a log's end follows; the next one goes on where it ended. */
const MAX_PAGES = 16;
const MAX_LOGS = 10_000;

/** How far a log is committed, and how far it goes. */
export interface Watermarks {
  /** The fold of what is committed: its logEndOffset is the highWatermark. */
  readonly committed: LogState;
  /** logEndOffset of the leader's log, committed or not. */
  readonly logEndOffset: number;
}

/**
 * The highWatermark of replicated partitions for those who only read: how far this process has seen for itself that all
 * replicas hold the leader's log (REPLICATION.md, 6 and 8). Never falls, since what is committed stays.
 */
export class CommittedOffsets {
  readonly #parts: BrokerParts;
  /** The fold of what is known to be committed; the one used longest ago first. */
  readonly #known = new Map<LogKey, LogState>();

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** What is known without asking; undefined before the first look. */
  known(log: LogKey): LogState | undefined {
    return this.#known.get(log);
  }

  /**
   * Looks how far the log is committed. Errors: FENCED_LEADER_EPOCH where the registration is old; what the leader's store
   * fails with. A follower that does not answer commits nothing.
   */
  async look(log: LogKey, registration: PartitionRegistration): Promise<Watermarks> {
    const leader = at(this.#parts, registration.leader);
    const { logStartOffset, leaderEpoch } = registration;
    let committed = this.#known.get(log) ?? (await loadCheckpoint(leader, log, logStartOffset, leaderEpoch));
    let tip = committed;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const items = [...chainItems(committed, await this.#page(leader, log, committed.logEndOffset))];
      if (items.length === 0) break;
      // The barrier of the epoch may stand far behind what is being looked at.
      tip = await this.#tip(leader, log, items.reduce(fold, committed));
      const told = Math.max(...items.map(({ highWatermark = 0 }) => highWatermark));
      const known = items.filter(({ lastOffset }) => lastOffset < told);
      committed = known.reduce(fold, committed);
      const left = items.slice(known.length);
      const verified = left.length === 0 ? [] : await this.#verified(log, registration, tip, committed, left);
      committed = verified.reduce(fold, committed);
      if (verified.length < left.length) break;
    }
    committed = this.#keep(log, committed);
    return { committed, logEndOffset: Math.max(tip.logEndOffset, committed.logEndOffset) };
  }

  /** The items, from the first on, that every replica that counts holds in this epoch. */
  async #verified(
    log: LogKey,
    registration: PartitionRegistration,
    tip: LogState,
    committed: LogState,
    items: readonly LogItem[],
  ): Promise<readonly LogItem[]> {
    const { leaderEpoch } = registration;
    // Before the epoch's barrier stands, nothing can be said in it.
    if (!leads(tip, leaderEpoch)) return [];
    // The seal of a deleted topic is in the leader's log alone: there is nothing left to replicate for.
    if (tip.isEnded) return items;
    const waited = replicasToWaitFor(tip.barrier!.waitFor, registration);
    const followers = await Promise.all(waited.map((id) => this.#held(id, log, committed.logEndOffset, registration)));
    const isHeld = (item: LogItem) =>
      followers.every(
        ({ items: held, logEndOffset }) =>
          item.lastOffset < logEndOffset ||
          replicaStep(item, held.get(item.baseOffset), leaderEpoch).kind === "verified",
      );
    const missing = items.findIndex((item) => !isHeld(item));
    return missing < 0 ? items : items.slice(0, missing);
  }

  /** What a follower holds: its items from an offset on, and all below its checkpoint, which is of what it holds for good. */
  async #held(id: number, log: LogKey, from: number, { logStartOffset, leaderEpoch }: PartitionRegistration) {
    const follower = at(this.#parts, id);
    try {
      const [checkpoint, page] = await Promise.all([
        loadCheckpoint(follower, log, logStartOffset, leaderEpoch),
        this.#page(follower, log, from),
      ]);
      return { logEndOffset: checkpoint.logEndOffset, items: new Map(page.map((item) => [item.baseOffset, item])) };
    } catch (error) {
      if (isFenced(error)) throw error;
      this.#parts.logger.warn("a follower does not answer", { log, broker: id }, error);
      return { logEndOffset: 0, items: new Map<number, LogItem>() };
    }
  }

  /** The fold to the log's end. */
  async #tip(leader: BrokerParts, log: LogKey, from: LogState): Promise<LogState> {
    let tip = from;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const items = [...chainItems(tip, await this.#page(leader, log, tip.logEndOffset))];
      if (items.length === 0) break;
      tip = items.reduce(fold, tip);
    }
    return tip;
  }

  async #page({ logStore }: ReplicaStores, log: LogKey, from: number): Promise<readonly LogItem[]> {
    const read = logStore.readItems(log, from, PAGE);
    return (await withTimeout(this.#parts.clock, READ_TIMEOUT_MS, "reading a replica", read)).items;
  }

  #keep(log: LogKey, looked: LogState): LogState {
    const known = this.#known.get(log);
    const committed = known !== undefined && known.logEndOffset > looked.logEndOffset ? known : looked;
    this.#known.delete(log);
    this.#known.set(log, committed);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_LOGS && oldest !== undefined) this.#known.delete(oldest);
    return committed;
  }
}
