import { KafkaError, type Refusal } from "../kafka/kafka-error.ts";
import type { AppendRequest } from "../log/append.ts";
import type { Clock } from "../runtime/clock.ts";
import { OVER } from "../runtime/timeout.ts";
import type { PartitionRegistration } from "./metadata-store.ts";

/** How one append ended. `ended`: the topic was deleted; ask for it by name again. */
export type AppendOutcome =
  | {
      readonly kind: "appended";
      readonly baseOffset: number;
      readonly lastOffset: number;
      readonly isDuplicate: boolean;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal & { readonly logEndOffset?: number } }
  /** Another writer took the slot, and this append had rather go to another partition. */
  | { readonly kind: "yielded" }
  | { readonly kind: "ended" };

export interface AppendOptions {
  /** Milliseconds since the epoch; past it the append fails with REQUEST_TIMED_OUT. */
  readonly deadline: number;
  /** Batches larger than this go to the segment store. */
  readonly inlineMaxBytes: number;
  /** How long the item is read from where it is written: its TTL lies behind that. Infinity: for good. */
  readonly localRetentionMs: number;
  /** Whoever fills so much begins the upkeep of the log. */
  readonly segmentBytes: number;
  /** The partition as the caller's metadata has it: leader, epoch and whom to wait for, from one read. */
  readonly registration: PartitionRegistration;
  /** When it was read, in milliseconds since the epoch. */
  readonly registrationReadAt: number;
  /** acks=all: answered when all in-sync replicas have it. */
  readonly waitsForReplicas: boolean;
  readonly minInsyncReplicas: number;
  /**
   * acks=all asks who leads before it is answered. Where unclean elections are allowed the replicas alone cannot tell: a leader
   * elected among those that are not in sync fences none of those that are.
   */
  readonly confirmsLeader: boolean;
  /** The item's, where whoever asks has to find it again; such an append has an item of its own. */
  readonly appendId?: string;
  /** Ends as `yielded` when another writer takes the slot, instead of trying the next one. */
  readonly yieldsOnConflict: boolean;
}

/** Bytes of the appends that are put together into one item; a larger request stands alone. */
export const GROUP_MAX_BYTES = 1024 * 1024;

/** Appends that may wait for one partition in one process. */
export const QUEUE_MAX_APPENDS = 10_000;

/** Slots that one append may lose before it gives up, whatever time is left. */
export const MAX_ROUNDS = 1_000;

/** An append that waits for its item to be written. */
export class PendingAppend {
  readonly request: AppendRequest;
  readonly options: AppendOptions;
  /** The writer's tick at which it came in: a refusal must be judged on a view confirmed later. */
  readonly arrivedAt: number;
  rounds = 0;
  /** Its place in the log is decided: it waits for replicas, or for what the metadata says of the leader. */
  isPlaced = false;
  /** It was sent to the leader: it may be in the log. */
  isPut = false;
  readonly #answer: PromiseWithResolvers<AppendOutcome> = Promise.withResolvers();
  readonly #answered = new AbortController();

  constructor(request: AppendRequest, options: AppendOptions, arrivedAt: number) {
    this.request = request;
    this.options = options;
    this.arrivedAt = arrivedAt;
  }

  get outcome(): Promise<AppendOutcome> {
    return this.#answer.promise;
  }

  get isAnswered(): boolean {
    return this.#answered.signal.aborted;
  }

  answer(outcome: AppendOutcome): void {
    this.#answer.resolve(outcome);
    this.#answered.abort(OVER);
  }

  fail(error: unknown): void {
    this.#answer.reject(error);
    this.#answered.abort(OVER);
  }

  /** Fails it at its deadline, wherever it is by then; `suspect` is told again and again, as long as it has no place in the log. */
  async watch(clock: Clock, suspect?: { readonly everyMs: number; readonly tell: () => void }): Promise<void> {
    const { signal } = this.#answered;
    const leftMs = () => Math.max(0, this.options.deadline - clock.now());
    while (suspect !== undefined && suspect.everyMs < leftMs()) {
      await clock.sleep(suspect.everyMs, signal);
      if (this.isAnswered || this.isPlaced) break;
      suspect.tell();
    }
    await clock.sleep(leftMs(), signal);
    if (!this.isAnswered) this.fail(timedOut());
  }
}

/** The appends that wait for one partition, in the order in which they came. */
export class AppendQueue {
  #pending: PendingAppend[] = [];

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /** All that have no place in the log yet. */
  get waiting(): readonly PendingAppend[] {
    return this.#pending.filter(({ isAnswered, isPlaced }) => !isAnswered && !isPlaced);
  }

  /** Errors: THROTTLING_QUOTA_EXCEEDED when too many wait. */
  push(pending: PendingAppend): void {
    if (this.#pending.length >= QUEUE_MAX_APPENDS) {
      throw new KafkaError("THROTTLING_QUOTA_EXCEEDED", `${QUEUE_MAX_APPENDS} appends wait for this partition`, {
        hint: "slow down, or add partitions",
      });
    }
    this.#pending.push(pending);
  }

  /**
   * The front of the queue, as much as goes into one item of one leader epoch. What is answered leaves the queue; what
   * is taken stays in it until it is.
   */
  nextGroup(): PendingAppend[] {
    for (const pending of this.#pending) {
      if (!pending.isAnswered && pending.rounds >= MAX_ROUNDS) pending.fail(timedOut());
    }
    this.#pending = this.#pending.filter(({ isAnswered, isPlaced }) => !isAnswered && !isPlaced);
    const group: PendingAppend[] = [];
    let bytes = 0;
    for (const pending of this.#pending) {
      bytes += pending.request.batches.length;
      const isOtherEpoch = epochOf(pending) !== epochOf(this.#pending[0]!);
      const isAlone = [pending, group[0]].some((one) => one?.options.appendId !== undefined);
      if (group.length > 0 && (bytes > GROUP_MAX_BYTES || isOtherEpoch || isAlone)) break;
      pending.rounds++;
      group.push(pending);
    }
    return group;
  }
}

function epochOf({ options }: PendingAppend): number {
  return options.registration.leaderEpoch;
}

function timedOut(): KafkaError {
  return new KafkaError("REQUEST_TIMED_OUT", "the append did not get into the log in time", {
    hint: "it may have been appended all the same; if many writers share this partition, add partitions or raise timeout_ms",
    outcome: "unknown",
  });
}
