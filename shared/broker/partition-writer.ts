import { KafkaError } from "../kafka/kafka-error.ts";
import { type AppendPlan, type AppendRequest, planAppend } from "../log/append.ts";
import { chainStep } from "../log/chain.ts";
import { conflictBackoffMs } from "../log/conflict-backoff.ts";
import { joinBatches } from "../log/item-batches.ts";
import { type ItemPayload, type LogItem, type LogKey, NO_EPOCH } from "../log/log-item.ts";
import type { LogState } from "../log/log-state.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { type AppendOptions, type AppendOutcome, AppendQueue, PendingAppend } from "./append-queue.ts";
import type { BrokerParts } from "./broker.ts";
import type { LogBell } from "./log-bell.ts";
import { fencedBy, isFenced } from "./log-view.ts";
import { holds, type ObjectUpload, uploadBatches } from "./object-upload.ts";
import { isReplicated, PartitionView, type View } from "./partition-view.ts";
import { putUntilKnown } from "./put-until-known.ts";
import { at } from "./replica-stores.ts";
import type { SilentLeaders } from "./silent-leaders.ts";
import type { ItemExpiry } from "./tiering/item-expiry.ts";

/**
 * For so long after a lost slot, batches above so many bytes go to the segment store, whatever the topic allows inline: a lost
 * put is billed like a won one, by the size of the item. At this size an S3 PUT and a pointer cost what the item does.
 */
export const CONTENDED_MS = 60_000;
export const CONTENDED_INLINE_MAX_BYTES = 8 * 1024;

/** An append that has no place in a replicated log yet asks so often whether the leader's region is gone, or another leads. */
const SUSPECT_EVERY_MS = 1_000;

/**
 * Appends for one partition in one process: one put in flight, and what arrives meanwhile goes into the next item
 * (group commit). The view of the log is a cache; the conditional put at logEndOffset is what judges it.
 */
export class PartitionWriter {
  readonly #parts: BrokerParts;
  readonly #bell: LogBell;
  readonly #silentLeaders: SilentLeaders;
  readonly #log: LogKey;
  readonly #queue = new AppendQueue();
  readonly #view: PartitionView;
  readonly #acknowledgements: Acknowledgements;
  readonly #expiry: ItemExpiry;
  #lostInARow = 0;
  /** Milliseconds since the epoch. */
  #lostAt = Number.NEGATIVE_INFINITY;
  #upload: ObjectUpload | undefined;
  #isRunning = false;
  #isAbandoned = false;

  constructor(parts: BrokerParts, bell: LogBell, silentLeaders: SilentLeaders, expiry: ItemExpiry, log: LogKey) {
    this.#parts = parts;
    this.#bell = bell;
    this.#silentLeaders = silentLeaders;
    this.#log = log;
    this.#view = new PartitionView(parts, log);
    this.#acknowledgements = new Acknowledgements(parts, bell, log);
    this.#expiry = expiry;
  }

  get isIdle(): boolean {
    return !this.#isRunning;
  }

  /** Its leader was replaced while it waited for it: it appends nothing any more, and another writer takes its place. */
  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /** logEndOffset as last seen here; undefined before the first append. */
  get knownLogEndOffset(): number | undefined {
    return this.#view.knownLogEndOffset;
  }

  /**
   * Appends when its turn comes. Errors: KafkaError REQUEST_TIMED_OUT at the deadline, THROTTLING_QUOTA_EXCEEDED, or
   * what the stores fail with; `outcome` tells whether it may be in the log.
   */
  async append(request: AppendRequest, options: AppendOptions): Promise<AppendOutcome> {
    const pending = new PendingAppend(request, options, this.#view.tick());
    this.#queue.push(pending);
    const tell = () => void this.#suspect(pending);
    void pending.watch(
      this.#parts.clock,
      isReplicated(options.registration) ? { everyMs: SUSPECT_EVERY_MS, tell } : undefined,
    );
    if (!this.#isRunning) {
      this.#isRunning = true;
      void this.#drain();
    }
    return pending.outcome;
  }

  async #drain(): Promise<void> {
    // What is sent in one go comes into the queue before the first group is formed.
    await undefined;
    for (let group = this.#queue.nextGroup(); group.length > 0; group = this.#queue.nextGroup()) {
      try {
        await this.#round(group);
      } catch (error) {
        this.#view.drop();
        for (const pending of group) if (!pending.isAnswered && !pending.isPlaced) this.#fail(pending, error);
      }
    }
    this.#isRunning = false;
  }

