import { KafkaError } from "../../kafka/kafka-error.ts";
import { type Checkpoint, committedInOf } from "../../log/checkpoint.ts";
import { type LogState, toCheckpoint } from "../../log/log-state.ts";
import type { SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import { isVoid } from "../../log/unclean-election.ts";
import { readRegistration } from "../change-partition.ts";
import { fencedBy } from "../log-view.ts";
import { isReplicated } from "../partition-view.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import { committedState } from "./committed-end.ts";
import { foldAt } from "./fold-at.ts";
import type { UpkeepBroker, UpkeepLog } from "./upkeep-log.ts";

/**
 * Sees to it that every replica's table has a checkpoint that goes at least as far as `offset`, before what lies below is no longer read
 * from the hot items, or not at all: whoever comes cold folds the log from its checkpoint on, and would meet a hole for good. One that is not in
 * sync and does not answer is seen to later: until then its log cannot be filled, because the leader's hot log begins further up.
 * Errors: KafkaError if a replica in sync does not answer, or the log is not committed so far.
 */
export async function keepCheckpoints(
  broker: UpkeepBroker,
  of: UpkeepLog,
  offset: number,
  segments: () => Promise<readonly SegmentMetadata[]>,
): Promise<void> {
  const { registration } = of;
  const { replicas, inSyncReplicas, leader } = registration;
  if (offset === 0) return;
  let committed: LogState | undefined;
  for (const id of new Set([leader, ...replicas])) {
    const isInSync = id === leader || inSyncReplicas.includes(id);
    try {
      const found = await readCheckpoint(broker, of, id);
      if (reaches(found, of, offset)) continue;
      committed ??= await committedByNow(broker, of);
      const state = isInSync ? committed : await foldAt(broker, of, await segments(), offset);
      if (state === undefined || state.logEndOffset < offset) throw notSoFar(of, offset, state);
      await putCheckpoint(broker, of, id, state);
      if (!reaches(await readCheckpoint(broker, of, id), of, offset)) throw notSoFar(of, offset, state);
    } catch (error) {
      if (isInSync || !(error instanceof KafkaError)) throw error;
      broker.logger.warn("a replica that is not in sync has no checkpoint yet", { log: of.log, broker: id }, error);
    }
  }
}

/**
 * What this process knows to be committed may be from a newer epoch than the run's: a checkpoint that told it of an older one would be
 * believed by agents of that one (ADR 7).
 */
async function committedByNow(broker: UpkeepBroker, of: UpkeepLog): Promise<LogState> {
  const committed = await committedState(broker, of);
  const { topicId, partition, leaderEpoch } = of.registration;
  if (!isReplicated(of.registration)) return committed;
  const now = await readRegistration(broker, topicId, partition);
  if (now?.leaderEpoch !== leaderEpoch) throw fencedBy(of.log, leaderEpoch, now?.leaderEpoch ?? leaderEpoch + 1);
  return committed;
}

function readCheckpoint(broker: UpkeepBroker, { log }: UpkeepLog, id: number): Promise<Checkpoint | undefined> {
  return untilKnown(broker, "reading a checkpoint", () => at(broker, id).logStore.readCheckpoint(log));
}

function reaches(found: Checkpoint | undefined, { registration }: UpkeepLog, offset: number): boolean {
  if (found === undefined || isVoid(found, registration.uncleanElections)) return false;
  return found.logEndOffset >= offset && committedInOf(found) <= registration.leaderEpoch;
}

async function putCheckpoint(broker: UpkeepBroker, of: UpkeepLog, id: number, state: LogState): Promise<void> {
  const { log, registration } = of;
  const checkpoint = isReplicated(registration)
    ? { ...toCheckpoint(state), committedIn: registration.leaderEpoch }
    : toCheckpoint(state);
  await untilKnown(broker, "writing a checkpoint", () => at(broker, id).logStore.putCheckpoint(log, checkpoint));
}

function notSoFar({ log }: UpkeepLog, offset: number, state: LogState | undefined): KafkaError {
  const end = state === undefined ? "nowhere" : String(state.logEndOffset);
  return new KafkaError("KAFKA_STORAGE_ERROR", `${log} has no checkpoint at ${offset}: it is committed up to ${end}`, {
    hint: "try again",
  });
}
