import { KafkaError } from "../kafka/kafka-error.ts";
import { chainStep } from "../log/chain.ts";
import { conflictBackoffMs } from "../log/conflict-backoff.ts";
import { type LogItem, logKey, NO_EPOCH } from "../log/log-item.ts";
import { fold, type LogState } from "../log/log-state.ts";
import type { BrokerParts } from "./broker.ts";
import { catchUp, type LogTerms, loadLog } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { putUntilKnown } from "./put-until-known.ts";
import { at } from "./replica-stores.ts";

/** Slots that writers at work may take before the seal gets its own. */
const MAX_ATTEMPTS = 100;

export type SealedPartition = Pick<PartitionRegistration, "topicId" | "partition" | "leader"> & LogTerms;

/**
 * Ends the log of a deleted topic's partition: whoever appends with an older view meets the seal in its slot. Again on
 * a sealed log it does nothing. Errors: KafkaError of the store, or REQUEST_TIMED_OUT when writers keep winning.
 */
export async function sealLog(given: BrokerParts, ended: SealedPartition): Promise<void> {
  const { topicId, partition, leader } = ended;
  const parts = at(given, leader);
  const log = logKey(topicId, partition);
  let state = await loadLog(parts, log, ended);
  for (let lost = 0; lost < MAX_ATTEMPTS; lost++) {
    if (state.isEnded) return;
    const result = await putUntilKnown(parts, log, seal(state, parts.random.bytes(16)));
    if (result.kind === "written") return;
    if (chainStep(state, result.item) === "next") state = fold(state, result.item);
    await parts.clock.sleep(conflictBackoffMs(lost, parts.random));
    state = (await catchUp(parts, log, state)) ?? (await loadLog(parts, log, ended));
  }
  throw new KafkaError("REQUEST_TIMED_OUT", `writers kept taking the end of ${log}`, { hint: "try again" });
}

function seal(state: LogState, appendId: Uint8Array): LogItem {
  const leaderEpoch = Math.max(0, state.lastEpoch ?? NO_EPOCH);
  return {
    baseOffset: state.logEndOffset,
    lastOffset: state.logEndOffset,
    recordCount: 0,
    maxTimestamp: -1,
    maxTimestampSoFar: state.maxTimestampSoFar,
    leaderEpoch,
    stamp: leaderEpoch,
    prevEpoch: state.lastEpoch ?? NO_EPOCH,
    appendId: Buffer.from(appendId).toString("base64url"),
    payload: { kind: "end-of-log" },
  };
}
