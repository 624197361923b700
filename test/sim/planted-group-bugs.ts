import type { InstanceStore } from "../../shared/broker/consumers/instance-store.ts";
import type { MetadataStore } from "../../shared/broker/metadata-store.ts";
import { LEAVE_EPOCH } from "../../shared/group/consumer-heartbeat.ts";
import type { GroupPartition, GroupStore, OffsetCommit } from "../../shared/group/group-store.ts";
import type { GroupWrite, PartitionOwner } from "../../shared/group/group-write.ts";
import { listPartitions, NO_PARTITIONS, partitionKey } from "../../shared/group/partitions-by-topic.ts";
import type { GroupBug } from "./groups.ts";

/** The store with some operations replaced. */
function withChange(store: GroupStore, change: Partial<GroupStore>): GroupStore {
  return new Proxy(store, {
    get(target, name) {
      const isChanged = Reflect.has(change, name);
      const member = Reflect.get(isChanged ? change : target, name) as unknown;
      return typeof member === "function" ? member.bind(isChanged ? change : target) : member;
    },
  });
}

/** Changes what is written. */
const writing = (change: (writes: readonly GroupWrite[]) => readonly GroupWrite[]): GroupBug => ({
  store: (store) => withChange(store, { write: (groupId, writes) => store.write(groupId, change(writes)) }),
});

/** Changes by whom offsets are committed. */
const committing = (
  by: (commit: OffsetCommit, owner: PartitionOwner | undefined) => PartitionOwner | undefined,
): GroupBug => ({
  store: (store) =>
    withChange(store, {
      commitOffsets: async (groupId, commits) => {
        const items = await store.readPartitions(groupId, commits);
        const owners = new Map(items.map((item) => [partitionKey(item), item.owner]));
        return store.commitOffsets(
          groupId,
          commits.map((commit) => ({ ...commit, by: by(commit, owners.get(partitionKey(commit))) })),
        );
      },
    }),
});

/** What breaks a group, each as the product would have it. */
export const PLANTED_GROUP_BUGS: Readonly<Record<string, GroupBug>> = {
  "a commit without its owner": committing((_, owner) => owner),
  "a stale epoch that may commit": committing(({ by }) => by && { ...by, epoch: Number.MAX_SAFE_INTEGER }),
  "a commit that is as old as the process that got to it": {
    useCases: ({ commitOffsets, poll }) => ({
      commitOffsets: (broker, { receivedAt: _, ...request }) => commitOffsets(broker, request),
      poll: (broker, { receivedAt = 0, ...request }) => poll(broker, { ...request, sequence: receivedAt }),
    }),
  },
  "a hand-over before the revocation": writing((writes) =>
    writes.flatMap((write): GroupWrite[] => {
      if (write.kind !== "put-member" || write.member.type !== "consumer") return [write];
      const { memberId, pendingRevocation } = write.member;
      const releases = listPartitions(pendingRevocation).map(
        (partition): GroupWrite => ({ kind: "release", partition, memberId }),
      );
      return [{ ...write, member: { ...write.member, pendingRevocation: NO_PARTITIONS } }, ...releases];
    }),
  ),
  "an expiry that keeps what the member owned": writing((writes) =>
    writes.some(({ kind }) => kind === "delete-member") ? writes.filter(({ kind }) => kind !== "release") : writes,
  ),
  "members and partitions that change one after the other": {
    store: (store) =>
      withChange(store, {
        write: async (groupId, writes) => {
          const isOwner = ({ kind }: GroupWrite) => kind === "acquire" || kind === "release";
          const owners = writes.filter(isOwner);
          const rest = writes.filter((write) => !isOwner(write));
          if (owners.length > 0 && !(await store.write(groupId, owners))) return false;
          return rest.length === 0 || store.write(groupId, rest);
        },
      }),
  },
  "a lost answer that counts as a leave": {
    useCases: ({ consumerGroupHeartbeat }) => ({
      consumerGroupHeartbeat: async (broker, request) => {
        const told = await consumerGroupHeartbeat(broker, request);
        const repeats = request.memberEpoch > 0 && request.rebalanceTimeoutMs !== undefined;
        if (repeats) await consumerGroupHeartbeat(broker, { ...request, memberEpoch: LEAVE_EPOCH });
        return told;
      },
    }),
  },
  "a heartbeat that is heard after what was sent later": {
    useCases: ({ consumerGroupHeartbeat, poll }) => ({
      consumerGroupHeartbeat: (broker, { sequence: _, ...request }) => consumerGroupHeartbeat(broker, request),
      poll: (broker, { sequence: _, receivedAt: __, ...request }) => poll(broker, request),
    }),
  },
  "a deletion that takes the next group's offsets along": {
    store: (store, scheduler) =>
      withChange(store, {
        deletePartitions: async ({ groupId }, maxItems) => {
          if (scheduler.chance(0.3)) await scheduler.sleep(scheduler.integer(8_000));
          const { group } = await store.readGroup(groupId);
          return group === undefined ? 0 : store.deletePartitions(group, maxItems);
        },
      }),
  },
  "a deletion of a group that has members": {
    useCases: ({ deleteGroup }) => ({
      deleteGroup: (broker, groupId) => deleteGroup({ ...broker, groupStore: impatient(broker.groupStore!) }, groupId),
    }),
  },
  "offsets of a topic that hold for one made anew": {
    store: (store) =>
      withChange(store, {
        readPartitions: async (groupId, partitions) => {
          const names = new Map((await store.readTarget(groupId))?.topics.map(({ topicId, name }) => [topicId, name]));
          const all = await store.listPartitions(groupId, { limit: 1000 });
          const own = await store.readPartitions(groupId, partitions);
          return partitions.flatMap((each) => {
            const item = own.find((one) => partitionKey(one) === partitionKey(each));
            if (item?.committed !== undefined) return [item];
            const before = all.find(
              ({ topic, topicId, partition, committed }) =>
                topic === names.get(each.topicId) &&
                topicId !== each.topicId &&
                partition === each.partition &&
                committed !== undefined,
            );
            return before === undefined
              ? (item ?? [])
              : [{ ...before, owner: undefined, ...item, ...each } as GroupPartition];
          });
        },
      }),
  },
  "offsets that go while their group is in use": {
    useCases: ({ sweepGroups }, store) => ({
      sweepGroups: async (broker, request) => {
        for (const { groupId } of await store.listGroups({ limit: 10 })) {
          const items = await store.listPartitions(groupId, { limit: 1000 });
          const old = items.filter(
            ({ committed }) => (committed?.committedAt ?? request.untilMs) < request.untilMs - 60_000,
          );
          await store.deleteOffsets(
            groupId,
            old.map(({ committed, ...item }) => ({ ...item, offset: committed! })),
          );
        }
        return sweepGroups(broker, request);
      },
    }),
  },
  "a static member that is replaced and goes on": {
    useCases: ({ commitOffsets }, store) => ({
      commitOffsets: async (broker, request) => {
        const members = request.instanceId === undefined ? [] : await store.readMembers(request.groupId);
        const holder = members.find(({ member }) => member.instanceId === request.instanceId)?.member;
        return commitOffsets(broker, holder === undefined ? request : { ...request, memberId: holder.memberId });
      },
    }),
  },
  "an instance whose calls do not see each other": {
    useCases: ({ pollInstance }) => ({
      pollInstance: (broker, request, handOut) =>
        pollInstance({ ...broker, instanceStore: careless(broker.instanceStore!) }, request, handOut),
    }),
  },
  "an instance that commits what it hands out": {
    useCases: ({ pollInstance, commitInstanceOffsets }) => ({
      pollInstance: async (broker, request, handOut) => {
        const polled = await pollInstance(broker, request, handOut);
        if (polled.ok) await commitInstanceOffsets(broker, request, undefined);
        return polled;
      },
    }),
  },
  "a sweep that removes the living": {
    useCases: ({ sweepGroups }) => ({
      sweepGroups: (broker, request) => sweepGroups({ ...broker, groupStore: impatient(broker.groupStore!) }, request),
    }),
  },
  "a generation that is not checked": {
    useCases: ({ commitOffsets }, store) => ({
      commitOffsets: async (broker, request) => {
        const { group } = await store.readGroup(request.groupId);
        const isMember = group?.type === "classic" && request.memberId !== undefined;
        return commitOffsets(broker, isMember ? { ...request, memberEpoch: group.generationId } : request);
      },
    }),
  },
  "a poll that commits what it hands out": {
    useCases: ({ poll, commitOffsets }) => ({
      poll: async (broker, request) => {
        const polled = await poll(broker, request);
        if (!polled.ok || polled.value.found.length === 0) return polled;
        const { memberId, memberEpoch, found } = polled.value;
        const ends = new Map(
          found.flatMap(({ position: { topic, partition }, fetched }) =>
            fetched.ok
              ? [[`${partition}#${topic}`, { topic, partition, offset: fetched.value.nextOffset }] as const]
              : [],
          ),
        );
        await commitOffsets(broker, { groupId: request.groupId, memberId, memberEpoch, offsets: [...ends.values()] });
        return polled;
      },
    }),
  },
};

