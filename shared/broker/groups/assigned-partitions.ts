import type { NamedPartition } from "./named-partitions.ts";

const MAX_PARTITIONS = 100_000;

/**
 * The partitions in an assignment of the classic protocol, as consumers write it for each other: version (int16), topics (name, partitions), user
 * data. Later versions put what is new behind that. Bytes that are none of it, as another kind of client may send, hold no partitions.
 * Source: ConsumerProtocolAssignment.json of Kafka's clients.
 */
export function assignedPartitions(bytes: Uint8Array): NamedPartition[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const partitions: NamedPartition[] = [];
  let at = 2;
  const int = () => {
    const value = view.getInt32(at);
    at += 4;
    return value;
  };
  try {
    for (let topics = int(); topics > 0; topics--) {
      const length = view.getInt16(at);
      at += 2;
      if (length < 0 || at + length > bytes.length) return [];
      const topic = Buffer.from(bytes.subarray(at, at + length)).toString("utf8");
      at += length;
      for (let count = int(); count > 0; count--) {
        if (partitions.length === MAX_PARTITIONS) return [];
        partitions.push({ topic, partition: int() });
      }
    }
  } catch (error) {
    // It ends in the middle of something.
    if (error instanceof RangeError) return [];
    throw error;
  }
  return partitions;
}
