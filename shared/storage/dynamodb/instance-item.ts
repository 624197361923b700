/**
 * A REST consumer instance: one item an instance, under `i#<groupId>` in the group table, replaced as a whole from exactly the revision before; its
 * end alone may be put off by itself. Its positions are most of it, a few bytes each. It goes by the table's TTL.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import type { ConsumerInstance, InstanceName } from "../../broker/consumers/instance.ts";
import { type Attributes, numberOf, stringOf } from "./attributes.ts";
import { GroupBytesReader, GroupBytesWriter } from "./group-bytes.ts";
import { key } from "./group-key.ts";

/** Bounds what is unpacked of one item. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;

type Position = ConsumerInstance["positions"][number];

export const INSTANCE_PREFIX = "i#";

export function instanceItemKey({ groupId, instanceId }: InstanceName): Attributes {
  return key(`${INSTANCE_PREFIX}${groupId}`, instanceId);
}

/** The attributes of an instance's end. `expiresAt` is for the TTL, in seconds: never before it. */
export function expiryToAttributes(endsAt: number): { endsAt: Attributes[string]; expiresAt: Attributes[string] } {
  return { endsAt: { N: String(endsAt) }, expiresAt: { N: String(Math.ceil(endsAt / 1000)) } };
}

export function instanceToAttributes(instance: ConsumerInstance): Attributes {
  const { groupId: _group, instanceId: _instance, memberId, revisions, expiresAt, positions, ...rest } = instance;
  const writer = new GroupBytesWriter().text(JSON.stringify({ ...rest, older: revisions.slice(1) }));
  writePositions(writer, positions);
  return {
    ...instanceItemKey(instance),
    ...expiryToAttributes(expiresAt),
    memberId: { S: memberId },
    revision: { S: revisions[0]! },
    value: { B: gzipSync(writer.end()) },
  };
}

export function attributesToInstance(attributes: Attributes): ConsumerInstance {
  const bytes = attributes["value"]?.B;
  if (bytes === undefined) throw new TypeError("a stored item has no value");
  const reader = new GroupBytesReader(gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES }));
  const { older, ...rest } = JSON.parse(reader.text()) as Omit<ConsumerInstance, "positions"> & { older: string[] };
  return {
    ...rest,
    groupId: stringOf(attributes, "groupKey").slice(INSTANCE_PREFIX.length),
    instanceId: stringOf(attributes, "itemKey"),
    memberId: stringOf(attributes, "memberId"),
    revisions: [stringOf(attributes, "revision"), ...older],
    expiresAt: numberOf(attributes, "endsAt"),
    positions: readPositions(reader),
  };
}

/** In their order; an offset is told by one more than it is, and 0 is none. */
function writePositions(writer: GroupBytesWriter, positions: readonly Position[]): void {
  const topics = new Map(positions.map(({ topicId, topic }) => [topicId, topic]));
  const indexes = new Map([...topics.keys()].map((topicId, index) => [topicId, index]));
  writer.number(topics.size);
  for (const [topicId, topic] of topics) writer.text(topicId).text(topic);
  writer.number(positions.length);
  for (const { topicId, partition, offset = -1, committedOffset = -1 } of positions) {
    writer.number(indexes.get(topicId)!).number(partition);
    writeLong(writer, offset + 1);
    writeLong(writer, committedOffset + 1);
  }
}

function readPositions(reader: GroupBytesReader): Position[] {
  const topics = Array.from({ length: reader.number() }, () => ({ topicId: reader.text(), topic: reader.text() }));
  return Array.from({ length: reader.number() }, (): Position => {
    const { topicId, topic } = topics[reader.number()]!;
    const partition = reader.number();
    const [offset, committedOffset] = [readLong(reader) - 1, readLong(reader) - 1];
    return {
      topic,
      topicId,
      partition,
      ...(offset < 0 ? {} : { offset }),
      ...(committedOffset < 0 ? {} : { committedOffset }),
    };
  });
}

/** A varint has room for its sign too, and so for half of the offsets that a client may seek to. */
const HALF = 2 ** 31;

function writeLong(writer: GroupBytesWriter, value: number): void {
  writer.number(Math.floor(value / HALF)).number(value % HALF);
}

function readLong(reader: GroupBytesReader): number {
  return reader.number() * HALF + reader.number();
}
