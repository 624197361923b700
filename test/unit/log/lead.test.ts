import { describe, expect, it } from "vitest";
import { barrierItem, leadStep, leads } from "../../../shared/log/lead.ts";
import { type LogItem, NO_EPOCH } from "../../../shared/log/log-item.ts";
import { beginningOfLog, fold, type LogState } from "../../../shared/log/log-state.ts";
import { item } from "../../contract/log-items.ts";

const at = (baseOffset: number, leaderEpoch: number, prevEpoch: number, stamp = leaderEpoch): LogItem =>
  item(baseOffset, { leaderEpoch, prevEpoch, stamp, payload: { kind: "inline", batches: new Uint8Array() } });

const barrier = (state: LogState, epoch: number) =>
  barrierItem(state, epoch, { waitFor: [1, 2], batches: new Uint8Array(), appendId: "b" });

/** A log that ends at 2: the barrier of epoch 3, and one item of it. */
const begun = fold(beginningOfLog(0), barrier(beginningOfLog(0), 3));
const log = fold(begun, at(1, 3, 3));

describe("the way to lead an epoch (REPLICATION.md, 3)", () => {
  it("folds an item that continues the chain and has the stamp of its epoch or of the one before", () => {
    for (const stamp of [4, 5]) {
      const found = at(2, 3, 3, stamp);
      expect(leadStep(log, found, 5)).toEqual({ kind: "fold", item: found });
    }
  });

  it("seals one with a lower stamp first: the same item, in place of exactly what was found", () => {
    const found = at(2, 3, 3);
    expect(leadStep(log, found, 5)).toEqual({ kind: "seal", item: { ...found, stamp: 5 }, expected: found });
  });

  it("changes nothing of a barrier but its stamp when it seals it", () => {
    const older = { ...barrier(log, 4), stamp: 4 };
    const step = leadStep(log, older, 9);
    expect(step).toEqual({ kind: "seal", item: { ...older, stamp: 9 }, expected: older });
    expect(step.kind === "seal" && step.item.leaderEpoch).toBe(4);
  });

  it("puts the barrier into the free slot where the log ends", () => {
    expect(leadStep(log, undefined, 4)).toEqual({ kind: "barrier", expected: undefined });
  });

  it("puts the barrier in place of exactly the debris where the log ends", () => {
    for (const debris of [at(2, 3, 2), at(2, 2, 2), at(2, 2, 3)]) {
      expect(leadStep(log, debris, 4)).toEqual({ kind: "barrier", expected: debris });
    }
  });

  it("never puts the barrier before the sealing is done: an item that continues the chain comes first, whatever its stamp", () => {
    for (const stamp of [3, 4, 5, 6, 7]) {
      expect(["fold", "seal"]).toContain(leadStep(log, at(2, 3, 3, stamp), 7).kind);
    }
  });

  it("leads when the barrier of its own epoch is in view and the log ends, at a free slot or at debris", () => {
    const led = fold(log, barrier(log, 4));
    expect(leadStep(led, undefined, 4)).toEqual({ kind: "leads" });
    expect(leadStep(led, at(3, 2, 2), 4)).toEqual({ kind: "leads" });
    expect([leads(led, 4), leads(led, 3), leads(log, 4)]).toEqual([true, false, false]);
  });

  it("does not lead by the barrier of an older epoch", () => {
    expect(leadStep(fold(log, barrier(log, 4)), undefined, 5)).toEqual({ kind: "barrier", expected: undefined });
  });

  it("still folds what others appended in its epoch behind its barrier", () => {
    const led = fold(log, barrier(log, 4));
    const found = at(3, 4, 4);
    expect(leadStep(led, found, 4)).toEqual({ kind: "fold", item: found });
  });

  it("is fenced by a newer stamp, on an item of the chain as on debris", () => {
    expect(leadStep(log, at(2, 3, 3, 6), 5)).toEqual({ kind: "fenced", stamp: 6 });
    expect(leadStep(log, at(2, 1, 1, 6), 5)).toEqual({ kind: "fenced", stamp: 6 });
  });

  it("is fenced by an item of a newer epoch that it has folded, whatever stands behind it", () => {
    const newer = fold(log, at(2, 6, 3));
    for (const found of [undefined, at(3, 6, 6), at(3, 1, 1)]) {
      expect(leadStep(newer, found, 5)).toEqual({ kind: "fenced", stamp: 6 });
    }
  });

  it("takes its view for stale where an item of its own epoch does not continue it", () => {
    expect(leadStep(log, at(2, 5, 4), 5)).toEqual({ kind: "stale" });
  });

  it("takes the first item after retention without its link", () => {
    const found = at(10, 7, 6);
    expect(leadStep(beginningOfLog(10), found, 8)).toEqual({ kind: "fold", item: found });
  });

  it("puts no barrier behind the end of a deleted topic's log", () => {
    const ended = fold(log, item(2, { leaderEpoch: 3, stamp: 3, prevEpoch: 3, payload: { kind: "end-of-log" } }));
    expect(leadStep(ended, undefined, 4).kind).not.toBe("barrier");
  });

  it("makes a barrier of the link, the offset and the stamp that the log needs", () => {
    expect(barrier(log, 8)).toMatchObject({ baseOffset: 2, lastOffset: 2, prevEpoch: 3, leaderEpoch: 8, stamp: 8 });
    expect(barrier(beginningOfLog(0), 0).prevEpoch).toBe(NO_EPOCH);
  });

  it("folds a barrier into where its epoch starts and whom it waits for", () => {
    const led = fold(log, barrier(log, 8));
    expect(led.barrier).toEqual({ leaderEpoch: 8, waitFor: [1, 2] });
    expect(led.epochs).toEqual([
      { leaderEpoch: 3, startOffset: 0 },
      { leaderEpoch: 8, startOffset: 2 },
    ]);
  });
});
