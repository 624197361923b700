import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chainItems, chainStep } from "../../../shared/log/chain.ts";
import { NO_EPOCH } from "../../../shared/log/log-item.ts";
import { item } from "../../contract/log-store.contract.ts";

const at = (baseOffset: number, leaderEpoch: number, prevEpoch: number, lastOffset = baseOffset) =>
  item(baseOffset, { leaderEpoch, stamp: leaderEpoch, prevEpoch, lastOffset });

describe("the chain rule", () => {
  const end = { logEndOffset: 10, lastEpoch: 3 };

  it("takes the item at the expected slot that links to the last epoch", () => {
    expect(chainStep(end, at(10, 3, 3))).toBe("next");
    expect(chainStep(end, at(10, 4, 3))).toBe("next");
  });

  it("calls debris what links elsewhere, goes back in epochs, or stands below", () => {
    expect(chainStep(end, at(10, 3, 2))).toBe("debris");
    expect(chainStep(end, at(10, 2, 3))).toBe("debris");
    expect(chainStep(end, at(9, 3, 3))).toBe("debris");
  });

  it("sees a gap where the next item is missing", () => {
    expect(chainStep(end, at(11, 3, 3))).toBe("gap");
  });

  it("takes a log's first item after retention without its link", () => {
    expect(chainStep({ logEndOffset: 10, lastEpoch: undefined }, at(10, 7, 6))).toBe("next");
  });

  it("does not take a new log's first item if it claims a predecessor", () => {
    expect(chainStep({ logEndOffset: 0, lastEpoch: NO_EPOCH }, at(0, 0, 0))).toBe("debris");
  });

  it("steps over the debris that a longer item of a newer epoch covers", () => {
    const items = [at(0, 0, NO_EPOCH), at(1, 1, 0, 5), at(2, 0, 0), at(3, 0, 0), at(6, 1, 1)];
    const found = [...chainItems({ logEndOffset: 0, lastEpoch: NO_EPOCH }, items)];
    expect(found.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 6]);
  });

  it("ends at debris in the expected slot, whatever stands behind it", () => {
    const items = [at(0, 1, NO_EPOCH), at(1, 0, 0), at(2, 1, 1)];
    const found = [...chainItems({ logEndOffset: 0, lastEpoch: NO_EPOCH }, items)];
    expect(found.map(({ baseOffset }) => baseOffset)).toEqual([0]);
  });

  it("always yields offsets without holes or overlaps, and epochs that never fall", () => {
    const arbitraryItem = fc.record({
      base: fc.nat(12),
      span: fc.nat(3),
      epoch: fc.nat(3),
      prev: fc.integer({ min: -1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(arbitraryItem, { selector: ({ base }) => base }), (drawn) => {
        const items = drawn
          .toSorted((one, other) => one.base - other.base)
          .map(({ base, span, epoch, prev }) => at(base, epoch, prev, base + span));
        let expected = 0;
        let epoch = NO_EPOCH;
        for (const found of chainItems({ logEndOffset: 0, lastEpoch: NO_EPOCH }, items)) {
          expect(found.baseOffset).toBe(expected);
          expect(found.prevEpoch).toBe(epoch);
          expect(found.leaderEpoch).toBeGreaterThanOrEqual(epoch);
          expected = found.lastOffset + 1;
          epoch = found.leaderEpoch;
        }
      }),
    );
  });
});
