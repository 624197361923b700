import { KafkaError } from "../kafka/kafka-error.ts";
import { type ChainEnd, chainItems } from "../log/chain.ts";
import { leads } from "../log/lead.ts";
import { type LogItem, type LogKey, NO_EPOCH } from "../log/log-item.ts";
import { fold, type LogState } from "../log/log-state.ts";
import { replicaStep, replicasToWaitFor } from "../log/replicate.ts";
import { lastUncleanEpoch } from "../log/unclean-election.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { HeldOffsets } from "./held-offsets.ts";
import { type Lineage, lineageOf } from "./lineage.ts";
import { hasHole, isFenced, loadCheckpoint, READ_TIMEOUT_MS } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { at, type ReplicaStores } from "./replica-stores.ts";

const PAGE = { maxItems: 1000, maxBytes: 1024 * 1024 };
/** Pages that one look at a log's end follows; the next one goes on where it ended. */
const MAX_PAGES = 16;
const MAX_LOGS = 10_000;

/** What a follower holds: all below an end, and what was read of it behind that. */
interface Replica {
  readonly id: number;
  readonly logEndOffset: number;
  /** By baseOffset. */
  readonly items: ReadonlyMap<number, LogItem>;
}

/** How far a log is committed, and how far it goes. */
export interface Watermarks {
  /** The fold of what is committed: its logEndOffset is the highWatermark. */
  readonly committed: LogState;
  /** The fold of the leader's log to its end, committed or not. */
  readonly tip: LogState;
  /** The tip's. */
  readonly logEndOffset: number;
}

/**
 * The highWatermark of replicated partitions for those who only read: how far this process has seen for itself that all
 * replicas hold the leader's log (REPLICATION.md, 6 and 8). Never falls, since what is committed stays; what an unclean election
 * begins is another lineage (lineage.ts).
 */
