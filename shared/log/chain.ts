import type { LogItem } from "./log-item.ts";
import { fold, type LogState } from "./log-state.ts";

/** Where a chain has got to: the slot its next item takes, and the epoch that item must link to. */
export interface ChainEnd {
  readonly logEndOffset: number;
  /** undefined: the next item is taken without its link (a log that begins after retention, a fetch in mid-log). */
  readonly lastEpoch: number | undefined;
}

/**
 * How an item stands to a chain. `debris` is what a fenced leader left behind: it is not part of the log. `gap`: an
 * item stands further up, its predecessor is missing.
 */
export type ChainStep = "next" | "debris" | "gap";

/**
 * The chain rule (REPLICATION.md, 2), the one way to read a log: the next item stands at the expected slot, links to
 * the epoch of the item before it, and has an epoch not below it. Anything else is debris.
 */
export function chainStep(end: ChainEnd, item: LogItem): ChainStep {
  if (item.baseOffset > end.logEndOffset) return "gap";
  if (item.baseOffset < end.logEndOffset) return "debris";
  if (end.lastEpoch === undefined) return "next";
  return item.prevEpoch === end.lastEpoch && item.leaderEpoch >= end.lastEpoch ? "next" : "debris";
}

/** The items of a page, ascending by baseOffset, that continue the chain. */
export function* chainItems(end: ChainEnd, items: Iterable<LogItem>): Generator<LogItem> {
  let reached = end;
  for (const item of items) {
    const step = chainStep(reached, item);
    if (step === "gap") return;
    if (step === "debris") {
      // Debris at the expected slot ends the chain; below it, it was overtaken by the item that covers its offset.
      if (item.baseOffset === reached.logEndOffset) return;
      continue;
    }
    yield item;
    reached = { logEndOffset: item.lastOffset + 1, lastEpoch: item.leaderEpoch };
  }
}

/** The state after all items of the page that continue the chain. */
export function foldChain(state: LogState, items: Iterable<LogItem>): LogState {
  let next = state;
  for (const item of chainItems(state, items)) next = fold(next, item);
  return next;
}
