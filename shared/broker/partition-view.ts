import { leads } from "../log/lead.ts";
import type { LogItem, LogKey } from "../log/log-item.ts";
import { NO_EPOCH } from "../log/log-item.ts";
import { checkpointed, fold, isCheckpointDue, type LogState, toCheckpoint } from "../log/log-state.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { leadLog } from "./lead-log.ts";
import { catchUp, fencedBy, loadLog } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { at } from "./replica-stores.ts";
import { Replication } from "./replication.ts";

/** A view of the log older than this is read anew before anything is put: far below the life of any deleted slot. */
export const VIEW_MAX_AGE_MS = 30_000;

const CHECKPOINT_TIMEOUT_MS = 3_000;

/** What a writer believes its log to be. */
export interface View {
  readonly state: LogState;
  /** The tick at which it was certainly the whole log. */
  readonly confirmedAt: number;
  /** Milliseconds since the epoch. */
  readonly readAt: number;
}

/**
 * The log of one partition as one writer knows it, in the newest epoch that it has heard of: a cache, which conditional puts
 * judge. With several replicas also how far the followers are.
 */
export class PartitionView {
  readonly #parts: BrokerParts;
  readonly #log: LogKey;
  #view: View | undefined;
  #epoch = NO_EPOCH;
  #replication: Replication | undefined;
  /** Orders arrivals and reads within this writer, where a clock's milliseconds are too coarse. */
  #tick = 0;

  constructor(parts: BrokerParts, log: LogKey) {
    this.#parts = parts;
    this.#log = log;
  }

  get knownLogEndOffset(): number | undefined {
    return this.#view?.state.logEndOffset;
  }

  /** The followers, if the partition has any. */
  get replication(): Replication | undefined {
    return this.#replication;
  }

  tick(): number {
    return ++this.#tick;
  }

  /** A view that is young enough to append by. Errors: FENCED_LEADER_EPOCH if a newer epoch is known than the caller's. */
  async fresh(registration: PartitionRegistration): Promise<View> {
    const { leaderEpoch } = registration;
    if (leaderEpoch < this.#epoch) throw fencedBy(this.#log, leaderEpoch, this.#epoch);
    if (leaderEpoch > this.#epoch || this.#replication?.failure !== undefined) this.drop();
    this.#epoch = leaderEpoch;
    this.#replication?.update(registration);
    const isYoung = this.#view !== undefined && this.#parts.clock.now() - this.#view.readAt < VIEW_MAX_AGE_MS;
    const view = isYoung ? this.#view! : await this.catchUp(registration);
    const { lastEpoch } = view.state;
    if (leaderEpoch < (lastEpoch ?? NO_EPOCH)) throw fencedBy(this.#log, leaderEpoch, lastEpoch!);
    return view;
  }

  /** The view with all that was appended since, or a new one. */
  async catchUp(registration: PartitionRegistration): Promise<View> {
    const confirmedAt = this.tick();
    const readAt = this.#parts.clock.now();
    const leader = at(this.#parts, registration.leader);
    const known = this.#view?.state;
    const state = (known && (await catchUp(leader, this.#log, known))) ?? (await this.#load(leader, registration));
    this.#view = { state, confirmedAt, readAt };
    await this.#replicate(registration, state);
    return this.#view;
  }

  /** An own item was written: `confirmedAt` and `readAt` are of the moment before the put. */
  append(item: LogItem, before: View, confirmedAt: number, readAt: number): void {
    this.#view = { state: fold(before.state, item), confirmedAt, readAt };
    this.#replication?.add(item, this.#view.state);
  }

  /** Another writer's item was met, which continues the chain. */
  fold(item: LogItem, before: View): void {
    this.#view = { ...before, state: fold(before.state, item) };
    // A newer epoch's item is nothing that this one may carry to the followers.
    if (item.leaderEpoch > this.#epoch) this.#replication = undefined;
    this.#replication?.add(item, this.#view.state);
  }

  /** Nothing is believed any more: the next append reads the log anew. */
  drop(): void {
    this.#view = undefined;
    this.#replication = undefined;
  }

  /**
   * Goes out beside the append, so that it costs no time. A failed one is made up for by the next. With several replicas,
   * checkpoints are of what is committed: replication.ts writes them.
   */
  async checkpointIfDue(view: View, registration: PartitionRegistration): Promise<View> {
    const { clock, logger, checkpointEveryItems } = this.#parts;
    if (isReplicated(registration) || !isCheckpointDue(view.state, checkpointEveryItems)) return view;
    try {
      const { logStore } = at(this.#parts, registration.leader);
      const put = logStore.putCheckpoint(this.#log, toCheckpoint(view.state));
      await withTimeout(clock, CHECKPOINT_TIMEOUT_MS, "writing the checkpoint", put);
    } catch (error) {
      logger.warn("a checkpoint was not written", { log: this.#log }, error);
    }
    return { ...view, state: checkpointed(view.state) };
  }

  #load(leader: BrokerParts, registration: PartitionRegistration): Promise<LogState> {
    this.#replication = undefined;
    if (isReplicated(registration)) return leadLog(leader, this.#log, registration);
    return loadLog(leader, this.#log, registration);
  }

  async #replicate(registration: PartitionRegistration, state: LogState): Promise<void> {
    if (!isReplicated(registration) || !leads(state, registration.leaderEpoch)) return;
    this.#replication ??= await Replication.begin(this.#parts, this.#log, registration, state);
    this.#replication.extendTo(state);
  }
}

/** With one replica there is no barrier, no stamp other than the epoch, and no wait. */
export function isReplicated({ replicas }: PartitionRegistration): boolean {
  return replicas.length > 1;
}
