/**
 * Keys of the group table. A group's items lie under `g#<groupId>`, its partitions under `o#<groupId>`, so that heartbeats and commits
 * do not share a partition of DynamoDB's; listings lie under `groups`, so that groups are listed without reading them.
 */
import type { TopicIdPartition } from "../../group/partitions-by-topic.ts";
import type { Attributes } from "./attributes.ts";
import { GROUP_LISTINGS_KEY } from "./table-schema.ts";

/** Digits of a partition's number, so that keys sort as numbers do. */
const PARTITION_DIGITS = 10;

export const GROUP_ITEM = "group";
export const TARGET_ITEM = "target";
export const GENERATION_ITEM = "generation";
/** In the order of the table: members and then sessions are one range of it. */
export const MEMBER_PREFIX = "member#";
export const SESSION_PREFIX = "session#";
const INSTANCE_PREFIX = "instance#";

export const LISTINGS = GROUP_LISTINGS_KEY;
/** Beside all groups: where the last sweep stopped. */
export const SWEEP_PLACE: Attributes = { groupKey: { S: "sweep" }, itemKey: { S: "place" } };

export function groupItems(groupId: string): string {
  return `g#${groupId}`;
}

export function groupPartitions(groupId: string): string {
  return `o#${groupId}`;
}

export function key(groupKey: string, itemKey: string): Attributes {
  return { groupKey: { S: groupKey }, itemKey: { S: itemKey } };
}

export function memberKey(groupId: string, memberId: string): Attributes {
  return key(groupItems(groupId), `${MEMBER_PREFIX}${memberId}`);
}

export function sessionKey(groupId: string, memberId: string): Attributes {
  return key(groupItems(groupId), `${SESSION_PREFIX}${memberId}`);
}

export function instanceKey(groupId: string, instanceId: string): Attributes {
  return key(groupItems(groupId), `${INSTANCE_PREFIX}${instanceId}`);
}

export function partitionItemKey({ topicId, partition }: TopicIdPartition): string {
  return `${topicId}#${String(partition).padStart(PARTITION_DIGITS, "0")}`;
}

export function partitionOfItemKey(itemKey: string): TopicIdPartition {
  const at = itemKey.lastIndexOf("#");
  return { topicId: itemKey.slice(0, at), partition: Number(itemKey.slice(at + 1)) };
}
