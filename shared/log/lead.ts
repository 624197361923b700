import { chainStep } from "./chain.ts";
import type { ItemVersion, LogItem } from "./log-item.ts";
import { NO_EPOCH } from "./log-item.ts";
import type { LogState } from "./log-state.ts";

/** What to do with the slot at the end of a view, on the way to leading an epoch. */
export type LeadStep =
  /** It belongs to the log, and nobody of an older epoch can change that any more. */
  | { readonly kind: "fold"; readonly item: LogItem }
  /** It belongs to the log, and must be kept from being overwritten first: put `item`, which is it with a newer stamp. */
  | { readonly kind: "seal"; readonly item: LogItem; readonly expected: ItemVersion }
  /** The log ends here: the barrier takes the slot, or the place of the debris in it. */
  | { readonly kind: "barrier"; readonly expected: ItemVersion | undefined }
  /** The barrier of this epoch is in view, and the log ends here; or the log of a deleted topic, where nothing begins. */
  | { readonly kind: "leads" }
  /** Somebody of a newer epoch was here. */
  | { readonly kind: "fenced"; readonly stamp: number }
  /** The view does not go with what stands here: read the log anew. */
  | { readonly kind: "stale" };

/**
 * One step of sealing the end of a leader's log and beginning its epoch (REPLICATION.md, 3), from low to high. `found`: what
 * stands at `state.logEndOffset`. Whoever leads has seen the barrier of its own epoch.
 */
export function leadStep(state: LogState, found: LogItem | undefined, epoch: number): LeadStep {
  const { lastEpoch } = state;
  if (lastEpoch !== undefined && lastEpoch > epoch) return { kind: "fenced", stamp: lastEpoch };
  if (found !== undefined && found.stamp > epoch) return { kind: "fenced", stamp: found.stamp };
  if (found !== undefined && chainStep(state, found) === "next") {
    // What epoch E - 1 stamped can only be overwritten by E - 1 itself, with the same.
    if (found.stamp >= epoch - 1) return { kind: "fold", item: found };
    return { kind: "seal", item: { ...found, stamp: epoch }, expected: found };
  }
  if (state.isEnded || leads(state, epoch)) return { kind: "leads" };
  if (found !== undefined && found.stamp === epoch) return { kind: "stale" };
  return { kind: "barrier", expected: found };
}

/** Whether the barrier of `epoch` is in view: only then may anything be appended in it (4). */
export function leads({ barrier }: LogState, epoch: number): boolean {
  return barrier?.leaderEpoch === epoch;
}

/** The item that begins `epoch` at the end of a view. `batches`: a control batch of one record at that offset. */
export function barrierItem(
  state: LogState,
  epoch: number,
  barrier: { readonly waitFor: readonly number[]; readonly batches: Uint8Array; readonly appendId: string },
): LogItem {
  return {
    baseOffset: state.logEndOffset,
    lastOffset: state.logEndOffset,
    recordCount: 1,
    maxTimestamp: -1,
    maxTimestampSoFar: state.maxTimestampSoFar,
    leaderEpoch: epoch,
    stamp: epoch,
    prevEpoch: state.lastEpoch ?? NO_EPOCH,
    appendId: barrier.appendId,
    payload: { kind: "inline", batches: barrier.batches },
    waitFor: barrier.waitFor,
  };
}
