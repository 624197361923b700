import { loadLog } from "../../shared/broker/log-view.ts";
import type { MetadataStore, PartitionRegistration } from "../../shared/broker/metadata-store.ts";
import { type LogItem, NO_EPOCH } from "../../shared/log/log-item.ts";
import { toCheckpoint } from "../../shared/log/log-state.ts";
import type { LogStore } from "../../shared/log/log-store.ts";
import type { ReplicationBug } from "./replicated.ts";
import type { Scheduler } from "./scheduler.ts";

/** The store with some operations replaced. */
function withChange<S extends object>(store: S, change: Partial<S>): S {
  return new Proxy(store, {
    get(target, name) {
      const isChanged = Reflect.has(change, name);
      const member = Reflect.get(isChanged ? change : target, name) as unknown;
      return typeof member === "function" ? member.bind(isChanged ? change : target) : member;
    },
  });
}

/** Changes what is written of a registration. */
const writing = (store: MetadataStore, change: (next: PartitionRegistration) => PartitionRegistration): MetadataStore =>
  withChange(store, { updatePartition: (next) => store.updatePartition(change(next)) });

/** Changes what is read of registrations. */
const reading = (store: MetadataStore, change: (read: PartitionRegistration) => PartitionRegistration): MetadataStore =>
  withChange(store, { getPartitions: async (topicId) => (await store.getPartitions(topicId)).map(change) });

const barriers = (store: LogStore, waitFor: (item: LogItem) => readonly number[]): LogStore =>
  withChange(store, {
    replaceItem: (log, item, expected) =>
      store.replaceItem(log, item.waitFor === undefined ? item : { ...item, waitFor: waitFor(item) }, expected),
  });

/** In which region an item was put first: in the leader's. */
const leaderOf = new WeakMap<Scheduler, Map<string, number>>();

function isReplica(scheduler: Scheduler, region: number, { appendId }: LogItem): boolean {
  const leaders = leaderOf.get(scheduler) ?? new Map<string, number>();
  leaderOf.set(scheduler, leaders);
  if (!leaders.has(appendId)) leaders.set(appendId, region);
  return leaders.get(appendId) !== region;
}

