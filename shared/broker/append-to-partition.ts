import { KafkaError, type Refusal } from "../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import type { AppendRequest } from "../log/append.ts";
import { logKey } from "../log/log-item.ts";
import type { AppendOutcome } from "./append-queue.ts";
import type { Broker } from "./broker.ts";
import { beforeDeadline, type LocatedPartition } from "./locate-partition.ts";
import { isFenced } from "./log-view.ts";
import { noteFailure } from "./note-failure.ts";
import { isReplicated } from "./partition-view.ts";

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
  readonly appendId?: string;
}

/** What an accepted append answers; with acks=0 the offsets are -1: they are not known yet. */
export type Appended = Extract<AppendOutcome, { kind: "appended" | "yielded" | "ended" }>;

const ANSWERED_BEFORE_THE_WRITE: Appended = { kind: "appended", baseOffset: -1, lastOffset: -1, isDuplicate: false };

/** How often an append follows a leader that moved meanwhile. */
const MAX_LEADERS = 5;

/** Hands a validated request to the partition's writer. Failures of stores are refusals here: they are one partition's. */
export async function appendToPartition(
  broker: Broker,
  located: LocatedPartition,
  request: AppendRequest,
  terms: AppendTerms,
): Promise<Result<Appended, ProduceRefusal>> {
  const { minInsyncReplicas } = located.topic.config;
  const { partition } = located.registration;
  let { registration } = located;
  if (terms.acks === -1 && registration.inSyncReplicas.length < minInsyncReplicas) {
    // A replica may have come back since the metadata was read.
    const refreshed = await beforeDeadline(broker, terms.deadline, broker.topics.refresh(located.topic.item.name));
    registration = refreshed?.partitions[partition] ?? registration;
  }
  if (terms.acks === -1 && registration.inSyncReplicas.length < minInsyncReplicas) {
    broker.metrics.count("Errors", 1);
    return refused(
      "NOT_ENOUGH_REPLICAS",
      `${registration.inSyncReplicas.length} replicas are in sync; min.insync.replicas is ${minInsyncReplicas}`,
      "lower min.insync.replicas, raise the replication factor, or send with acks=1",
    );
  }
  const append = () => appendToLeader(broker, { topic: located.topic, registration }, request, terms);
  if (terms.acks === 0) {
    const { name: topic, topicId } = located.topic.item;
    if (await broker.handOff.take({ topic, topicId, partition }, request)) return ok(ANSWERED_BEFORE_THE_WRITE);
    await broker.background.add("an append with acks=0", append);
    return ok(ANSWERED_BEFORE_THE_WRITE);
  }
  try {
    const outcome = await append();
    return outcome.kind === "refused" ? { ok: false, refusal: outcome.refusal } : ok(outcome);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    // A leader that does not answer may not be the leader any more.
    if (isReplicated(registration)) broker.topics.invalidate(located.topic.item.name);
    noteFailure(broker, "an append failed", { log: logKey(located.topic.item.topicId, partition) }, error);
    return { ok: false, refusal: error };
  }
}

/** Where the metadata is old, and nothing was appended by it, it is read again and the new leader asked. */
async function appendToLeader(
  broker: Broker,
  { topic, registration: located }: LocatedPartition,
  request: AppendRequest,
  { acks, deadline, yieldsOnConflict, appendId }: AppendTerms,
): Promise<AppendOutcome> {
  const { topicId, name } = topic.item;
  const { inlineMaxBytes, localRetentionMs, segmentBytes, minInsyncReplicas } = topic.config;
  const { isUncleanElectionAllowed: confirmsLeader } = topic.config;
  const { partition } = located;
  let registration = located;
  let registrationReadAt = topic.readAt;
  for (let leaders = 1; ; leaders++) {
    const waitsForReplicas = acks === -1;
    const terms = { deadline, inlineMaxBytes, localRetentionMs, segmentBytes, yieldsOnConflict };
    const named = appendId === undefined ? {} : { appendId };
    const options = {
      ...terms,
      ...named,
      registration,
      registrationReadAt,
      waitsForReplicas,
      minInsyncReplicas,
      confirmsLeader,
    };
    try {
      return await broker.writers.of(logKey(topicId, partition)).append(request, options);
    } catch (error) {
      if (!isFenced(error) || leaders === MAX_LEADERS) throw error;
      const refreshed = await beforeDeadline(broker, deadline, broker.topics.refresh(name));
      if (refreshed?.item.topicId !== topicId) return { kind: "ended" };
      registration = refreshed.partitions[partition] ?? registration;
      registrationReadAt = refreshed.readAt;
    }
  }
}
