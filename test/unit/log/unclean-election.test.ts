import { describe, expect, it } from "vitest";
import { type Checkpoint, isNewer } from "../../../shared/log/checkpoint.ts";
import {
  isVoid,
  lastUncleanEpoch,
  UNCLEAN_ELECTIONS_KEPT,
  type UncleanElection,
  withUncleanElection,
} from "../../../shared/log/unclean-election.ts";

const checkpoint = (logEndOffset: number, committedIn?: number): Checkpoint => ({
  logEndOffset,
  lastEpoch: 0,
  maxTimestampSoFar: -1,
  producers: [],
  ...(committedIn === undefined ? {} : { committedIn }),
});

describe("an unclean election", () => {
  const elections: UncleanElection[] = [
    { leaderEpoch: 4, keptBelow: 100 },
    { leaderEpoch: 7, keptBelow: 50 },
  ];

  it("voids a checkpoint that an earlier epoch wrote of more than was kept, and no other", () => {
    expect([isVoid(checkpoint(51, 6), elections), isVoid(checkpoint(50, 6), elections)]).toEqual([true, false]);
    expect([isVoid(checkpoint(51, 7), elections), isVoid(checkpoint(500, 9), elections)]).toEqual([false, false]);
    expect([isVoid(checkpoint(101, 3), elections), isVoid(checkpoint(50, 3), elections)]).toEqual([true, false]);
    expect(isVoid(checkpoint(1_000, 3), undefined)).toBe(false);
  });

  it("is remembered with as many others as fit, and hands down the least that was kept", () => {
    let some: readonly UncleanElection[] = [];
    for (let epoch = 0; epoch < UNCLEAN_ELECTIONS_KEPT + 5; epoch++) {
      some = withUncleanElection(some, { leaderEpoch: epoch, keptBelow: epoch === 2 ? 3 : 100 });
    }
    expect(some).toHaveLength(UNCLEAN_ELECTIONS_KEPT);
    expect(some[0]).toEqual({ leaderEpoch: 5, keptBelow: 3 });
    expect(lastUncleanEpoch(some)).toBe(UNCLEAN_ELECTIONS_KEPT + 4);
    expect(isVoid(checkpoint(4, 1), some)).toBe(true);
  });

  it("makes a checkpoint of a shorter log the newer one, by the epoch that committed it", () => {
    expect(isNewer(checkpoint(50, 7), checkpoint(500, 6))).toBe(true);
    expect(isNewer(checkpoint(500, 6), checkpoint(50, 7))).toBe(false);
    expect([isNewer(checkpoint(51, 7), checkpoint(50, 7)), isNewer(checkpoint(50, 7), checkpoint(50, 7))]).toEqual([
      true,
      false,
    ]);
    expect(isNewer(checkpoint(2), checkpoint(1))).toBe(true);
  });
});
