import type { Checkpoint } from "./checkpoint.ts";
import { type EpochStart, withEpoch } from "./leader-epochs.ts";
import { type LogItem, NO_EPOCH } from "./log-item.ts";
import { foldProducerBatches, type ProducerStates, producerBatchesOf } from "./producer-state.ts";

/** What writers of an epoch go by. */
export interface Barrier {
  readonly leaderEpoch: number;
  /** Broker ids. */
  readonly waitFor: readonly number[];
}

/** The fold of a log from its beginning to logEndOffset: all that an append has to know. Immutable. */
export interface LogState {
  /** The next offset to assign, and the slot of the next item. */
  readonly logEndOffset: number;
  /** leaderEpoch of the last item; NO_EPOCH for an empty log; undefined where a log begins after retention. */
  readonly lastEpoch: number | undefined;
  /** Milliseconds since the epoch; -1 for an empty log. */
  readonly maxTimestampSoFar: number;
  readonly producers: ProducerStates;
  /** The newest barrier; undefined in a log that has none: one replica needs no barrier. */
  readonly barrier: Barrier | undefined;
  /** Where each epoch that began with a barrier starts, in order. */
  readonly epochs: readonly EpochStart[];
  /** The topic was deleted; nothing is appended any more. */
  readonly isEnded: boolean;
  /** What a cold start would have to read if no checkpoint were written now. */
  readonly itemsSinceCheckpoint: number;
  readonly bytesSinceCheckpoint: number;
}

/** The state of a log before its first item. */
export function beginningOfLog(logStartOffset: number): LogState {
  return {
    logEndOffset: logStartOffset,
    lastEpoch: logStartOffset === 0 ? NO_EPOCH : undefined,
    maxTimestampSoFar: -1,
    producers: new Map(),
    barrier: undefined,
    epochs: [],
    isEnded: false,
    itemsSinceCheckpoint: 0,
    bytesSinceCheckpoint: 0,
  };
}

/** The state after `item`, which must continue the chain (chain.ts). */
export function fold(state: LogState, item: LogItem): LogState {
  const bytes = item.payload.kind === "inline" ? item.payload.batches.length : 0;
  return {
    logEndOffset: item.lastOffset + 1,
    lastEpoch: item.leaderEpoch,
    maxTimestampSoFar: Math.max(state.maxTimestampSoFar, item.maxTimestampSoFar),
    producers: foldProducerBatches(state.producers, producerBatchesOf(item)),
    barrier: item.waitFor === undefined ? state.barrier : { leaderEpoch: item.leaderEpoch, waitFor: item.waitFor },
    epochs:
      item.waitFor === undefined
        ? state.epochs
        : withEpoch(state.epochs, { leaderEpoch: item.leaderEpoch, startOffset: item.baseOffset }),
    isEnded: item.payload.kind === "end-of-log",
    itemsSinceCheckpoint: state.itemsSinceCheckpoint + 1,
    bytesSinceCheckpoint: state.bytesSinceCheckpoint + bytes,
  };
}

/** A cold start reads at most about this much behind the last checkpoint; a checkpoint is one more write. */
export const CHECKPOINT_ITEMS = 1000;
export const CHECKPOINT_BYTES = 4 * 1024 * 1024;

export function isCheckpointDue(state: LogState, everyItems = CHECKPOINT_ITEMS): boolean {
  if (state.isEnded || state.lastEpoch === undefined) return false;
  return state.itemsSinceCheckpoint >= everyItems || state.bytesSinceCheckpoint >= CHECKPOINT_BYTES;
}

export function toCheckpoint(state: LogState): Checkpoint {
  return {
    logEndOffset: state.logEndOffset,
    lastEpoch: state.lastEpoch ?? NO_EPOCH,
    maxTimestampSoFar: state.maxTimestampSoFar,
    producers: [...state.producers.values()],
    ...(state.barrier === undefined ? {} : { barrier: state.barrier, epochs: state.epochs }),
  };
}

export function fromCheckpoint(checkpoint: Checkpoint): LogState {
  return {
    ...beginningOfLog(checkpoint.logEndOffset),
    lastEpoch: checkpoint.lastEpoch,
    maxTimestampSoFar: checkpoint.maxTimestampSoFar,
    barrier: checkpoint.barrier,
    epochs: checkpoint.epochs ?? [],
    producers: new Map(checkpoint.producers.map((producer) => [producer.producerId, producer])),
  };
}

/** The same state, its checkpoint written. */
export function checkpointed(state: LogState): LogState {
  return { ...state, itemsSinceCheckpoint: 0, bytesSinceCheckpoint: 0 };
}
