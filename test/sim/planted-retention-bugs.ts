import type { BrokerParts } from "../../shared/broker/broker.ts";
import type { KeptRegionsBug } from "./kept-regions.ts";
import type { Scheduler } from "./scheduler.ts";

/** The parts of every process with one bug, as the product would have it if it kept its logs wrongly. */
export type PlantedRetentionBug = (parts: BrokerParts, scheduler: Scheduler) => BrokerParts;

/** A store with some operations replaced. */
function withChange<T extends object>(store: T, change: Partial<T>): T {
  return new Proxy(store, {
    get(target, name) {
      const member = (Reflect.get(change, name) ?? Reflect.get(target, name, target)) as unknown;
      return typeof member === "function" ? member.bind(Reflect.has(change, name) ? change : target) : member;
    },
  });
}

/** Whether a store is asked by code of that file: a bug of it is planted in what the store answers to it. */
function isCalledBy(file: string): boolean {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const { stack = "" } = new Error();
  Error.stackTraceLimit = limit;
  return stack.includes(file);
}

const HOUR_MS = 60 * 60 * 1000;

/** Bugs that the checker must catch. */
export const PLANTED_RETENTION_BUGS: Readonly<Record<string, PlantedRetentionBug>> = {
  "a TTL that leaves tiering no room": (parts, scheduler) => ({
    ...parts,
    logStore: withChange(parts.logStore, {
      putItem: (log, item) =>
        parts.logStore.putItem(
          log,
          item.expiresAt === undefined ? item : { ...item, expiresAt: Math.ceil((scheduler.now + HOUR_MS) / 1000) },
        ),
    }),
  }),
  "a TTL though tiering is behind": (parts, scheduler) => ({
    ...parts,
    logStore: withChange(parts.logStore, {
      putItem: (log, item) =>
        parts.logStore.putItem(log, {
          ...item,
          expiresAt: item.expiresAt ?? Math.ceil((scheduler.now + HOUR_MS) / 1000),
        }),
    }),
  }),
  "items whose TTL ends are not rescued": (parts) => ({
    ...parts,
    logStore: withChange(parts.logStore, { replaceItem: async () => ({ kind: "written" }) }),
  }),
  "no checkpoint before hot items are given up": (parts) => {
    const claimed = { lastEpoch: 0, maxTimestampSoFar: 0, producers: [], logEndOffset: Number.MAX_SAFE_INTEGER };
    return {
      ...parts,
      checkpointEveryItems: Number.MAX_SAFE_INTEGER,
      logStore: withChange(parts.logStore, {
        readCheckpoint: async (log) => (isCalledBy("keep-checkpoints") ? claimed : parts.logStore.readCheckpoint(log)),
      }),
    };
  },
  "a segment finished before it is written": (parts, scheduler) => ({
    ...parts,
    segmentStore: withChange(parts.segmentStore, {
      putObjectInParts: async (key, chunks) => {
        const all: Uint8Array[] = [];
        for await (const chunk of chunks) all.push(chunk);
        if (!scheduler.chance(0.5)) await parts.segmentStore.putObjectInParts(key, all);
      },
    }),
  }),
  "hot items deleted at once, and slots free for who slept": (parts) => ({
    ...parts,
    segmentRegistry: withChange(parts.segmentRegistry!, {
      // Nobody waits, and nobody who slept is told.
      readTieringState: async (log) => {
        const isWriter = isCalledBy("item-expiry");
        const state = await parts.segmentRegistry!.readTieringState(log);
        if (state === undefined || isWriter) return undefined;
        const { localStarts = [] } = state;
        return { ...state, localStarts: localStarts.map((start) => ({ ...start, since: 0 })) };
      },
    }),
  }),
};

/** Bugs of a replicated log's upkeep. */
export const PLANTED_KEPT_REGIONS_BUGS: Readonly<Record<string, KeptRegionsBug>> = {
  "segments in the bucket of who led alone": {
    stores: ({ segmentStore, ...stores }, region) => ({
      ...stores,
      segmentStore: withChange(segmentStore, {
        putObjectInParts: async (key, parts) => {
          const isCopy = isCalledBy("copySegment") && region !== 1;
          const all: Uint8Array[] = [];
          for await (const part of parts) all.push(part);
          if (!isCopy) await segmentStore.putObjectInParts(key, all);
        },
      }),
    }),
  },
  "no checkpoint for a follower that was away": {
    stores: ({ logStore, ...stores }) => ({
      ...stores,
      logStore: withChange(logStore, {
        putCheckpoint: async (log, checkpoint) => {
          // What is folded up to a segment's end: each producer has its last batch alone.
          if (!isCalledBy("keep-checkpoints")) await logStore.putCheckpoint(log, checkpoint);
        },
        readCheckpoint: async (log) => {
          const isAsked = isCalledBy("keep-checkpoints");
          const found = await logStore.readCheckpoint(log);
          const committedIn = found?.committedIn ?? 0;
          const claimed = { lastEpoch: 0, maxTimestampSoFar: 0, producers: [], logEndOffset: 1e9, committedIn };
          return isAsked ? claimed : found;
        },
      }),
    }),
  },
  "a log led from below its hot part": {
    segmentRegistry: (registry) =>
      withChange(registry, {
        readTieringState: async (log) => (isCalledBy("load-hot-log") ? undefined : registry.readTieringState(log)),
      }),
    stores: ({ logStore, ...stores }) => ({
      ...stores,
      logStore: withChange(logStore, {
        // Nor are replicas in sync given what they lack.
        putCheckpoint: async (log, checkpoint) => {
          if (!isCalledBy("giveCheckpoint")) await logStore.putCheckpoint(log, checkpoint);
        },
        readCheckpoint: async (log) => {
          const claimed = { lastEpoch: 0, maxTimestampSoFar: 0, producers: [], logEndOffset: 1e9, committedIn: 0 };
          return isCalledBy("keep-checkpoints") ? claimed : logStore.readCheckpoint(log);
        },
      }),
    }),
  },
};

/** Likewise, where unclean elections are allowed. */
export const PLANTED_UNCLEAN_KEPT_REGIONS_BUGS: Readonly<Record<string, KeptRegionsBug>> = {
  "a hot part that outlives an unclean election": {
    segmentRegistry: (registry, lastUncleanEpoch) =>
      withChange(registry, {
        readTieringState: async (log) => {
          const found = await registry.readTieringState(log);
          return found && { ...found, committedIn: Math.max(found.committedIn ?? 0, lastUncleanEpoch()) };
        },
      }),
  },
};
