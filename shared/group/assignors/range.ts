import type { PartitionsByTopic } from "../partitions-by-topic.ts";
import type { AssignorInput, SubscribedMember } from "./assignor.ts";

/**
 * Kafka's `range`: of each topic, a run of partitions for each of its subscribers, the first ones one more where they do not come out
 * even. Topics with equally many partitions and subscribers are shared out alike (co-partitioned), for joins. Balanced by topic, not
 * as a whole. What a member had does not matter; static members come first, by instanceId, so that theirs stays when they return.
 */
export function assignRange({ members, topics }: AssignorInput): Map<string, PartitionsByTopic> {
  const inOrder = [...members].sort(byInstanceThenMember);
  const subscribers = new Map<string, number>();
  for (const { topicIds } of inOrder) {
    for (const topicId of topicIds) subscribers.set(topicId, (subscribers.get(topicId) ?? 0) + 1);
  }
  const counts = new Map(topics.map(({ topicId, partitionCount }) => [topicId, partitionCount]));
  /** How many subscribers of the topic have had their share. */
  const served = new Map<string, number>();
  const assignment = new Map<string, PartitionsByTopic>();
  for (const { memberId, topicIds } of inOrder) {
    const shares: Record<string, readonly number[]> = {};
    for (const topicId of topicIds) {
      const place = served.get(topicId) ?? 0;
      served.set(topicId, place + 1);
      const share = rangeOf(place, counts.get(topicId) ?? 0, subscribers.get(topicId)!);
      if (share.length > 0) shares[topicId] = share;
    }
    assignment.set(memberId, shares);
  }
  return assignment;
}

function rangeOf(place: number, partitionCount: number, subscriberCount: number): number[] {
  const quota = Math.floor(partitionCount / subscriberCount);
  const extra = partitionCount % subscriberCount;
  const start = place * quota + Math.min(place, extra);
  return Array.from({ length: place < extra ? quota + 1 : quota }, (_, index) => start + index);
}

function byInstanceThenMember(one: SubscribedMember, other: SubscribedMember): number {
  if (one.instanceId !== undefined && other.instanceId !== undefined) return compare(one.instanceId, other.instanceId);
  if (one.instanceId !== undefined) return -1;
  if (other.instanceId !== undefined) return 1;
  return compare(one.memberId, other.memberId);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
