import { KafkaError } from "../kafka/kafka-error.ts";
import { type AppendPlan, type AppendRequest, planAppend } from "../log/append.ts";
import { chainStep } from "../log/chain.ts";
import { conflictBackoffMs } from "../log/conflict-backoff.ts";
import { joinBatches } from "../log/item-batches.ts";
import { type ItemPayload, type LogItem, type LogKey, NO_EPOCH } from "../log/log-item.ts";
import { checkpointed, fold, isCheckpointDue, type LogState, toCheckpoint } from "../log/log-state.ts";
import { withTimeout } from "../runtime/timeout.ts";
import { type AppendOptions, type AppendOutcome, AppendQueue, PendingAppend } from "./append-queue.ts";
import type { BrokerParts } from "./broker.ts";
import type { LogBell } from "./log-bell.ts";
import { catchUp, loadLog } from "./log-view.ts";
import { holds, type ObjectUpload, uploadBatches } from "./object-upload.ts";
import { putUntilKnown } from "./put-until-known.ts";

/** A view of the log older than this is read anew before anything is put: far below the life of any deleted slot. */
export const VIEW_MAX_AGE_MS = 30_000;

const CHECKPOINT_TIMEOUT_MS = 3_000;

/**
 * For so long after a lost slot, batches above so many bytes go to the segment store, whatever the topic allows inline: a lost
 * put is billed like a won one, by the size of the item. At this size an S3 PUT and a pointer cost what the item does.
 */
export const CONTENDED_MS = 60_000;
export const CONTENDED_INLINE_MAX_BYTES = 8 * 1024;

/** What a writer believes its log to be. */
interface View {
  readonly state: LogState;
  /** The tick at which it was certainly the whole log. */
  readonly confirmedAt: number;
  /** Milliseconds since the epoch. */
  readonly readAt: number;
}

/**
 * Appends for one partition in one process: one put in flight, and what arrives meanwhile goes into the next item
 * (group commit). The view of the log is a cache; the conditional put at logEndOffset is what judges it.
 */
export class PartitionWriter {
  readonly #parts: BrokerParts;
  readonly #bell: LogBell;
  readonly #log: LogKey;
  readonly #queue = new AppendQueue();
  #view: View | undefined;
  /** Orders arrivals and reads within this writer, where a clock's milliseconds are too coarse. */
  #tick = 0;
  #lostInARow = 0;
  /** Milliseconds since the epoch. */
  #lostAt = Number.NEGATIVE_INFINITY;
  #upload: ObjectUpload | undefined;
  #isRunning = false;

  constructor(parts: BrokerParts, bell: LogBell, log: LogKey) {
    this.#parts = parts;
    this.#bell = bell;
    this.#log = log;
  }

  get isIdle(): boolean {
    return !this.#isRunning;
  }

  /** logEndOffset as last seen here; undefined before the first append. */
  get knownLogEndOffset(): number | undefined {
    return this.#view?.state.logEndOffset;
  }

  /**
   * Appends when its turn comes. Errors: KafkaError REQUEST_TIMED_OUT at the deadline, THROTTLING_QUOTA_EXCEEDED, or
   * what the stores fail with; `outcome` tells whether it may be in the log.
   */
  async append(request: AppendRequest, options: AppendOptions): Promise<AppendOutcome> {
    const pending = new PendingAppend(request, options, ++this.#tick);
    this.#queue.push(pending);
    pending.failAtDeadline(this.#parts.clock);
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
        this.#view = undefined;
        for (const pending of group) if (!pending.isAnswered) pending.fail(error);
      }
    }
    this.#isRunning = false;
  }

