import { LEAVE_EPOCH } from "../../shared/group/consumer-heartbeat.ts";
import type { GroupStore, OffsetCommit } from "../../shared/group/group-store.ts";
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
