import { KafkaError } from "../kafka/kafka-error.ts";
import { type LogItem, type LogKey, partitionOf } from "../log/log-item.ts";
import { type LogState, toCheckpoint } from "../log/log-state.ts";
import { replicasToWaitFor } from "../log/replicate.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { FollowerFeed } from "./follower-feed.ts";
import { loadCheckpoint } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { at } from "./replica-stores.ts";
import { untilKnown } from "./until-known.ts";

/** Committed items after which checkpoints are written: a cold start reads and verifies at most about so many. */
const CHECKPOINT_EVERY_ITEMS = 200;
const CHECKPOINT_TIMEOUT_MS = 3_000;
/** A follower that has not told where it stands after so long does so later. */
const BEGIN_WITHIN_MS = 1_000;
/** While somebody waits and nothing is committed for so long, it is asked who is still in sync, and who leads. */
const ASK_AFTER_MS = 1_000;
const ASK_WITHIN_MS = 2_000;
const FIRST_BACKOFF_MS = 20;
const MAX_BACKOFF_MS = 1_000;
/** Items whose states are kept for a checkpoint while they wait to be committed. */
const MAX_UNCOMMITTED = 1_024;

interface Waiter {
  readonly offset: number;
  /** Whether nobody waits any more. */
  readonly isOver: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The followers of one partition as one writer feeds them in one epoch, and how far the log is committed by it: the
 * highWatermark, as Kafka has it (REPLICATION.md, 5 and 6). Made by whoever has seen the epoch's barrier.
 */
export class Replication {
  readonly #parts: BrokerParts;
  readonly #log: LogKey;
  readonly #waitFor: readonly number[];
  readonly #feeds = new Map<number, FollowerFeed>();
  readonly #running = new Set<number>();
  #registration: PartitionRegistration;
  #waiters: Waiter[] = [];
  #uncommitted: LogState[] = [];
  #committed = 0;
  #itemsSinceCheckpoint = 0;
  #logEndOffset: number;
  #failure: unknown;
  #isWatched = false;

  private constructor(parts: BrokerParts, log: LogKey, registration: PartitionRegistration, led: LogState) {
    this.#parts = parts;
    this.#log = log;
    this.#registration = registration;
    this.#waitFor = led.barrier?.waitFor ?? [];
    this.#logEndOffset = led.logEndOffset;
    this.#uncommitted = [led];
    this.#itemsSinceCheckpoint = led.itemsSinceCheckpoint;
  }

