/**
 * A group: one item a group, replaced from exactly the version before; its target assignment or its generation beside it, one item
 * each, replaced together with it; its listing. The last two can be large, and are compressed.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import type { ClassicGeneration, Group, GroupListing, TargetAssignment, TargetMember } from "../../group/group.ts";
import type { AssignorName } from "../../group/group-config.ts";
import type { SweepPlace } from "../../group/group-store.ts";
import { type Attributes, numberOf, stringOf } from "./attributes.ts";
import { GroupBytesReader, GroupBytesWriter } from "./group-bytes.ts";
import { GENERATION_ITEM, GROUP_ITEM, groupItems, key, LISTINGS, SWEEP_PLACE, TARGET_ITEM } from "./group-key.ts";

/** Bounds what is unpacked of one item. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;

export function groupToAttributes(group: Group): Attributes {
  return {
    ...key(groupItems(group.groupId), GROUP_ITEM),
    incarnation: { S: group.incarnation },
    version: { N: String(group.version) },
    value: { S: JSON.stringify(group) },
  };
}

export function attributesToGroup(attributes: Attributes): Group {
  return JSON.parse(stringOf(attributes, "value")) as Group;
}

export function targetToAttributes(groupId: string, target: TargetAssignment): Attributes {
  const writer = new GroupBytesWriter().number(target.epoch).text(target.assignor).number(target.topics.length);
  const indexes = new Map(target.topics.map(({ topicId }, index) => [topicId, index]));
  for (const { topicId, name, partitionCount } of target.topics) writer.text(topicId).text(name).number(partitionCount);
  for (const [memberId, { subscriptionId, partitions }] of Object.entries(target.members)) {
    writer.text(memberId).text(subscriptionId);
    writer.partitions(partitions, (topicId) => writer.number(indexes.get(topicId)!));
  }
  return {
    ...key(groupItems(groupId), TARGET_ITEM),
    members: { N: String(Object.keys(target.members).length) },
    value: { B: gzipSync(writer.end()) },
  };
}

export function attributesToTarget(attributes: Attributes): TargetAssignment {
  const reader = unpacked(attributes);
  const epoch = reader.number();
  const assignor = reader.text() as AssignorName;
  const topics = Array.from({ length: reader.number() }, () => ({
    topicId: reader.text(),
    name: reader.text(),
    partitionCount: reader.number(),
  }));
  const members: Record<string, TargetMember> = {};
  for (let count = numberOf(attributes, "members"); count > 0; count--) {
    const memberId = reader.text();
    const subscriptionId = reader.text();
    members[memberId] = { subscriptionId, partitions: reader.partitions(() => topics[reader.number()]!.topicId) };
  }
  return { epoch, assignor, topics, members };
}

export function sweepPlaceToAttributes({ after, lag, lagBefore }: SweepPlace): Attributes {
  return { ...SWEEP_PLACE, after: { S: after }, lag: { N: String(lag) }, lagBefore: { N: String(lagBefore) } };
}

export function attributesToSweepPlace(attributes: Attributes): SweepPlace {
  return {
    after: stringOf(attributes, "after"),
    lag: numberOf(attributes, "lag"),
    lagBefore: numberOf(attributes, "lagBefore"),
  };
}

export function generationToAttributes(groupId: string, generation: ClassicGeneration): Attributes {
  const { generationId, members, assignments } = generation;
  const writer = new GroupBytesWriter().number(generationId).number(members.length);
  for (const memberId of members) writer.text(memberId);
  const assigned = Object.entries(assignments ?? {});
  writer.number(assignments === undefined ? -1 : assigned.length);
  for (const [memberId, assignment] of assigned) writer.text(memberId).bytes(assignment);
  return { ...key(groupItems(groupId), GENERATION_ITEM), value: { B: gzipSync(writer.end()) } };
}

export function attributesToGeneration(attributes: Attributes): ClassicGeneration {
  const reader = unpacked(attributes);
  const generationId = reader.number();
  const members = Array.from({ length: reader.number() }, () => reader.text());
  const count = reader.number();
  if (count < 0) return { generationId, members };
  const assignments = Object.fromEntries(Array.from({ length: count }, () => [reader.text(), reader.bytes()]));
  return { generationId, members, assignments };
}

export function listingToAttributes({ groupId, sweepAt }: GroupListing): Attributes {
  return { ...key(LISTINGS, groupId), sweepAt: { N: String(sweepAt) } };
}

export function attributesToListing(attributes: Attributes): GroupListing {
  return { groupId: stringOf(attributes, "itemKey"), sweepAt: numberOf(attributes, "sweepAt") };
}

function unpacked(attributes: Attributes): GroupBytesReader {
  const bytes = attributes["value"]?.B;
  if (bytes === undefined) throw new TypeError("a stored item has no value");
  return new GroupBytesReader(gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES }));
}