/** What breaks the groups of several regions. */
export const PLANTED_REGION_GROUP_BUGS: Readonly<Record<string, GroupBug>> = {
  "a region that takes over groups whose home is gone": {
    metadataStore: (store, own, reaches) => {
      const groupHome = async (groupId: string, candidate?: number) => {
        const home =
          candidate === undefined ? await store.groupHome(groupId) : await store.groupHome(groupId, candidate);
        return home === undefined || reaches(home) ? home : own;
      };
      return { groupHome: groupHome as MetadataStore["groupHome"] };
    },
  },
  "a group that begins in every region": {
    metadataStore: (_, own) => ({ groupHome: (async () => own) as MetadataStore["groupHome"] }),
  },
};

/** Writes an instance whatever it has become meanwhile. */
function careless(store: InstanceStore): InstanceStore {
  return {
    readInstance: (name) => store.readInstance(name),
    putInstance: async (instance, before) => {
      const put = await store.putInstance(instance, before);
      if (put.kind === "put" || put.found === undefined) return put;
      return store.putInstance(instance, put.found.revisions[0]);
    },
    extendInstance: (name, extension) => store.extendInstance(name, extension),
    deleteInstance: (name, memberId) => store.deleteInstance(name, memberId),
    deleteExpiredInstances: (now, maxItems) => store.deleteExpiredInstances(now, maxItems),
  };
}

/** Takes members for gone that were heard of ten seconds ago. */
function impatient(store: GroupStore): GroupStore {
  return withChange(store, {
    readMembers: async (groupId) =>
      (await store.readMembers(groupId)).map((each) =>
        each.session === undefined
          ? each
          : { ...each, session: { ...each.session, sessionExpiresAt: each.session.sessionExpiresAt - 10_000 } },
      ),
    write: (groupId, writes) =>
      store.write(
        groupId,
        writes.map((write) =>
          write.kind === "delete-session" ? { kind: write.kind, memberId: write.memberId } : write,
        ),
      ),
  });
}
