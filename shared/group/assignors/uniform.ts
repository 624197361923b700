import { type PartitionsByTopic, partitionsByTopic } from "../partitions-by-topic.ts";
import type { AssignorInput } from "./assignor.ts";
import { isNear, type OwnedPartition, type Share } from "./share.ts";
import { balanceMixed } from "./uniform-mixed.ts";

/**
 * Kafka's `uniform`: as many partitions for each member as for any other, give or take one, whatever the topics; and a member keeps
 * what it has as far as that allows. Balance comes before keeping, keeping before racks: of what it may not keep all, a
 * member keeps first what lies in its rack, and what is free goes to a member in one of its racks if that one has room.
 *
 * Members that subscribe to different topics are as balanced as moving single partitions makes them: nobody has two more than somebody who
 * could have one of them.
 */
export function assignUniformly({ members, topics }: AssignorInput): Map<string, PartitionsByTopic> {
  const shares: Share[] = [...members]
    .sort((one, other) => (one.memberId < other.memberId ? -1 : 1))
    .map(({ memberId, rackId, topicIds }) => ({ memberId, rackId, topicIds: new Set(topicIds), partitions: [] }));
  if (shares.length === 0) return new Map();

  const claimed = claims(members);
  const free: OwnedPartition[] = [];
  const held = new Map<string, OwnedPartition[]>(shares.map(({ memberId }) => [memberId, []]));
  const inOrder = [...topics].sort((one, other) => (one.topicId < other.topicId ? -1 : 1));
  for (const { topicId, partitionCount, partitionRacks } of inOrder) {
    const owners = claimed.get(topicId);
    for (let partition = 0; partition < partitionCount; partition++) {
      const each: OwnedPartition = { topicId, partition, racks: partitionRacks?.[partition] };
      const owner = owners?.get(partition);
      if (owner === undefined) free.push(each);
      else held.get(owner)!.push(each);
    }
  }
  if (isMixed(shares)) balanceMixed(shares, held, free);
  else balanceAlike(shares, held, free);
  return new Map(shares.map(({ memberId, partitions }) => [memberId, partitionsByTopic(partitions)]));
}

/** Who has each partition now: the first that says so, in order of memberId, if it still subscribes to the topic. */
function claims(members: AssignorInput["members"]): Map<string, Map<number, string>> {
  const owners = new Map<string, Map<number, string>>();
  for (const { memberId, topicIds, assigned } of members) {
    for (const topicId of topicIds) {
      const partitions = assigned[topicId];
      if (partitions === undefined) continue;
      const ofTopic = owners.get(topicId) ?? new Map<number, string>();
      owners.set(topicId, ofTopic);
      for (const partition of partitions) {
        const before = ofTopic.get(partition);
        if (before === undefined || memberId < before) ofTopic.set(partition, memberId);
      }
    }
  }
  return owners;
}

function isMixed(shares: readonly Share[]): boolean {
  const [first, ...rest] = shares;
  return rest.some(
    ({ topicIds }) =>
      topicIds.size !== first!.topicIds.size || [...topicIds].some((topicId) => !first!.topicIds.has(topicId)),
  );
}

/** All subscribe to the same topics: everybody has its quota, and whoever holds most keeps one more where it does not come out even. */
function balanceAlike(
  shares: readonly Share[],
  held: ReadonlyMap<string, OwnedPartition[]>,
  free: OwnedPartition[],
): void {
  const total = free.length + [...held.values()].reduce((sum, { length }) => sum + length, 0);
  const quota = Math.floor(total / shares.length);
  let extras = total % shares.length;
  const withQuota = new Map<Share, number>();
  for (const share of shares) {
    const mine = held.get(share.memberId)!;
    const mayKeepOneMore = mine.length > quota && extras > 0;
    if (mayKeepOneMore) extras--;
    withQuota.set(share, mayKeepOneMore ? quota + 1 : quota);
    const [kept, dropped] = keep(share, mine, withQuota.get(share)!);
    share.partitions.push(...kept);
    free.push(...dropped);
  }
  for (const share of shares) {
    if (extras === 0) break;
    if (withQuota.get(share)! > quota) continue;
    withQuota.set(share, quota + 1);
    extras--;
  }
  fill(shares, withQuota, free);
}

/** What it keeps, that in its rack first, and what it gives up. */
function keep(share: Share, held: OwnedPartition[], count: number): [OwnedPartition[], OwnedPartition[]] {
  if (held.length <= count) return [held, []];
  if (share.rackId === undefined) return [held.slice(0, count), held.slice(count)];
  const near = held.filter((partition) => isNear(share, partition));
  const far = held.filter((partition) => !isNear(share, partition));
  const inOrder = [...near, ...far];
  return [inOrder.slice(0, count), inOrder.slice(count)];
}

/** Gives what is free to those below their quota, in turns: first to members in a rack of it, then to any. */
function fill(shares: readonly Share[], quotas: ReadonlyMap<Share, number>, free: readonly OwnedPartition[]): void {
  const hasRoom = (share: Share) => share.partitions.length < quotas.get(share)!;
  const byRack = Map.groupBy(
    shares.filter((share) => share.rackId !== undefined && hasRoom(share)),
    ({ rackId }) => rackId!,
  );
  const far: OwnedPartition[] = [];
  for (const partition of free) {
    const near = partition.racks
      ?.map((rack) => nextWithRoom(byRack.get(rack), hasRoom))
      .find((share) => share !== undefined);
    if (near === undefined) far.push(partition);
    else near.partitions.push(partition);
  }
  const open = shares.filter(hasRoom);
  for (const partition of far) nextWithRoom(open, hasRoom)!.partitions.push(partition);
}

/** The first of the queue, which goes to its end; those that are full leave it. */
function nextWithRoom(queue: Share[] | undefined, hasRoom: (share: Share) => boolean): Share | undefined {
  while (queue !== undefined && queue.length > 0) {
    const share = queue.shift()!;
    if (!hasRoom(share)) continue;
    queue.push(share);
    return share;
  }
  return undefined;
}
