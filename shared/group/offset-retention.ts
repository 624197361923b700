import type { Group } from "./group.ts";
import type { GroupPartition } from "./group-store.ts";

/**
 * Which of these offsets have outlived offsets.retention.minutes. In a group without members the time runs from when the last one went, or
 * from the commit if that was later. In one with members it runs from the commit, for topics that nobody subscribes to any more.
 *
 * `isSubscribed`: undefined if that is not known, as of members of a classic group that speak a protocol of their own: then nothing expires.
 */
export function expiredOffsets(
  group: Group,
  isSubscribed: ((topic: string) => boolean) | undefined,
  partitions: readonly GroupPartition[],
  now: number,
  retentionMs: number,
): readonly GroupPartition[] {
  return partitions.filter(({ topic, owner, committed }) => {
    if (committed === undefined || owner !== undefined) return false;
    if (group.emptySince !== undefined) return Math.max(group.emptySince, committed.committedAt) + retentionMs <= now;
    if (isSubscribed === undefined || isSubscribed(topic)) return false;
    return committed.committedAt + retentionMs <= now;
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
