/**
 * A set of partitions: their numbers, ascending and each once, by topic id. A topic without partitions is left out, so that equal
 * sets have equal values.
 */
export type PartitionsByTopic = Readonly<Record<string, readonly number[]>>;

export interface TopicIdPartition {
  readonly topicId: string;
  readonly partition: number;
}

export const NO_PARTITIONS: PartitionsByTopic = {};

export function countPartitions(set: PartitionsByTopic): number {
  let count = 0;
  for (const topicId in set) count += set[topicId]!.length;
  return count;
}

export function isEmpty(set: PartitionsByTopic): boolean {
  for (const _ in set) return false;
  return true;
}

export function listPartitions(set: PartitionsByTopic): TopicIdPartition[] {
  return Object.entries(set).flatMap(([topicId, partitions]) =>
    partitions.map((partition) => ({ topicId, partition })),
  );
}

/** The set of those listed, in any order. */
export function partitionsByTopic(listed: Iterable<TopicIdPartition>): PartitionsByTopic {
  const sets: Record<string, Set<number>> = {};
  for (const { topicId, partition } of listed) {
    sets[topicId] ??= new Set();
    sets[topicId].add(partition);
  }
  return Object.fromEntries(Object.entries(sets).map(([topicId, set]) => [topicId, [...set].sort((a, b) => a - b)]));
}

export function union(one: PartitionsByTopic, other: PartitionsByTopic): PartitionsByTopic {
  if (isEmpty(one)) return other;
  if (isEmpty(other)) return one;
  return partitionsByTopic([...listPartitions(one), ...listPartitions(other)]);
}

/** What is in `set` and not in `without`. */
export function difference(set: PartitionsByTopic, without: PartitionsByTopic): PartitionsByTopic {
  return filtered(set, without, (isInBoth) => !isInBoth);
}

export function intersection(set: PartitionsByTopic, other: PartitionsByTopic): PartitionsByTopic {
  return filtered(set, other, (isInBoth) => isInBoth);
}

export function isSubset(set: PartitionsByTopic, of: PartitionsByTopic): boolean {
  return isEmpty(difference(set, of));
}

export function isSame(one: PartitionsByTopic, other: PartitionsByTopic): boolean {
  return countPartitions(one) === countPartitions(other) && isSubset(one, other);
}

/** Up to `count` of them. */
export function firstOf(set: PartitionsByTopic, count: number): PartitionsByTopic {
  if (countPartitions(set) <= count) return set;
  return partitionsByTopic(listPartitions(set).slice(0, count));
}

/** Names one partition, for maps. */
export function partitionKey({ topicId, partition }: TopicIdPartition): string {
  return `${topicId}#${partition}`;
}

function filtered(
  set: PartitionsByTopic,
  other: PartitionsByTopic,
  isKept: (isInBoth: boolean) => boolean,
): PartitionsByTopic {
  const kept: Record<string, readonly number[]> = {};
  for (const [topicId, partitions] of Object.entries(set)) {
    const theirs = new Set(other[topicId]);
    const rest = partitions.filter((partition) => isKept(theirs.has(partition)));
    if (rest.length > 0) kept[topicId] = rest;
  }
  return kept;
}
