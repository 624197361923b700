import { KafkaError, type Refusal } from "../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import type { AppendRequest } from "../log/append.ts";
import { logKey } from "../log/log-item.ts";
import type { AppendOutcome } from "./append-queue.ts";
import type { Broker } from "./broker.ts";
import type { LocatedPartition } from "./locate-partition.ts";
import { noteFailure } from "./note-failure.ts";

/** 0: answered before the write. 1: when the leader has it. -1 (all): when all in-sync replicas have it. */
export type Acks = -1 | 0 | 1;

/** Why a produce was refused; `logEndOffset` with EXPECTED_OFFSET_MISMATCH. */
export interface ProduceRefusal extends Refusal {
  readonly logEndOffset?: number;
}

export interface AppendTerms {
  readonly acks: Acks;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly yieldsOnConflict: boolean;
}

/** What an accepted append answers; with acks=0 the offsets are -1: they are not known yet. */
export type Appended = Extract<AppendOutcome, { kind: "appended" | "yielded" | "ended" }>;

const ANSWERED_BEFORE_THE_WRITE: Appended = { kind: "appended", baseOffset: -1, lastOffset: -1, isDuplicate: false };

/** Hands a validated request to the partition's writer. Failures of stores are refusals here: they are one partition's. */
export async function appendToPartition(
  broker: Broker,
  { topic, registration }: LocatedPartition,
  request: AppendRequest,
  { acks, deadline, yieldsOnConflict }: AppendTerms,
): Promise<Result<Appended, ProduceRefusal>> {
  const { minInsyncReplicas, inlineMaxBytes } = topic.config;
  if (acks === -1 && registration.inSyncReplicas.length < minInsyncReplicas) {
    broker.metrics.count("Errors", 1);
    return refused(
      "NOT_ENOUGH_REPLICAS",
      `${registration.inSyncReplicas.length} replicas are in sync; min.insync.replicas is ${minInsyncReplicas}`,
      "lower min.insync.replicas, raise the replication factor, or send with acks=1",
    );
  }
  const { leaderEpoch, logStartOffset } = registration;
  const log = logKey(topic.item.topicId, registration.partition);
  const append = () =>
    broker.writers.of(log).append(request, { deadline, inlineMaxBytes, leaderEpoch, logStartOffset, yieldsOnConflict });
  if (acks === 0) {
    await broker.background.add("an append with acks=0", append);
    return ok(ANSWERED_BEFORE_THE_WRITE);
  }
  try {
    const outcome = await append();
    return outcome.kind === "refused" ? { ok: false, refusal: outcome.refusal } : ok(outcome);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    noteFailure(broker, "an append failed", { log }, error);
    return { ok: false, refusal: error };
  }
}
