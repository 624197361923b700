/**
 * A member: one item a member, replaced from exactly the version before; and its session, some 100 bytes, put by each heartbeat.
 */
import type { ClassicMember, ConsumerMember, Member, Session } from "../../group/member.ts";
import type { PartitionsByTopic } from "../../group/partitions-by-topic.ts";
import { type Attributes, numberOf, stringOf } from "./attributes.ts";
import { GroupBytesReader, GroupBytesWriter } from "./group-bytes.ts";
import { memberKey, SESSION_PREFIX, sessionKey } from "./group-key.ts";

export function memberToAttributes(groupId: string, member: Member): Attributes {
  return {
    ...memberKey(groupId, member.memberId),
    incarnation: { S: member.incarnation },
    version: { N: String(member.version) },
    ...(member.type === "consumer" ? consumerAttributes(member) : classicAttributes(member)),
  };
}

export function attributesToMember(attributes: Attributes): Member {
  const value = JSON.parse(stringOf(attributes, "value")) as Member;
  if (value.type === "consumer") {
    const assigned = attributesToPartitions(attributes, "assigned");
    return { ...value, assigned, pendingRevocation: attributesToPartitions(attributes, "pendingRevocation") };
  }
  const metadata = new GroupBytesReader(attributes["metadata"]?.B ?? new Uint8Array());
  return { ...value, protocols: value.protocols.map(({ name }) => ({ name, metadata: metadata.bytes() })) };
}

export function sessionToAttributes(groupId: string, session: Session): Attributes {
  return {
    ...sessionKey(groupId, session.memberId),
    incarnation: { S: session.incarnation },
    sessionExpiresAt: { N: String(session.sessionExpiresAt) },
  };
}

export function attributesToSession(attributes: Attributes): Session {
  return {
    memberId: stringOf(attributes, "itemKey").slice(SESSION_PREFIX.length),
    incarnation: stringOf(attributes, "incarnation"),
    sessionExpiresAt: numberOf(attributes, "sessionExpiresAt"),
  };
}

function consumerAttributes({ assigned, pendingRevocation, ...value }: ConsumerMember): Attributes {
  return {
    value: { S: JSON.stringify(value) },
    assigned: { B: partitionsToBytes(assigned) },
    pendingRevocation: { B: partitionsToBytes(pendingRevocation) },
  };
}

function classicAttributes(member: ClassicMember): Attributes {
  const writer = new GroupBytesWriter();
  for (const { metadata } of member.protocols) writer.bytes(metadata);
  const value = { ...member, protocols: member.protocols.map(({ name }) => ({ name })) };
  return { value: { S: JSON.stringify(value) }, metadata: { B: writer.end() } };
}

function partitionsToBytes(partitions: PartitionsByTopic): Uint8Array {
  const writer = new GroupBytesWriter();
  return writer.partitions(partitions, (topicId) => writer.text(topicId)).end();
}

function attributesToPartitions(attributes: Attributes, name: string): PartitionsByTopic {
  const bytes = attributes[name]?.B;
  if (bytes === undefined) throw new TypeError(`a stored item has no ${name}`);
  const reader = new GroupBytesReader(bytes);
  return reader.partitions(() => reader.text());
}
