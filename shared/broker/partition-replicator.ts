import { chainItems } from "../log/chain.ts";
import { type LogItem, type LogKey, logKey } from "../log/log-item.ts";
import { checkpointed, fold, type LogState, toCheckpoint } from "../log/log-state.ts";
import { replicasToWaitFor } from "../log/replicate.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { FollowerFeed } from "./follower-feed.ts";
import { leadLog } from "./lead-log.ts";
import { catchUp, fencedBy, hasHole, type LogTerms, loadCheckpoint, READ_TIMEOUT_MS } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { at } from "./replica-stores.ts";

/** As a writer's replication: a cold start reads and verifies at most about so many items. */
const CHECKPOINT_EVERY_ITEMS = 200;
const CHECKPOINT_TIMEOUT_MS = 3_000;
const PAGE = { maxItems: 1_000, maxBytes: 1024 * 1024 };

/**
 * One partition in one leader epoch, as a replicator of the leader's region knows it: the leader's log, and how far each follower
 * is verified to hold it. All of it is a cache that another process can do without.
 */
export class PartitionReplicator {
  readonly log: LogKey;
  readonly #parts: BrokerParts;
  readonly #leader: BrokerParts;
  readonly #terms: LogTerms;
  readonly #feeds = new Map<number, FollowerFeed>();
  #state: LogState;
  /** What of the leader's log was read last: a page of it. */
  #read: readonly LogItem[] = [];

  private constructor(parts: BrokerParts, registration: PartitionRegistration, state: LogState) {
    this.log = logKey(registration.topicId, registration.partition);
    this.#parts = parts;
    this.#leader = at(parts, registration.leader);
    this.#terms = registration;
    this.#state = state;
  }

  /** Leads the log, as every agent of its epoch does first. Errors: those of leadLog. */
  static async begin(parts: BrokerParts, registration: PartitionRegistration): Promise<PartitionReplicator> {
    const log = logKey(registration.topicId, registration.partition);
    const led = await leadLog(at(parts, registration.leader), log, registration);
    return new PartitionReplicator(parts, registration, led);
  }

  get leaderEpoch(): number {
    return this.#terms.leaderEpoch;
  }

  /** logEndOffset of the leader's log as it was read last. */
  get logEndOffset(): number {
    return this.#state.logEndOffset;
  }

  /** The follower holds all below it, as far as is known here; undefined: nothing is. */
  verifiedThrough(follower: number): number | undefined {
    return this.#feeds.get(follower)?.verifiedThrough;
  }

  /** Reads what the leader's log got since: one request where that is little. Errors: FENCED_LEADER_EPOCH; of the store. */
  async catchUp(registration: PartitionRegistration): Promise<void> {
    const { clock, logStore } = this.#leader;
    const reading = logStore.readItems(this.log, this.#state.logEndOffset, PAGE);
    const page = await withTimeout(clock, READ_TIMEOUT_MS, "reading the log's end", reading);
    const first = page.items[0]?.baseOffset ?? this.#state.logEndOffset;
    const folded = first <= this.#state.logEndOffset && page.isEnd ? this.#fold(page.items) : undefined;
    // A slot that is missing, or more than a page: by the ways that there are for it.
    const isWhole = folded !== undefined && !hasHole(folded, page.items);
    const state = isWhole ? folded : await catchUp(this.#leader, this.log, this.#state);
    this.#state = state ?? (await leadLog(this.#leader, this.log, registration));
    const { lastEpoch = this.leaderEpoch } = this.#state;
    // What a newer epoch appended is nothing that this one may carry.
    if (lastEpoch > this.leaderEpoch) throw fencedBy(this.log, this.leaderEpoch, lastEpoch);
  }

  /** Brings a follower to the leader's end as it was read last. Errors: FENCED_LEADER_EPOCH; what a store fails with. */
  async fill(follower: number): Promise<void> {
    const stores = at(this.#parts, follower);
    let feed = this.#feeds.get(follower);
    if (feed === undefined) {
      const load = () => loadCheckpoint(stores, this.log, this.#terms);
      feed = new FollowerFeed(this.#leader, stores, this.log, this.leaderEpoch, await load(), load);
      this.#feeds.set(follower, feed);
    }
    feed.expect(this.#read);
    await feed.fillThrough(this.#state.logEndOffset);
  }

  #fold(items: readonly LogItem[]): LogState {
    this.#read = [...chainItems(this.#state, items)];
    return this.#read.reduce(fold, this.#state);
  }

  /**
   * A checkpoint in every table that holds what it is of, when all that count hold the log to its end, so that it is
   * committed: without one, who comes anew verifies every follower from the last on. A failed one is made up for by the next.
   */
  async checkpointIfDue(registration: PartitionRegistration): Promise<void> {
    const state = this.#state;
    const every = this.#parts.checkpointEveryItems ?? CHECKPOINT_EVERY_ITEMS;
    const holds = (id: number) => (this.verifiedThrough(id) ?? 0) >= state.logEndOffset;
    const waited = replicasToWaitFor(state.barrier?.waitFor ?? [], registration);
    if (state.isEnded || state.itemsSinceCheckpoint < every || !waited.every(holds)) return;
    const checkpoint = { ...toCheckpoint(state), committedIn: this.leaderEpoch };
    this.#state = checkpointed(state);
    const holders = [registration.leader, ...[...this.#feeds.keys()].filter(holds)];
    const put = async (id: number) => {
      const { clock, logger, logStore } = at(this.#parts, id);
      const written = logStore.putCheckpoint(this.log, checkpoint);
      await withTimeout(clock, CHECKPOINT_TIMEOUT_MS, "writing a checkpoint", written).catch((error: unknown) =>
        logger.warn("a checkpoint was not written", { log: this.log, broker: id }, error),
      );
    };
    await Promise.all(holders.map(put));
  }
}
