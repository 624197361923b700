export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Kafka's ConsumerProtocolSubscription, version 0. */
export function subscriptionOf(topics: readonly string[]): Uint8Array {
  return Buffer.concat([int16(0), int32(topics.length), ...topics.map(text), int32(-1)]);
}

/** Kafka's ConsumerProtocolAssignment, version 0. */
export function assignmentOf(partitions: readonly TopicPartition[]): Uint8Array {
  const topics = [...new Set(partitions.map(({ topic }) => topic))];
  const parts = topics.flatMap((topic) => {
    const its = partitions.filter((each) => each.topic === topic);
    return [text(topic), int32(its.length), ...its.map(({ partition }) => int32(partition))];
  });
  return Buffer.concat([int16(0), int32(topics.length), ...parts, int32(-1)]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);
}
