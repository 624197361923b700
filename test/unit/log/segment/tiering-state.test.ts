import { describe, expect, it } from "vitest";
import { logKey } from "../../../../shared/log/log-item.ts";
import { inLineage, type TieringState } from "../../../../shared/log/segment/tiering-state.ts";

const state: TieringState = {
  log: logKey("t", 0),
  version: 7,
  tieredEndOffset: 90,
  localLogStartOffset: 60,
  caughtUpAt: 1,
  cleanedOffset: 50,
  localStarts: [
    { offset: 20, since: 1 },
    { offset: 60, since: 2 },
  ],
  hotRemovedBelow: 20,
  committedIn: 4,
};

describe("a tiering state after an unclean election", () => {
  it("says that all is hot from where the election began the log anew", () => {
    expect(inLineage(state, [{ leaderEpoch: 5, keptBelow: 30 }])).toEqual({
      ...state,
      tieredEndOffset: 30,
      localLogStartOffset: 30,
      cleanedOffset: 30,
      localStarts: [{ offset: 20, since: 1 }],
    });
    expect(inLineage(state, [{ leaderEpoch: 5, keptBelow: 0 }])).toMatchObject({
      localLogStartOffset: 0,
      localStarts: [],
      hotRemovedBelow: 0,
    });
  });

  it("goes by the election that kept least, of those that came after it was written", () => {
    const elections = [
      { leaderEpoch: 3, keptBelow: 1 },
      { leaderEpoch: 5, keptBelow: 40 },
      { leaderEpoch: 9, keptBelow: 55 },
    ];
    expect(inLineage(state, elections).localLogStartOffset).toBe(40);
    expect(inLineage({ ...state, committedIn: 5 }, elections).localLogStartOffset).toBe(55);
    const { committedIn: _, ...unknown } = state;
    expect(inLineage(unknown, elections).localLogStartOffset).toBe(1);
  });

  it("stays as it is where no election took anything of it, or there was none", () => {
    expect(inLineage(state, undefined)).toBe(state);
    expect(inLineage(state, [{ leaderEpoch: 5, keptBelow: 90 }])).toBe(state);
    expect(inLineage(state, [{ leaderEpoch: 4, keptBelow: 0 }])).toBe(state);
  });
});
