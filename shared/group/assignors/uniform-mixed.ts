import { isNear, type OwnedPartition, type Share } from "./share.ts";

/** Each round moves single partitions until it finds none to move; rounds that move nothing end it. Far more than is ever needed. */
const MAX_ROUNDS = 64;

/**
 * Members that subscribe to different topics. What each holds it keeps; what is free goes to the least burdened subscriber, topics
 * with the fewest subscribers for their partitions first; then partitions move from who has most to who has least, topic by topic,
 * as long as that makes them more alike.
 */
export function balanceMixed(
  shares: readonly Share[],
  held: ReadonlyMap<string, OwnedPartition[]>,
  free: readonly OwnedPartition[],
): void {
  for (const share of shares) share.partitions.push(...held.get(share.memberId)!);
  const topics = topicsOf(shares, free);
  for (const topic of topics) handOut(topic);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let moved = 0;
    for (const topic of topics) moved += level(topic);
    if (moved === 0) return;
  }
}

interface TopicShares {
  readonly topicId: string;
  readonly subscribers: readonly Share[];
  readonly free: OwnedPartition[];
  readonly partitionCount: number;
}

function topicsOf(shares: readonly Share[], free: readonly OwnedPartition[]): TopicShares[] {
  const topics = new Map<
    string,
    { topicId: string; subscribers: Share[]; free: OwnedPartition[]; partitionCount: number }
  >();
  for (const share of shares) {
    for (const topicId of share.topicIds) {
      const topic = topics.get(topicId) ?? { topicId, subscribers: [], free: [], partitionCount: 0 };
      topics.set(topicId, topic);
      topic.subscribers.push(share);
    }
    for (const { topicId } of share.partitions) topics.get(topicId)!.partitionCount++;
  }
  for (const partition of free) {
    const topic = topics.get(partition.topicId);
    if (topic === undefined) continue;
    topic.free.push(partition);
    topic.partitionCount++;
  }
  const burden = ({ partitionCount, subscribers }: TopicShares) => partitionCount / subscribers.length;
  return [...topics.values()].sort(
    (one, other) =>
      burden(other) - burden(one) ||
      one.subscribers.length - other.subscribers.length ||
      (one.topicId < other.topicId ? -1 : 1),
  );
}

/** Gives each free partition to whoever has least, to one in its rack among those that have equally little. */
function handOut({ subscribers, free }: TopicShares): void {
  for (const partition of free) {
    let least = subscribers[0]!;
    for (const share of subscribers) {
      const difference = share.partitions.length - least.partitions.length;
      if (difference < 0 || (difference === 0 && isNear(share, partition) && !isNear(least, partition))) least = share;
    }
    least.partitions.push(partition);
  }
}

/** Moves partitions of one topic until nobody who has one has two more than another subscriber. Answers how many it moved. */
function level({ topicId, subscribers }: TopicShares): number {
  const sizes = subscribers.map(({ partitions }) => partitions.length);
  if (Math.max(...sizes) - Math.min(...sizes) < 2) return 0;
  /** What each has of this topic. */
  const own = new Map(subscribers.map((share) => [share, share.partitions.filter((each) => each.topicId === topicId)]));
  const size = (share: Share) => sizeNow.get(share)!;
  const sizeNow = new Map(subscribers.map((share) => [share, share.partitions.length]));
  let moved = 0;
  for (;;) {
    let least = subscribers[0]!;
    let most: Share | undefined;
    for (const share of subscribers) {
      if (size(share) < size(least)) least = share;
      if (own.get(share)!.length > 0 && (most === undefined || size(share) > size(most))) most = share;
    }
    if (most === undefined || size(most) - size(least) < 2) break;
    const partition = own.get(most)!.pop()!;
    own.get(least)!.push(partition);
    sizeNow.set(most, size(most) - 1);
    sizeNow.set(least, size(least) + 1);
    moved++;
  }
  if (moved === 0) return 0;
  for (const share of subscribers) {
    const others = share.partitions.filter((each) => each.topicId !== topicId);
    share.partitions.splice(0, share.partitions.length, ...others, ...own.get(share)!);
  }
  return moved;
}
