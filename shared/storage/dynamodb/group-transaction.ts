/** What each kind of write of a group is to DynamoDB: the same alone and in a transaction. */
import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { GroupWrite } from "../../group/group-write.ts";
import type { Attributes } from "./attributes.ts";
import { generationToAttributes, groupToAttributes, listingToAttributes, targetToAttributes } from "./group-item.ts";
import {
  GENERATION_ITEM,
  GROUP_ITEM,
  groupItems,
  groupPartitions,
  instanceKey,
  key,
  LISTINGS,
  memberKey,
  partitionItemKey,
  sessionKey,
  TARGET_ITEM,
} from "./group-key.ts";
import { memberToAttributes, sessionToAttributes } from "./group-member-item.ts";
import { IS_NOT_OVERTAKEN, type ItemUpdate, REMOVE_OWNER, setOffset, setOwner } from "./group-partition-item.ts";

interface Condition {
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeValues?: Attributes;
}

interface Versioned {
  readonly incarnation: string;
  readonly version: number;
}

const ANY: Condition = {};
const IS_FREE = { ConditionExpression: "attribute_not_exists(groupKey)" };

/** The items that a write changes: one, but for the end of a group, which takes what lies beside it along. */
export function transactItems(table: string, groupId: string, write: GroupWrite): TransactWriteItem[] {
  const put = (Item: Attributes, condition: Condition): TransactWriteItem[] => [
    { Put: { TableName: table, Item, ...condition } },
  ];
  const remove = (Key: Attributes, condition: Condition): TransactWriteItem[] => [
    { Delete: { TableName: table, Key, ...condition } },
  ];
  const update = (itemKey: string, change: ItemUpdate, condition: Condition): TransactWriteItem[] => {
    const values = { ...change.ExpressionAttributeValues, ...condition.ExpressionAttributeValues };
    const hasValues = Object.keys(values).length > 0;
    const Key = key(groupPartitions(groupId), itemKey);
    const whole = { ...change, ...condition, ...(hasValues ? { ExpressionAttributeValues: values } : {}) };
    return [{ Update: { TableName: table, Key, ...whole } }];
  };
  const own = (itemKey: string) => key(groupItems(groupId), itemKey);
  switch (write.kind) {
    case "put-group":
      return put(groupToAttributes(write.group), isBefore(write.group));
    case "delete-group":
      return [
        ...remove(own(GROUP_ITEM), isAt(write.group)),
        ...remove(own(TARGET_ITEM), ANY),
        ...remove(own(GENERATION_ITEM), ANY),
      ];
    case "check-group": {
      const { ConditionExpression, ExpressionAttributeValues } = isAt(write.group);
      return [
        { ConditionCheck: { TableName: table, Key: own(GROUP_ITEM), ConditionExpression, ExpressionAttributeValues } },
      ];
    }
    case "check-no-group":
      return [{ ConditionCheck: { TableName: table, Key: own(GROUP_ITEM), ...IS_FREE } }];
    case "put-listing":
      return put(listingToAttributes(write.listing), ANY);
    case "delete-listing":
      return remove(key(LISTINGS, write.groupId), ANY);
    case "put-target":
      return put(targetToAttributes(groupId, write.target), ANY);
    case "put-generation":
      return put(generationToAttributes(groupId, write.generation), ANY);
    case "put-member":
      return put(memberToAttributes(groupId, write.member), isBefore(write.member));
    case "delete-member":
      return remove(memberKey(groupId, write.member.memberId), isAt(write.member));
    case "begin-session":
      return put(sessionToAttributes(groupId, write.session), ANY);
    case "extend-session":
      return put(sessionToAttributes(groupId, write.session), {
        ConditionExpression: "incarnation = :incarnation",
        ExpressionAttributeValues: { ":incarnation": { S: write.session.incarnation } },
      });
    case "delete-session":
      return remove(sessionKey(groupId, write.memberId), write.session === undefined ? ANY : isSession(write.session));
    case "put-instance": {
      const before = write.before;
      const Item = { ...instanceKey(groupId, write.instanceId), memberId: { S: write.memberId } };
      return put(Item, before === undefined ? IS_FREE : isMember("memberId = :memberId", before));
    }
    case "delete-instance":
      return remove(
        instanceKey(groupId, write.instanceId),
        isMember("attribute_not_exists(groupKey) OR memberId = :memberId", write.memberId),
      );
    case "acquire":
      return update(partitionItemKey(write.partition), setOwner(write.topic, write.owner), {
        ConditionExpression: "attribute_not_exists(ownerId)",
      });
    case "release":
      return update(partitionItemKey(write.partition), REMOVE_OWNER, isMember("ownerId = :memberId", write.memberId));
    case "put-offset":
      return update(partitionItemKey(write.partition), setOffset(write.topic, write.offset), {
        ConditionExpression: IS_NOT_OVERTAKEN,
      });
  }
}

function isBefore({ incarnation, version }: Versioned): Condition {
  return version === 1 ? IS_FREE : isAt({ incarnation, version: version - 1 });
}

function isAt({ incarnation, version }: Versioned): Required<Condition> {
  return {
    ConditionExpression: "incarnation = :incarnation AND version = :version",
    ExpressionAttributeValues: { ":incarnation": { S: incarnation }, ":version": { N: String(version) } },
  };
}

function isSession({ incarnation, sessionExpiresAt }: { incarnation: string; sessionExpiresAt: number }): Condition {
  return {
    ConditionExpression: "incarnation = :incarnation AND sessionExpiresAt = :expiry",
    ExpressionAttributeValues: { ":incarnation": { S: incarnation }, ":expiry": { N: String(sessionExpiresAt) } },
  };
}

function isMember(expression: string, memberId: string): Condition {
  return { ConditionExpression: expression, ExpressionAttributeValues: { ":memberId": { S: memberId } } };
}
