/** Where an epoch begins: at its barrier. */
export interface EpochStart {
  readonly leaderEpoch: number;
  readonly startOffset: number;
}

/** Epochs remembered, the newest ones: one for each election and each replica that joins. */
export const EPOCHS_KEPT = 1_000;

/** The epochs with one more. */
export function withEpoch(epochs: readonly EpochStart[], next: EpochStart): readonly EpochStart[] {
  return [...epochs, next].slice(-EPOCHS_KEPT);
}

/** Where an epoch begins; undefined: it has not begun, or is not remembered. */
export function startOfEpoch(epochs: readonly EpochStart[], leaderEpoch: number): number | undefined {
  return epochs.findLast((epoch) => epoch.leaderEpoch === leaderEpoch)?.startOffset;
}

/**
 * The epoch in which the item at `offset` was appended; undefined where no epoch that is remembered had begun. An item of any
 * other epoch at that place is debris: it was overtaken by one that covers its offset.
 */
export function epochAt(epochs: readonly EpochStart[], offset: number): number | undefined {
  return epochs.findLast(({ startOffset }) => startOffset <= offset)?.leaderEpoch;
}

/**
 * Kafka's OffsetsForLeaderEpoch: the largest epoch that is not above the one asked for, and where it ends. undefined: no such
 * epoch is known.
 */
export function epochEnd(
  epochs: readonly EpochStart[],
  leaderEpoch: number,
  logEndOffset: number,
): { readonly leaderEpoch: number; readonly endOffset: number } | undefined {
  const index = epochs.findLastIndex((epoch) => epoch.leaderEpoch <= leaderEpoch);
  const found = epochs[index];
  if (found === undefined) return undefined;
  return { leaderEpoch: found.leaderEpoch, endOffset: epochs[index + 1]?.startOffset ?? logEndOffset };
}
