import type { LogStore } from "../../shared/log/log-store.ts";
import type { Scheduler } from "./scheduler.ts";

/** A log store with one bug, as the product would have it if it used its store wrongly. */
export type PlantedBug = (store: LogStore, scheduler: Scheduler) => LogStore;

/** The store with some operations replaced. */
function withChange(store: LogStore, change: Partial<LogStore>): LogStore {
  return new Proxy(store, {
    get(target, name) {
      const member = (Reflect.get(change, name) ?? Reflect.get(target, name, target)) as unknown;
      return typeof member === "function" ? member.bind(Reflect.has(change, name) ? change : target) : member;
    },
  });
}

/** Bugs that the checker must catch: one that it does not catch shows that it looks away. */
export const PLANTED_BUGS: Readonly<Record<string, PlantedBug>> = {
  "acknowledge before commit": (store, scheduler) =>
    withChange(store, {
      putItem: async (log, item) => {
        if (scheduler.chance(0.95)) return store.putItem(log, item);
        return { kind: "written" };
      },
    }),
  "put without a condition": (store) =>
    withChange(store, {
      putItem: (log, item) =>
        store.putItem(log, { ...item, stamp: Number.MAX_SAFE_INTEGER }).then(async (result) => {
          if (result.kind === "occupied") await store.deleteItems(log, 0, 0);
          return { kind: "written" };
        }),
    }),
  "a retry under another appendId": (store) =>
    withChange(store, {
      putItem: async (log, item) => {
        const result = await store.putItem(log, item);
        return result.kind === "occupied"
          ? { kind: "occupied", item: { ...result.item, appendId: "somebody-else" } }
          : result;
      },
    }),
  "a checkpoint without producers": (store) =>
    withChange(store, {
      putCheckpoint: (log, checkpoint) => store.putCheckpoint(log, { ...checkpoint, producers: [] }),
    }),
  "a checkpoint ahead of the log it folds": (store) =>
    withChange(store, {
      putCheckpoint: (log, checkpoint) =>
        store.putCheckpoint(log, { ...checkpoint, logEndOffset: checkpoint.logEndOffset + 1 }),
    }),
  "reads that are eventually consistent": (store, scheduler) =>
    withChange(store, {
      readItemAtOrBelow: (log, offset) =>
        store.readItemAtOrBelow(
          log,
          scheduler.chance(0.2) ? Math.max(0, Math.min(offset, 1_000_000) - 1_000_000) : offset,
        ),
      readItems: async (log, from, limits) => {
        const page = await store.readItems(log, from, limits);
        return scheduler.chance(0.2) ? { items: page.items.slice(0, -1), isEnd: true } : page;
      },
    }),
  // One that is left out is noticed by the gap: log-view.ts. One that has another's batches is not, but by what is read.
  "an item read with the batches of the one before": (store, scheduler) =>
    withChange(store, {
      readItems: async (log, from, limits) => {
        const page = await store.readItems(log, from, limits);
        const [first, second, ...rest] = page.items;
        const isAlike = first?.recordCount === second?.recordCount && second !== undefined;
        if (!isAlike || !scheduler.chance(0.3)) return page;
        return { ...page, items: [first!, { ...second, payload: first!.payload }, ...rest] };
      },
    }),
};