  /** One attempt to get the group into the log. What is not answered by it comes into the next one. */
  async #round(group: readonly PendingAppend[]): Promise<void> {
    const { leaderEpoch, logStartOffset } = group[0]!.options;
    const view = await this.#freshView(logStartOffset);
    if (view.state.isEnded) {
      this.#view = undefined;
      for (const pending of group) pending.answer({ kind: "ended" });
      return;
    }
    if (leaderEpoch < (view.state.lastEpoch ?? NO_EPOCH)) throw fenced(leaderEpoch, view.state);
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
        await this.#catchUp(view, pending.options.logStartOffset);
        return true;
      }
      pending.answer(outcomeOf(verdict));
      isAnswered = true;
    }
    return isAnswered;
  }

  async #put(group: readonly PendingAppend[], plan: AppendPlan, view: View): Promise<void> {
    const appended = group.filter((_, index) => plan.verdicts[index]!.kind === "append");
    const payload = await this.#payload(appended, plan, view.state.logEndOffset);
    const item = this.#item(payload, plan, view.state, appended[0]!.options.leaderEpoch);
    const confirmedAt = ++this.#tick;
    const readAt = this.#parts.clock.now();
    const [result, state] = await Promise.all([
      putUntilKnown(this.#parts, this.#log, item),
      this.#writeCheckpointIfDue(view.state),
    ]);
    if (result.kind === "occupied") return this.#lose(appended, payload, result.item, { ...view, state });
    this.#countAppend(appended, plan);
    this.#lostInARow = 0;
    this.#upload = undefined;
    this.#view = { state: fold(state, item), confirmedAt, readAt };
    for (const [index, pending] of group.entries()) pending.answer(outcomeOf(plan.verdicts[index]!));
    this.#bell.ring(this.#log);
  }

  #countAppend(appended: readonly PendingAppend[], { recordCount }: AppendPlan): void {
    const { metrics } = this.#parts;
    metrics.count("Appends", 1);
    metrics.count("RecordsIn", recordCount);
    metrics.count("BytesIn", sizeOf(appended));
  }

  /** The slot went to another writer: its item is folded in, and the next round tries the slot behind it. */
  async #lose(appended: readonly PendingAppend[], payload: ItemPayload, winner: LogItem, view: View): Promise<void> {
    this.#lostInARow++;
    this.#lostAt = this.#parts.clock.now();
    this.#parts.metrics.count("AppendConflicts", 1);
    const isNext = chainStep(view.state, winner) === "next";
    this.#view = isNext ? { ...view, state: fold(view.state, winner) } : undefined;
    if (payload.kind === "inline") {
      for (const pending of appended) if (pending.options.yieldsOnConflict) pending.answer({ kind: "yielded" });
    }
    const backoffMs = conflictBackoffMs(this.#lostInARow, this.#parts.random);
    if (backoffMs === 0) return;
    await this.#parts.clock.sleep(backoffMs);
    if (this.#view !== undefined) await this.#catchUp(this.#view, appended[0]!.options.logStartOffset);
  }

  async #payload(appended: readonly PendingAppend[], plan: AppendPlan, baseOffset: number): Promise<ItemPayload> {
    const { inlineMaxBytes, leaderEpoch } = appended[0]!.options;
    const requests = appended.map(({ request }) => request);
    if (sizeOf(appended) <= Math.min(inlineMaxBytes, this.#inlineLimit())) {
      return { kind: "inline", batches: joinBatches(requests, baseOffset, leaderEpoch) };
    }
    const upload: ObjectUpload = holds(this.#upload, requests)
      ? this.#upload
      : await uploadBatches(this.#parts, this.#log, requests, this.#newId());
    this.#upload = upload;
    return { kind: "object", object: upload.object, producerBatches: plan.producerBatches };
  }

  #inlineLimit(): number {
    const isContended = this.#parts.clock.now() - this.#lostAt < CONTENDED_MS;
    return isContended ? CONTENDED_INLINE_MAX_BYTES : Number.POSITIVE_INFINITY;
  }

  #item(payload: ItemPayload, plan: AppendPlan, state: LogState, leaderEpoch: number): LogItem {
    return {
      baseOffset: state.logEndOffset,
      lastOffset: plan.logEndOffset - 1,
      recordCount: plan.recordCount,
      maxTimestamp: plan.maxTimestamp,
      maxTimestampSoFar: Math.max(state.maxTimestampSoFar, plan.maxTimestamp),
      leaderEpoch,
      stamp: leaderEpoch,
      prevEpoch: state.lastEpoch ?? NO_EPOCH,
      appendId: this.#newId(),
      payload,
    };
  }

  async #freshView(logStartOffset: number): Promise<View> {
    if (this.#view === undefined) return this.#read((parts) => loadLog(parts, this.#log, logStartOffset));
    if (this.#parts.clock.now() - this.#view.readAt < VIEW_MAX_AGE_MS) return this.#view;
    return this.#catchUp(this.#view, logStartOffset);
  }

  async #catchUp({ state }: View, logStartOffset: number): Promise<View> {
    return this.#read(
      async (parts) => (await catchUp(parts, this.#log, state)) ?? loadLog(parts, this.#log, logStartOffset),
    );
  }

  async #read(read: (parts: BrokerParts) => Promise<LogState>): Promise<View> {
    const confirmedAt = ++this.#tick;
    const readAt = this.#parts.clock.now();
    this.#view = { state: await read(this.#parts), confirmedAt, readAt };
    return this.#view;
  }

  /** Goes out beside the append, so that it costs no time. A failed one is made up for by the next. */
  async #writeCheckpointIfDue(state: LogState): Promise<LogState> {
    const { clock, logger, logStore, checkpointEveryItems } = this.#parts;
    if (!isCheckpointDue(state, checkpointEveryItems)) return state;
    try {
      const put = logStore.putCheckpoint(this.#log, toCheckpoint(state));
      await withTimeout(clock, CHECKPOINT_TIMEOUT_MS, "writing the checkpoint", put);
    } catch (error) {
      logger.warn("a checkpoint was not written", { log: this.#log }, error);
    }
    return checkpointed(state);
  }

  #newId(): string {
    return Buffer.from(this.#parts.random.bytes(16)).toString("base64url");
  }
}

function sizeOf(appended: readonly PendingAppend[]): number {
  return appended.reduce((size, { request }) => size + request.batches.length, 0);
}

function outcomeOf(verdict: AppendPlan["verdicts"][number]): AppendOutcome {
  if (verdict.kind === "refused") return { kind: "refused", refusal: verdict.refusal };
  const { baseOffset, lastOffset } = verdict;
  return { kind: "appended", baseOffset, lastOffset, isDuplicate: verdict.kind === "duplicate" };
}

function fenced(leaderEpoch: number, state: LogState): KafkaError {
  return new KafkaError("FENCED_LEADER_EPOCH", `epoch ${leaderEpoch} was superseded by epoch ${state.lastEpoch}`, {
    hint: "refresh the topic's metadata and send it again",
  });
}
