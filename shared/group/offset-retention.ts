import type { Group } from "./group.ts";
import type { GroupPartition } from "./group-store.ts";

/**
 * Which of these offsets have outlived offsets.retention.minutes. In a group without members the time runs from when the last one went, or
 * from the commit if that was later. In one with members it runs from the commit, for partitions that nobody wants (`isWanted`): nobody subscribes to their
 * topics any more, or the topics are gone.
 */
export function expiredOffsets(
  group: Group,
  isWanted: (partition: GroupPartition) => boolean,
  partitions: readonly GroupPartition[],
  now: number,
  retentionMs: number,
): readonly GroupPartition[] {
  return partitions.filter((partition) => {
    const { owner, committed } = partition;
    if (committed === undefined || owner !== undefined) return false;
    if (group.emptySince !== undefined) return Math.max(group.emptySince, committed.committedAt) + retentionMs <= now;
    return !isWanted(partition) && committed.committedAt + retentionMs <= now;
  });
}

/** When the next of these can expire in a group without members, in milliseconds since the epoch; undefined: there are none. */
export function nextExpiry(
  group: Group,
  partitions: readonly GroupPartition[],
  retentionMs: number,
): number | undefined {
  const since = group.emptySince;
  const offsets = partitions.flatMap(({ committed }) => committed ?? []);
  if (since === undefined || offsets.length === 0) return undefined;
  return Math.min(...offsets.map(({ committedAt }) => Math.max(since, committedAt))) + retentionMs;
}
