import { KafkaError } from "../kafka/kafka-error.ts";
import { type ChainEnd, chainItems } from "../log/chain.ts";
import { type LogItem, type LogKey, NO_EPOCH } from "../log/log-item.ts";
import { replicaStep } from "../log/replicate.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { fencedBy, READ_TIMEOUT_MS } from "./log-view.ts";
import type { ReplicaStores } from "./replica-stores.ts";

/** Puts under way to one follower: order does not matter, thanks to the links. */
const PUTS_AT_ONCE = 8;
/** Items that wait in memory for a follower; one that is further behind is fed from the leader's log. */
const MAX_FRESH = 256;
const PAGE = { maxItems: 200, maxBytes: 1024 * 1024 };
const PUT_TIMEOUT_MS = 3_000;
const OBJECT_TIMEOUT_MS = 15_000;
/** A slot that changes hands while it is judged. */
const MAX_ATTEMPTS = 4;

/** Reads from the follower's table what it holds for good. Errors: FENCED_LEADER_EPOCH; what its store fails with. */
export type FeedStart = () => Promise<ChainEnd>;

/**
 * Fills one follower's table with the leader's log and verifies it, slot by slot, for one epoch (REPLICATION.md, 5).
 * `leader`: parts on the leader's stores. Whoever makes one has seen the barrier of the epoch in the leader's log.
 */
export class FollowerFeed {
  readonly #leader: BrokerParts;
  readonly #follower: ReplicaStores;
  readonly #log: LogKey;
  readonly #epoch: number;
  /** All below it is verified in this epoch, or committed and held for good. */
  #verified: ChainEnd;
  /** Tells what is held for good, which is not known yet. */
  #start: FeedStart | undefined;
  readonly #restart: FeedStart | undefined;
  /** What the leader's log got last, ascending and without gaps. */
  #fresh: LogItem[] = [];
  /** What the leader's log was just read to hold. */
  #read: readonly LogItem[] = [];
  #filling: Promise<void> | undefined;

  /**
   * `verified`: what the follower holds for good; if it cannot be asked just now, how to. `restart`: how to ask again where the leader's log does
   * not go on: its hot items begin further up, and the upkeep gives the follower a checkpoint from which to fill it.
   */
  constructor(
    leader: BrokerParts,
    follower: ReplicaStores,
    log: LogKey,
    epoch: number,
    verified: ChainEnd | FeedStart,
    restart?: FeedStart,
  ) {
    this.#leader = leader;
    this.#follower = follower;
    this.#log = log;
    this.#epoch = epoch;
    const isKnown = typeof verified !== "function";
    this.#verified = isKnown ? verified : { logEndOffset: 0, lastEpoch: NO_EPOCH };
    this.#start = isKnown ? undefined : verified;
    this.#restart = restart ?? this.#start;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get verifiedThrough(): number {
    return this.#verified.logEndOffset;
  }

