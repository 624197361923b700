import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chainItems, chainStep } from "../../../shared/log/chain.ts";
import { barrierItem, leadStep, leads } from "../../../shared/log/lead.ts";
import { type LogItem, NO_EPOCH } from "../../../shared/log/log-item.ts";
import { beginningOfLog, fold } from "../../../shared/log/log-state.ts";
import { item } from "../../contract/log-items.ts";

const EMPTY = { kind: "inline", batches: new Uint8Array() } as const;

const identity = ({ baseOffset, leaderEpoch, appendId }: LogItem) => `${baseOffset}/${leaderEpoch}/${appendId}`;

/** Any table: items that link, that do not, that overlap, with stamps of their epoch or later. */
const table = fc
  .uniqueArray(
    fc.record({
      base: fc.nat(10),
      span: fc.nat(2),
      epoch: fc.nat(4),
      prev: fc.integer({ min: -1, max: 4 }),
      raised: fc.nat(4),
    }),
    { selector: ({ base }) => base, maxLength: 11 },
  )
  .map((drawn) =>
    drawn
      .toSorted((one, other) => one.base - other.base)
      .map(({ base, span, epoch, prev, raised }) =>
        item(base, {
          leaderEpoch: epoch,
          prevEpoch: prev,
          lastOffset: base + span,
          stamp: epoch + raised,
          appendId: `${base}-${epoch}`,
          payload: EMPTY,
        }),
      ),
  );

/** A table most of whose items make up one log, so that there is something to lose. */
const grown = fc
  .array(fc.record({ span: fc.nat(2), step: fc.nat(1), raised: fc.nat(3) }), { maxLength: 8 })
  .map((drawn) => {
    const items: LogItem[] = [];
    for (const [index, { span, step, raised }] of drawn.entries()) {
      const last = items.at(-1);
      const baseOffset = last === undefined ? 0 : last.lastOffset + 1;
      const prevEpoch = last?.leaderEpoch ?? NO_EPOCH;
      const leaderEpoch = Math.max(0, prevEpoch) + step;
      const [lastOffset, stamp] = [baseOffset + span, leaderEpoch + raised];
      items.push(
        item(baseOffset, { leaderEpoch, prevEpoch, lastOffset, stamp, appendId: `g${index}`, payload: EMPTY }),
      );
    }
    return items;
  });

/** What leadLog does with an empty cache, without its store: follows the steps until it leads or is fenced. */
function lead(items: readonly LogItem[], epoch: number) {
  const slots = new Map(items.map((each) => [each.baseOffset, each]));
  let state = beginningOfLog(0);
  const written: LogItem[] = [];
  for (let steps = 0; steps < 100; steps++) {
    const step = leadStep(state, slots.get(state.logEndOffset), epoch);
    if (step.kind === "leads" || step.kind === "fenced" || step.kind === "stale")
      return { end: step.kind, state, slots, written };
    const next =
      step.kind === "barrier"
        ? barrierItem(state, epoch, { waitFor: [1, 2], batches: EMPTY.batches, appendId: "barrier" })
        : step.item;
    if (step.kind !== "fold") {
      expect(slots.get(next.baseOffset)).toBe(step.expected);
      slots.set(next.baseOffset, next);
      written.push(next);
    }
    expect(chainStep(state, next)).toBe("next");
    state = fold(state, next);
  }
  throw new Error("it never ends");
}

describe("leading an epoch, over any table", () => {
  const epochs = fc.integer({ min: 0, max: 9 });

  it("never loses an item of the chain, and never changes one but in its stamp", () => {
    fc.assert(
      fc.property(fc.oneof(table, grown), epochs, (items, epoch) => {
        const before = [...chainItems({ logEndOffset: 0, lastEpoch: NO_EPOCH }, items)];
        const { slots } = lead(items, epoch);
        const stored = [...slots.values()].toSorted((one, other) => one.baseOffset - other.baseOffset);
        const after = [...chainItems({ logEndOffset: 0, lastEpoch: NO_EPOCH }, stored)];
        expect(after.slice(0, before.length).map(identity)).toEqual(before.map(identity));
        for (const [index, each] of before.entries()) {
          expect({ ...after[index], stamp: 0 }).toEqual({ ...each, stamp: 0 });
          expect(after[index]!.stamp).toBeGreaterThanOrEqual(each.stamp);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("ends with its barrier above the whole chain, and nothing below it that an agent older than the epoch before could overwrite", () => {
    fc.assert(
      fc.property(fc.oneof(table, grown), epochs, (items, epoch) => {
        const { end, state, slots } = lead(items, epoch);
        if (end !== "leads") return;
        expect(leads(state, epoch)).toBe(true);
        const stored = [...slots.values()].toSorted((one, other) => one.baseOffset - other.baseOffset);
        for (const each of chainItems({ logEndOffset: 0, lastEpoch: NO_EPOCH }, stored)) {
          expect(each.stamp).toBeGreaterThanOrEqual(epoch - 1);
          expect(each.stamp).toBeLessThanOrEqual(epoch);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("writes nothing the second time", () => {
    fc.assert(
      fc.property(fc.oneof(table, grown), epochs, (items, epoch) => {
        const first = lead(items, epoch);
        if (first.end !== "leads") return;
        const again = lead([...first.slots.values()], epoch);
        expect([again.end, again.written]).toEqual(["leads", []]);
        expect(again.state.logEndOffset).toBe(first.state.logEndOffset);
      }),
      { numRuns: 500 },
    );
  });
});