  /** Fails it, unless the leader that it failed by is gone: then it is the next leader's. */
  #fail(pending: PendingAppend, error: unknown): void {
    const { registration, confirmsLeader } = pending.options;
    if (!isReplicated(registration) || !(error instanceof KafkaError) || !error.retriable || isFenced(error)) {
      pending.fail(error);
      return;
    }
    pending.isPlaced = true;
    const isSafe = !pending.isPut || error.outcome === "none";
    void this.#silentLeaders.replace(registration, confirmsLeader).then((isReplaced) => {
      pending.fail(isReplaced ? this.#superseded(registration.leaderEpoch, isSafe) : error);
    });
  }

  /** The leader is silent: if its region is gone, all that wait for it here are the next leader's. */
  async #suspect({ options: { registration, confirmsLeader } }: PendingAppend): Promise<void> {
    if (!(await this.#silentLeaders.replace(registration, confirmsLeader)) || this.#isAbandoned) return;
    const { leaderEpoch } = registration;
    const stuck = this.#queue.waiting.filter(({ options }) => options.registration.leaderEpoch <= leaderEpoch);
    if (stuck.length === 0) return;
    this.#isAbandoned = true;
    for (const pending of this.#queue.waiting) pending.fail(this.#superseded(leaderEpoch, !pending.isPut));
  }

  /** `isSafe`: it certainly is not in the old leader's log, and may be appended to the new one's. */
  #superseded(leaderEpoch: number, isSafe: boolean): KafkaError {
    return isSafe ? fencedBy(this.#log, leaderEpoch, leaderEpoch + 1) : mayBeKept(this.#log, leaderEpoch + 1);
  }

  /** One attempt to get the group into the log. What is not answered by it comes into the next one. */
  async #round(group: readonly PendingAppend[]): Promise<void> {
    const [view] = await Promise.all([this.#view.fresh(group[0]!.options.registration), this.#expiry.prepare()]);
    if (this.#isAbandoned) return;
    if (view.state.isEnded) {
      this.#view.drop();
      for (const pending of group) pending.answer({ kind: "ended" });
      return;
    }
    const plan = planAppend(
      view.state,
      group.map(({ request }) => request),
    );
    if (plan.verdicts.every(({ kind }) => kind === "append") || !(await this.#answerKnown(group, plan, view))) {
      await this.#put(group, plan, view);
    }
  }

  /** Answers what the view alone decides, and reads on where it is too old to refuse. False: the put decides all. */
  async #answerKnown(group: readonly PendingAppend[], plan: AppendPlan, view: View): Promise<boolean> {
    let isAnswered = false;
    for (const [index, pending] of group.entries()) {
      const verdict = plan.verdicts[index]!;
      // What stands behind an append was judged by what that append would make of the log: the put decides it too.
      if (verdict.kind === "append") break;
      if (verdict.kind === "refused" && !verdict.isFinal && pending.arrivedAt > view.confirmedAt) {
        await this.#view.catchUp(pending.options.registration);
        return true;
      }
      this.#acknowledgements.answer(pending, verdict, this.#view.replication);
      isAnswered = true;
    }
    return isAnswered;
  }

  async #put(group: readonly PendingAppend[], plan: AppendPlan, view: View): Promise<void> {
    const appended = group.filter((_, index) => plan.verdicts[index]!.kind === "append");
    const { registration, segmentBytes } = appended[0]!.options;
    const leader = at(this.#parts, registration.leader);
    const payload = await this.#payload(leader, appended, plan, view.state.logEndOffset);
    if (this.#isAbandoned) return;
    const outdated = appended.filter((pending) => this.#acknowledgements.isOutdated(pending));
    // The metadata are read again first; the others come into the next round.
    for (const pending of outdated) pending.fail(outdatedRegistration(this.#log));
    if (outdated.length > 0) return;
    for (const pending of appended) pending.isPut = true;
    const item = this.#item(payload, plan, view.state, appended[0]!.options);
    const confirmedAt = this.#view.tick();
    const readAt = this.#parts.clock.now();
    const [result, before] = await Promise.all([
      putUntilKnown(leader, this.#log, item),
      this.#view.checkpointIfDue(view, registration),
    ]);
    if (result.kind === "occupied") return this.#lose(appended, item, result.item, before);
    await this.#expiry.confirm(leader, { item, registration, segmentBytes }, view.readAt);
    this.#countAppend(appended, plan);
    this.#lostInARow = 0;
    this.#upload = undefined;
    this.#view.append(item, before, confirmedAt, readAt);
    const { replication } = this.#view;
    for (const [index, pending] of group.entries()) {
      this.#acknowledgements.answer(pending, plan.verdicts[index]!, replication);
    }
    this.#bell.ring(this.#log);
  }

  #countAppend(appended: readonly PendingAppend[], { recordCount }: AppendPlan): void {
    const { metrics } = this.#parts;
    metrics.count("Appends", 1);
    metrics.count("RecordsIn", recordCount);
    metrics.count("BytesIn", sizeOf(appended));
  }

  /** The slot went to another writer: its item is folded in, and the next round tries the slot behind it. */
  async #lose(appended: readonly PendingAppend[], own: LogItem, winner: LogItem, view: View): Promise<void> {
    const { registration } = appended[0]!.options;
    // The own item with a newer stamp: it is in the log, and only the newer epoch can tell whether it stays there.
    if (winner.appendId === own.appendId) throw mayBeKept(this.#log, winner.stamp);
    for (const pending of appended) pending.isPut = false;
    this.#lostInARow++;
    this.#lostAt = this.#parts.clock.now();
    this.#parts.metrics.count("AppendConflicts", 1);
    const isNext = chainStep(view.state, winner) === "next";
    if (isNext) this.#view.fold(winner, view);
    else this.#view.drop();
    if (own.payload.kind === "inline") {
      for (const pending of appended) if (pending.options.yieldsOnConflict) pending.answer({ kind: "yielded" });
    }
    const backoffMs = conflictBackoffMs(this.#lostInARow, this.#parts.random);
    if (backoffMs === 0) return;
    await this.#parts.clock.sleep(backoffMs);
    if (isNext) await this.#view.catchUp(registration);
  }

  async #payload(
    leader: BrokerParts,
    appended: readonly PendingAppend[],
    plan: AppendPlan,
    baseOffset: number,
  ): Promise<ItemPayload> {
    const { inlineMaxBytes, registration } = appended[0]!.options;
    const requests = appended.map(({ request }) => request);
    if (sizeOf(appended) <= Math.min(inlineMaxBytes, this.#inlineLimit())) {
      return { kind: "inline", batches: joinBatches(requests, baseOffset, registration.leaderEpoch) };
    }
    const upload: ObjectUpload = holds(this.#upload, requests, leader.segmentStore)
      ? this.#upload
      : await uploadBatches(leader, this.#log, requests, this.#newId());
    this.#upload = upload;
    return { kind: "object", object: upload.object, producerBatches: plan.producerBatches };
  }

  #inlineLimit(): number {
    const isContended = this.#parts.clock.now() - this.#lostAt < CONTENDED_MS;
    return isContended ? CONTENDED_INLINE_MAX_BYTES : Number.POSITIVE_INFINITY;
  }

  #item(payload: ItemPayload, plan: AppendPlan, state: LogState, options: AppendOptions): LogItem {
    const { registration, appendId, localRetentionMs } = options;
    const { leaderEpoch } = registration;
    const expiresAt = this.#expiry.expiresAt(plan.maxTimestamp, localRetentionMs);
    return {
      baseOffset: state.logEndOffset,
      lastOffset: plan.logEndOffset - 1,
      recordCount: plan.recordCount,
      maxTimestamp: plan.maxTimestamp,
      maxTimestampSoFar: Math.max(state.maxTimestampSoFar, plan.maxTimestamp),
      leaderEpoch,
      stamp: leaderEpoch,
      prevEpoch: state.lastEpoch ?? NO_EPOCH,
      appendId: appendId ?? this.#newId(),
      payload,
      ...(this.#view.replication === undefined ? {} : { highWatermark: this.#view.replication.committedOffset }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
  }

  #newId(): string {
    return Buffer.from(this.#parts.random.bytes(16)).toString("base64url");
  }
}

function sizeOf(appended: readonly PendingAppend[]): number {
  return appended.reduce((size, { request }) => size + request.batches.length, 0);
}

/** Nothing was appended: whoever called asks the metadata again. */
function outdatedRegistration(log: LogKey): KafkaError {
  return new KafkaError("FENCED_LEADER_EPOCH", `who leads ${log} was read longer ago than a lease lasts`, {
    hint: "refresh the topic's metadata and send it again",
    outcome: "none",
  });
}

function mayBeKept(log: LogKey, stamp: number): KafkaError {
  return new KafkaError("NOT_LEADER_OR_FOLLOWER", `epoch ${stamp} of ${log} began while it was appended`, {
    hint: "refresh the topic's metadata; it may be in the log all the same",
    outcome: "unknown",
  });
}
