import { describe, expect, it } from "vitest";
import { EPOCHS_KEPT, type EpochStart, epochAt, epochEnd, withEpoch } from "../../../shared/log/leader-epochs.ts";

const epochs: EpochStart[] = [
  { leaderEpoch: 0, startOffset: 0 },
  { leaderEpoch: 3, startOffset: 10 },
  { leaderEpoch: 7, startOffset: 25 },
];

describe("the epochs of a log", () => {
  it("tell in which of them an offset was appended, the barrier included", () => {
    expect([0, 9, 10, 24, 25, 1_000].map((offset) => epochAt(epochs, offset))).toEqual([0, 0, 3, 3, 7, 7]);
  });

  it("tell nothing in a log without barriers", () => {
    expect(epochAt([], 5)).toBeUndefined();
    expect(epochEnd([], 5, 9)).toBeUndefined();
  });

  it("tell where an epoch ends: where the next begins, the newest at the log's end", () => {
    expect(epochEnd(epochs, 0, 30)).toEqual({ leaderEpoch: 0, endOffset: 10 });
    expect(epochEnd(epochs, 3, 30)).toEqual({ leaderEpoch: 3, endOffset: 25 });
    expect(epochEnd(epochs, 7, 30)).toEqual({ leaderEpoch: 7, endOffset: 30 });
  });

  it("answer for an epoch that has no item the largest below it, as OffsetsForLeaderEpoch does", () => {
    expect(epochEnd(epochs, 5, 30)).toEqual({ leaderEpoch: 3, endOffset: 25 });
    expect(epochEnd(epochs, 99, 30)).toEqual({ leaderEpoch: 7, endOffset: 30 });
  });

  it("know no epoch below the first", () => {
    expect(epochEnd(epochs.slice(1), 2, 30)).toBeUndefined();
  });

  it("are kept up to a bound, the newest ones", () => {
    let kept: readonly EpochStart[] = [];
    for (let epoch = 0; epoch < EPOCHS_KEPT + 5; epoch++) {
      kept = withEpoch(kept, { leaderEpoch: epoch, startOffset: epoch * 2 });
    }
    expect(kept).toHaveLength(EPOCHS_KEPT);
    expect([kept[0]?.leaderEpoch, kept.at(-1)?.leaderEpoch]).toEqual([5, EPOCHS_KEPT + 4]);
  });
});