/** What REPLICATION.md says breaks, each as the product would have it. */
export const PLANTED_REPLICATION_BUGS: Readonly<Record<string, ReplicationBug>> = {
  "a leader that does not seal": {
    logStore: (store) =>
      withChange(store, {
        replaceItem: async (log, item, expected) =>
          expected?.appendId === item.appendId ? { kind: "written" } : store.replaceItem(log, item, expected),
      }),
  },
  "an own item with a newer stamp that counts as written": {
    logStore: (store) =>
      withChange(store, {
        putItem: async (log, item) => {
          const result = await store.putItem(log, item);
          return result.kind === "occupied" && result.item.appendId === item.appendId ? { kind: "written" } : result;
        },
      }),
  },
  "an in-sync set that grows before the barrier": {
    metadataStore: (store) =>
      writing(store, (next) => ({
        ...next,
        inSyncReplicas: [...new Set([...next.inSyncReplicas, ...next.joining])],
        joining: [],
      })),
  },
  "an in-sync set that grows without a new epoch": {
    metadataStore: (store) =>
      writing(store, (next) =>
        next.joining.length === 0
          ? next
          : {
              ...next,
              leaderEpoch: next.leaderEpoch - 1,
              inSyncReplicas: [...new Set([...next.inSyncReplicas, ...next.joining])],
              joining: [],
            },
      ),
  },
  "a join completed without a look at its epoch": {
    joinersMetadataStore: (store) => {
      let joined: PartitionRegistration | undefined;
      let current: PartitionRegistration | undefined;
      return withChange(store, {
        getPartitions: async (topicId) => {
          const read = await store.getPartitions(topicId);
          current = read[0];
          if (joined === undefined || current === undefined) return read;
          const { leaderEpoch, joining } = joined;
          return [{ ...current, leaderEpoch, joining }];
        },
        updatePartition: async (next) => {
          if (joined !== undefined)
            return store.updatePartition({ ...next, leaderEpoch: current!.leaderEpoch, joining: current!.joining });
          const isUpdated = await store.updatePartition(next);
          if (isUpdated) joined = next;
          return isUpdated;
        },
      });
    },
  },
  "a barrier that waits for the leader alone": {
    logStore: (store, region) => barriers(store, () => [region]),
  },
  "a barrier that waits for an older in-sync set": {
    logStore: (store, region) =>
      barriers(store, ({ waitFor = [] }) => [region, ...waitFor.filter((id) => id !== region).slice(1)]),
  },
  "a leader and an epoch of two reads": {
    metadataStore: (store) => {
      let before: number | undefined;
      return reading(store, (read) => {
        const leader = before ?? read.leader;
        before = read.leader;
        return { ...read, leader };
      });
    },
  },
  "a follower that says that it has what it has not": {
    logStore: (store, region, scheduler) =>
      withChange(store, {
        putItem: async (log, item) =>
          isReplica(scheduler, region, item) && scheduler.chance(0.2) ? { kind: "written" } : store.putItem(log, item),
      }),
  },
  "a follower verified by its offset alone": {
    logStore: (store, region, scheduler) =>
      withChange(store, {
        putItem: async (log, item) => {
          const result = await store.putItem(log, item);
          return isReplica(scheduler, region, item) && result.kind === "occupied" ? { kind: "written" } : result;
        },
      }),
  },
  "a checkpoint of what is not committed": {
    logStore: (store, region, scheduler) =>
      withChange(store, {
        putItem: async (log, item) => {
          const result = await store.putItem(log, item);
          if (result.kind === "written" && !isReplica(scheduler, region, item) && scheduler.chance(0.3)) {
            const parts = { logStore: store, clock: scheduler.clock(() => 0) };
            const terms = { logStartOffset: 0, leaderEpoch: Number.MAX_SAFE_INTEGER };
            const state = await loadLog(parts, log, terms).catch(() => undefined);
            if (state?.lastEpoch === item.leaderEpoch)
              await store.putCheckpoint(log, { ...toCheckpoint(state), committedIn: item.leaderEpoch });
          }
          return result;
        },
      }),
  },
  "a checkpoint used whatever epoch committed it": {
    logStore: (store) =>
      withChange(store, {
        readCheckpoint: async (log) => {
          const checkpoint = await store.readCheckpoint(log);
          return checkpoint && { ...checkpoint, committedIn: NO_EPOCH };
        },
      }),
  },
  "a highWatermark that is the leader's end": {
    readersMetadataStore: (store) =>
      reading(store, (read) => ({ ...read, inSyncReplicas: [read.leader], joining: [] })),
  },
  "a chain read without its links": {
    logStore: (store) =>
      withChange(store, {
        readItems: async (log, from, limits) => {
          const page = await store.readItems(log, from, limits);
          const below = from === 0 ? undefined : await store.readItemAtOrBelow(log, from - 1);
          let prevEpoch = below?.leaderEpoch ?? NO_EPOCH;
          const items = page.items.map((item) => {
            const linked = { ...item, prevEpoch };
            prevEpoch = item.leaderEpoch;
            return linked;
          });
          return { ...page, items };
        },
      }),
  },
};

/** What goes wrong where unclean elections are allowed, and the rules for them are left out. */
export const PLANTED_UNCLEAN_BUGS: Readonly<Record<string, ReplicationBug>> = {
  "a checkpoint that outlives an unclean election": {
    metadataStore: (store) =>
      reading(store, ({ uncleanElections, ...read }) =>
        uncleanElections === undefined
          ? read
          : {
              ...read,
              uncleanElections: uncleanElections.map(({ leaderEpoch }) => ({
                leaderEpoch,
                keptBelow: Number.MAX_SAFE_INTEGER,
              })),
            },
      ),
  },
  "acks=all that is answered without a look at who leads": {
    metadataStore: (store) =>
      withChange(store, {
        getTopic: async (name) => {
          const topic = await store.getTopic(name);
          return topic && { ...topic, configs: { ...topic.configs, "unclean.leader.election.enable": "false" } };
        },
      }),
  },
};