export class CommittedOffsets {
  /** How much of it this region's own table holds. */
  readonly held: HeldOffsets;
  readonly #parts: BrokerParts;
  /** The fold of what is known to be committed; the one used longest ago first. */
  readonly #known = new Map<Lineage, LogState>();

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.held = new HeldOffsets(parts);
  }

  /** What is known without asking; undefined before the first look. */
  known(log: LogKey, registration: PartitionRegistration): LogState | undefined {
    return furthest(this.#known.get(lineageOf(log, registration)), this.held.known(log, registration));
  }

  /**
   * Looks how far the log is committed. Errors: FENCED_LEADER_EPOCH where the registration is old; what the leader's store
   * fails with. A follower that does not answer commits nothing.
   */
  async look(log: LogKey, registration: PartitionRegistration): Promise<Watermarks> {
    const leader = at(this.#parts, registration.leader);
    const looked = this.#known.get(lineageOf(log, registration)) ?? (await this.#checkpoint(leader, log, registration));
    let committed = furthest(looked, this.held.known(log, registration));
    let tip = committed;
    let isRenewed = false;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const from = committed;
      const page = await this.#page(leader, log, from.logEndOffset);
      const items = [...chainItems(from, page)];
      if (!isRenewed && hasHole(endOf(items, from), page)) {
        // What was known lies below localLogStartOffset by now, and its items are gone: checkpoints go further.
        committed = furthest(await this.#checkpoint(leader, log, registration), from);
        tip = committed;
        isRenewed = true;
        continue;
      }
      if (items.length === 0) break;
      // The barrier of the epoch may stand far behind what is being looked at.
      const [reached, own] = await Promise.all([
        this.#tip(leader, log, items.reduce(fold, from)),
        this.#ownReplica(log, from.logEndOffset, registration),
      ]);
      tip = reached;
      const told = hasBegun(tip, registration) ? Math.max(...items.map(({ highWatermark = 0 }) => highWatermark)) : 0;
      const known = items.filter(({ lastOffset }) => lastOffset < told);
      committed = known.reduce(fold, from);
      const left = items.slice(known.length);
      const verified = left.length === 0 ? [] : await this.#verified(log, registration, tip, committed, left, own);
      committed = verified.reduce(fold, committed);
      if (own !== undefined) {
        const { leaderEpoch } = registration;
        this.held.extend(
          log,
          registration,
          from,
          prefix([...known, ...verified], (item) => holds(own, item, leaderEpoch)),
        );
      }
      if (verified.length < left.length) break;
    }
    committed = this.#keep(log, registration, committed);
    const end = furthest(tip, committed);
    return { committed, tip: end, logEndOffset: end.logEndOffset };
  }

  /** The newest of the leader's checkpoint and the own region's: each is of what is committed. */
  async #checkpoint(leader: BrokerParts, log: LogKey, registration: PartitionRegistration): Promise<LogState> {
    const held = this.held.follower(registration) && this.held.read(log, registration).catch(unlessFenced);
    const [leaders, own] = await Promise.all([loadCheckpoint(leader, log, registration), held]);
    return furthest(leaders, own);
  }

  /** The items, from the first on, that every replica that counts holds in this epoch. */
  async #verified(
    log: LogKey,
    registration: PartitionRegistration,
    tip: LogState,
    committed: LogState,
    items: readonly LogItem[],
    own: Replica | undefined,
  ): Promise<readonly LogItem[]> {
    const { leaderEpoch } = registration;
    // Before the epoch's barrier stands, nothing can be said in it.
    if (!leads(tip, leaderEpoch)) return [];
    // The seal of a deleted topic is in the leader's log alone: there is nothing left to replicate for.
    if (tip.isEnded) return items;
    const waited = replicasToWaitFor(tip.barrier!.waitFor, registration);
    const read = (id: number) => this.#held(id, log, committed.logEndOffset, registration);
    const followers = await Promise.all(waited.map((id) => (id === own?.id ? own : read(id))));
    return prefix(items, (item) => followers.every((follower) => holds(follower, item, leaderEpoch)));
  }

  /** What the own region's table holds, if it follows. */
  async #ownReplica(log: LogKey, from: number, registration: PartitionRegistration): Promise<Replica | undefined> {
    if (this.held.follower(registration) === undefined) return undefined;
    return this.#held(this.#parts.brokerId!, log, from, registration);
  }

  /** What a follower holds: its items from an offset on, and all below its checkpoint, which is of what it holds for good. */
  async #held(id: number, log: LogKey, from: number, registration: PartitionRegistration): Promise<Replica> {
    const follower = at(this.#parts, id);
    try {
      const [checkpoint, page] = await Promise.all([
        loadCheckpoint(follower, log, registration),
        this.#page(follower, log, from),
      ]);
      return { id, logEndOffset: checkpoint.logEndOffset, items: new Map(page.map((item) => [item.baseOffset, item])) };
    } catch (error) {
      if (isFenced(error)) throw error;
      this.#parts.logger.warn("a follower does not answer", { log, broker: id }, error);
      return { id, logEndOffset: 0, items: new Map() };
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

  #keep(log: LogKey, registration: PartitionRegistration, looked: LogState): LogState {
    const lineage = lineageOf(log, registration);
    const committed = furthest(looked, this.known(log, registration));
    this.#known.delete(lineage);
    this.#known.set(lineage, committed);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_LOGS && oldest !== undefined) this.#known.delete(oldest);
    return committed;
  }
}

/** Before the barrier of an unclean election stands, what was committed before it says nothing of what stays. */
function hasBegun(tip: LogState, { uncleanElections }: PartitionRegistration): boolean {
  return (tip.barrier?.leaderEpoch ?? NO_EPOCH) >= lastUncleanEpoch(uncleanElections);
}

/** Where a chain has got to with these items. */
function endOf(items: readonly LogItem[], from: LogState): ChainEnd {
  const last = items.at(-1);
  return last === undefined ? from : { logEndOffset: last.lastOffset + 1, lastEpoch: last.leaderEpoch };
}

function holds({ items, logEndOffset }: Replica, item: LogItem, epoch: number): boolean {
  return item.lastOffset < logEndOffset || replicaStep(item, items.get(item.baseOffset), epoch).kind === "verified";
}

/** The items before the first that is not so. */
function prefix(items: readonly LogItem[], isSo: (item: LogItem) => boolean): readonly LogItem[] {
  const first = items.findIndex((item) => !isSo(item));
  return first < 0 ? items : items.slice(0, first);
}

function furthest<S extends LogState | undefined>(one: S, other: LogState | undefined): S | LogState {
  if (one === undefined || other === undefined) return one ?? (other as S);
  return other.logEndOffset > one.logEndOffset ? other : one;
}

function unlessFenced(error: unknown): undefined {
  if (error instanceof KafkaError && !isFenced(error)) return undefined;
  throw error;
}