  /** An item that the leader's log just got: it need not be read again. */
  add(item: LogItem): void {
    const last = this.#fresh.at(-1);
    if (last !== undefined && last.lastOffset + 1 !== item.baseOffset) this.#fresh = [];
    this.#fresh.push(item);
    if (this.#fresh.length > MAX_FRESH) this.#fresh.shift();
  }

  /**
   * Items that the leader's log was just read to hold, ascending: they need not be read once more. Unlike those that are added, the
   * follower may have them from others, and is read first: a put in vain is dearer than a read.
   */
  expect(items: readonly LogItem[]): void {
    this.#read = items;
  }

  /** Resolves when all below `offset` is verified. Errors: FENCED_LEADER_EPOCH; what a store fails with, to be tried again. */
  async fillThrough(offset: number): Promise<void> {
    while (this.#verified.logEndOffset < offset) {
      this.#filling ??= this.#step().finally(() => {
        this.#filling = undefined;
      });
      await this.#filling;
    }
  }

  /** Resolves when all that the leader's log holds is verified; one read of each table where there was nothing to do. */
  async fillToEnd(): Promise<void> {
    for (;;) {
      const from = this.#verified.logEndOffset;
      const items = [...chainItems(this.#verified, await this.#page(this.#leader, from))];
      if (items.length === 0) return;
      await this.fillThrough(items.at(-1)!.lastOffset + 1);
    }
  }

  async #step(): Promise<void> {
    if (this.#start !== undefined) {
      const held = await this.#start();
      if (held.logEndOffset > this.#verified.logEndOffset || this.#verified.logEndOffset === 0) this.#verified = held;
      this.#start = undefined;
      return;
    }
    const from = this.#verified.logEndOffset;
    while (this.#fresh[0] !== undefined && this.#fresh[0].baseOffset < from) this.#fresh.shift();
    if (this.#fresh[0]?.baseOffset === from) return this.#replicateAll(this.#fresh.slice(0, PUTS_AT_ONCE), new Map());
    const read = this.#read.filter(({ baseOffset }) => baseOffset >= from);
    this.#read = [];
    const [leaders, followers] = await Promise.all([
      read[0]?.baseOffset === from ? read : this.#page(this.#leader, from),
      this.#page(this.#follower, from),
    ]);
    const items = [...chainItems(this.#verified, leaders)];
    if (items.length === 0) {
      this.#start = this.#restart;
      throw new KafkaError("KAFKA_STORAGE_ERROR", `the leader's log ${this.#log} does not go on at ${from}`, {
        hint: "try again",
      });
    }
    const found = new Map(followers.map((item) => [item.baseOffset, item]));
    for (let at = 0; at < items.length; at += PUTS_AT_ONCE) {
      await this.#replicateAll(items.slice(at, at + PUTS_AT_ONCE), found);
    }
  }

  async #page({ logStore }: Pick<ReplicaStores, "logStore">, from: number): Promise<readonly LogItem[]> {
    const read = logStore.readItems(this.#log, from, PAGE);
    return (await withTimeout(this.#leader.clock, READ_TIMEOUT_MS, "reading a replica", read)).items;
  }

  /** Items that follow each other, at once; what stands without a gap is verified, the first failure is thrown. */
  async #replicateAll(items: readonly LogItem[], found: ReadonlyMap<number, LogItem>): Promise<void> {
    const results = await Promise.allSettled(items.map((item) => this.#replicate(item, found.get(item.baseOffset))));
    for (const [index, result] of results.entries()) {
      if (result.status === "rejected") throw result.reason;
      const item = items[index]!;
      this.#verified = { logEndOffset: item.lastOffset + 1, lastEpoch: item.leaderEpoch };
    }
  }

  async #replicate(item: LogItem, seen: LogItem | undefined): Promise<void> {
    let found = seen;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const step = replicaStep(item, found, this.#epoch);
      if (step.kind === "verified") return;
      if (step.kind === "fenced") throw fencedBy(this.#log, this.#epoch, step.stamp);
      if (step.kind === "stale") break;
      if (item.payload.kind === "object") await this.#copyObject(item.payload.object.key);
      const put = this.#follower.logStore.putItem(this.#log, step.item);
      const result = await withTimeout(this.#leader.clock, PUT_TIMEOUT_MS, "a follower", put);
      if (result.kind === "written") return;
      found = result.item;
    }
    throw new KafkaError("KAFKA_STORAGE_ERROR", `a follower of ${this.#log} holds another item at ${item.baseOffset}`, {
      hint: "the view of the leader's log is not that log: read it again",
    });
  }

  /** The region that has the item must have its batches too, or its loss of the leader's bucket would lose them. */
  async #copyObject(key: string): Promise<void> {
    const { clock, segmentStore } = this.#leader;
    const bytes = await withTimeout(clock, OBJECT_TIMEOUT_MS, "the segment store", segmentStore.getObject(key));
    if (bytes === undefined) throw new KafkaError("KAFKA_STORAGE_ERROR", `object ${key} of the log is missing`);
    await withTimeout(
      clock,
      OBJECT_TIMEOUT_MS,
      "a follower's bucket",
      this.#follower.segmentStore.putObject(key, bytes),
    );
  }
}
