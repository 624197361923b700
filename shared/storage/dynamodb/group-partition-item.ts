/**
 * A partition in a group: one item a partition that a member owns or that has a committed offset. Its owner changes together with a
 * member's item, its offset by commits; each is set beside the other.
 */
import type { GroupPartition } from "../../group/group-store.ts";
import type { CommittedOffset, PartitionOwner } from "../../group/group-write.ts";
import { type Attributes, numberOf, stringOf } from "./attributes.ts";
import { partitionOfItemKey } from "./group-key.ts";

/** What sets or changes such an item. */
export interface ItemUpdate {
  readonly UpdateExpression: string;
  readonly ExpressionAttributeValues?: Attributes;
}

export function setOwner(topic: string, { memberId, epoch }: PartitionOwner): ItemUpdate {
  return {
    UpdateExpression: "SET topic = :topic, ownerId = :owner, ownerEpoch = :epoch",
    ExpressionAttributeValues: { ":topic": { S: topic }, ":owner": { S: memberId }, ":epoch": { N: String(epoch) } },
  };
}

export const REMOVE_OWNER: ItemUpdate = { UpdateExpression: "REMOVE ownerId, ownerEpoch" };

export function setOffset(topic: string, { offset, leaderEpoch, metadata, committedAt }: CommittedOffset): ItemUpdate {
  return {
    UpdateExpression:
      "SET topic = :topic, committedOffset = :offset, leaderEpoch = :leaderEpoch, offsetMetadata = :metadata, committedAt = :at",
    ExpressionAttributeValues: {
      ":topic": { S: topic },
      ":offset": { N: String(offset) },
      ":leaderEpoch": { N: String(leaderEpoch) },
      ":metadata": { S: metadata },
      ":at": { N: String(committedAt) },
    },
  };
}

/** No offset that arrived later is there; goes with {@link setOffset}. */
export const IS_NOT_OVERTAKEN = "(attribute_not_exists(committedAt) OR committedAt <= :at)";

/** undefined: the item holds neither an owner nor an offset. */
export function attributesToPartition(attributes: Attributes): GroupPartition | undefined {
  const owner = attributesToOwner(attributes);
  const hasOffset = attributes["committedOffset"] !== undefined;
  if (owner === undefined && !hasOffset) return undefined;
  return {
    ...partitionOfItemKey(stringOf(attributes, "itemKey")),
    topic: stringOf(attributes, "topic"),
    ...(owner === undefined ? {} : { owner }),
    ...(hasOffset ? { committed: attributesToOffset(attributes) } : {}),
  };
}

export function attributesToOwner(attributes: Attributes): PartitionOwner | undefined {
  if (attributes["ownerId"] === undefined) return undefined;
  return { memberId: stringOf(attributes, "ownerId"), epoch: numberOf(attributes, "ownerEpoch") };
}

function attributesToOffset(attributes: Attributes): CommittedOffset {
  return {
    offset: numberOf(attributes, "committedOffset"),
    leaderEpoch: numberOf(attributes, "leaderEpoch"),
    metadata: stringOf(attributes, "offsetMetadata"),
    committedAt: numberOf(attributes, "committedAt"),
  };
}
