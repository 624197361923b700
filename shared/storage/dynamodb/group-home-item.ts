/** Where a group has its home: one item a group, written once, by whoever begins the group first. It outlives the group. */
import { type Attributes, numberOf } from "./attributes.ts";
import { metadataKey } from "./metadata-key.ts";
import { GROUP_HOME_KIND } from "./table-schema.ts";

export const groupHomeKey = (groupId: string): Attributes => metadataKey(GROUP_HOME_KIND, groupId);

export function groupHomeToAttributes(groupId: string, brokerId: number): Attributes {
  return { ...groupHomeKey(groupId), brokerId: { N: String(brokerId) } };
}

export function attributesToGroupHome(attributes: Attributes): number {
  return numberOf(attributes, "brokerId");
}