  /** Reads where each follower is for certain. `led`: what leadLog answered for this registration. */
  static async begin(
    parts: BrokerParts,
    log: LogKey,
    registration: PartitionRegistration,
    led: LogState,
  ): Promise<Replication> {
    const replication = new Replication(parts, log, registration, led);
    const leader = at(parts, registration.leader);
    // The in-sync set only ever gets smaller within an epoch: nobody else will be waited for.
    const followers = replicasToWaitFor(replication.#waitFor, registration);
    await Promise.all(
      followers.map(async (id) => {
        const follower = at(parts, id);
        const start = () => loadCheckpoint(follower, log, registration);
        // One that does not answer just now is asked again when it is fed: it must not hold up the leader.
        const known = await withTimeout(parts.clock, BEGIN_WITHIN_MS, "a follower", start()).catch(unlessFenced);
        replication.#feeds.set(id, new FollowerFeed(leader, follower, log, registration.leaderEpoch, known ?? start));
      }),
    );
    replication.#advance();
    return replication;
  }

  get leaderEpoch(): number {
    return this.#registration.leaderEpoch;
  }

  /** All below it is committed. */
  get committedOffset(): number {
    return this.#committed;
  }

  /** What became of it for good: fenced. */
  get failure(): unknown {
    return this.#failure;
  }

  get inSyncReplicas(): readonly number[] {
    return this.#registration.inSyncReplicas;
  }

  /** A newer read of the registration. */
  update(registration: PartitionRegistration): void {
    if (registration.leaderEpoch > this.#registration.leaderEpoch) {
      this.#fail(superseded(this.#log, this.#registration.leaderEpoch, registration.leaderEpoch));
    } else if (registration.partitionEpoch > this.#registration.partitionEpoch) {
      this.#registration = registration;
      this.#advance();
    }
  }

  /** An item that the leader's log just got, and the state after it. The followers are fed with it from here on. */
  add(item: LogItem, state: LogState): void {
    this.#logEndOffset = state.logEndOffset;
    this.#uncommitted.push(state);
    if (this.#uncommitted.length > MAX_UNCOMMITTED) this.#uncommitted.shift();
    for (const [id, feed] of this.#feeds) {
      feed.add(item);
      void this.#feed(id, feed);
    }
    this.#advance();
  }

  /** What others appended in this epoch is seen here, and has to be replicated too before what stands behind it is. */
  extendTo(state: LogState): void {
    if (state.logEndOffset <= this.#logEndOffset) return;
    this.#logEndOffset = state.logEndOffset;
    this.#uncommitted.push(state);
    for (const [id, feed] of this.#feeds) void this.#feed(id, feed);
    this.#advance();
  }

  /**
   * Resolves when all below `offset` is committed. Errors: FENCED_LEADER_EPOCH, `outcome` unknown: it may be in the log of
   * the next leader. Whoever calls has a deadline of its own, and tells when it is over.
   */
  committedThrough(offset: number, isOver: () => boolean = () => false): Promise<void> {
    if (offset <= this.#committed) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(mayBeInTheLog(this.#failure));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ offset, isOver, resolve, reject });
      for (const [id, feed] of this.#feeds) void this.#feed(id, feed);
      void this.#watch();
    });
  }

  /** Resolves when a follower is verified through `offset`. Errors: FENCED_LEADER_EPOCH; what its store fails with. */
  async verifiedBy(id: number, offset: number): Promise<void> {
    const feed = this.#feeds.get(id);
    if (feed === undefined) throw new KafkaError("KAFKA_STORAGE_ERROR", `broker ${id} is not waited for in this epoch`);
    await feed.fillThrough(offset);
    this.#advance();
  }

  /** Feeds a follower until it has all, in the background, or as long as somebody waits. */
  async #feed(id: number, feed: FollowerFeed): Promise<void> {
    if (this.#running.has(id)) return;
    this.#running.add(id);
    let failures = 0;
    while (this.#failure === undefined && feed.verifiedThrough < this.#logEndOffset) {
      try {
        await feed.fillThrough(Math.min(this.#logEndOffset, feed.verifiedThrough + 1));
        failures = 0;
        this.#advance();
      } catch (error) {
        if (!(error instanceof KafkaError) || error.code === "FENCED_LEADER_EPOCH") {
          this.#fail(error);
          break;
        }
        // Nobody waits: the next append, or the replicator, goes on from here.
        if (!this.#isWaitedFor() && failures > 2) break;
        const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures++);
        await this.#parts.clock.sleep(this.#parts.random.next() * backoffMs);
      }
    }
    this.#running.delete(id);
  }

  /**
   * A follower that is silent keeps its puts waiting for seconds each; whether it still counts is the metadata's to say. An append
   * that hangs by it goes on as soon as it has left the in-sync set, and fails as soon as another leads.
   */
  async #watch(): Promise<void> {
    if (this.#isWatched) return;
    this.#isWatched = true;
    while (this.#failure === undefined && this.#isWaitedFor()) {
      const before = this.#committed;
      await this.#parts.clock.sleep(ASK_AFTER_MS);
      if (this.#committed === before && this.#isWaitedFor()) await this.#refresh();
    }
    this.#isWatched = false;
  }

  #isWaitedFor(): boolean {
    this.#waiters = this.#waiters.filter((waiter) => !waiter.isOver());
    return this.#waiters.length > 0;
  }

  /** An epoch's in-sync set only ever gets smaller within it. */
  async #refresh(): Promise<void> {
    const { topicId, partition } = partitionOf(this.#log);
    try {
      const read = () => this.#parts.metadataStore.getPartitions(topicId);
      const all = await untilKnown(this.#parts, "reading partitions", read, ASK_WITHIN_MS);
      const found = all.find((registration) => registration.partition === partition);
      if (found !== undefined) this.update(found);
    } catch (error) {
      this.#parts.logger.warn("the registration of a partition cannot be read", { log: this.#log }, error);
    }
  }

  #advance(): void {
    const waited = replicasToWaitFor(this.#waitFor, this.#registration);
    const verified = waited.map((id) => this.#feeds.get(id)?.verifiedThrough ?? 0);
    const committed = Math.min(this.#logEndOffset, ...verified);
    if (committed <= this.#committed) return;
    this.#committed = committed;
    const reached = this.#waiters.filter(({ offset }) => offset <= committed);
    this.#waiters = this.#waiters.filter(({ offset }) => offset > committed);
    for (const { resolve } of reached) resolve();
    this.#checkpoint();
  }

  #checkpoint(): void {
    let state: LogState | undefined;
    while (this.#uncommitted[0] !== undefined && this.#uncommitted[0].logEndOffset <= this.#committed) {
      state = this.#uncommitted.shift();
      this.#itemsSinceCheckpoint++;
    }
    const every = this.#parts.checkpointEveryItems ?? CHECKPOINT_EVERY_ITEMS;
    if (state === undefined || state.isEnded || this.#itemsSinceCheckpoint < every) return;
    this.#itemsSinceCheckpoint = 0;
    const { logEndOffset } = state;
    const holders = [...this.#feeds].filter(([, feed]) => feed.verifiedThrough >= logEndOffset).map(([id]) => id);
    const checkpoint = { ...toCheckpoint(state), committedIn: this.#registration.leaderEpoch };
    for (const id of [this.#registration.leader, ...holders]) {
      const { clock, logger, logStore } = at(this.#parts, id);
      withTimeout(
        clock,
        CHECKPOINT_TIMEOUT_MS,
        "writing a checkpoint",
        logStore.putCheckpoint(this.#log, checkpoint),
      ).catch((error) => logger.warn("a checkpoint was not written", { log: this.#log, broker: id }, error));
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { reject } of waiters) reject(mayBeInTheLog(error));
  }
}

function unlessFenced(error: unknown): undefined {
  if (error instanceof KafkaError && error.code !== "FENCED_LEADER_EPOCH") return undefined;
  throw error;
}

function superseded(log: LogKey, epoch: number, newer: number): KafkaError {
  return new KafkaError("FENCED_LEADER_EPOCH", `epoch ${epoch} of ${log} was superseded by epoch ${newer}`);
}

/** It is in the leader's log, and nobody can tell whether the next leader has it. */
function mayBeInTheLog(error: unknown): unknown {
  if (!(error instanceof KafkaError)) return error;
  return new KafkaError("NOT_LEADER_OR_FOLLOWER", error.message, {
    hint: "the leader changed while it was replicated: it may be in the log all the same",
    outcome: "unknown",
    cause: error,
  });
}
