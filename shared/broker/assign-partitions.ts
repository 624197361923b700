import type { Refusal } from "../kafka/kafka-error.ts";
import { partitionForKey } from "../kafka/partitioner.ts";
import type { RecordHeader } from "../record/record.ts";
import type { Broker } from "./broker.ts";
import { unknownPartition } from "./locate-partition.ts";
import type { CachedTopic } from "./topic-cache.ts";

/** A record as a face hands it over. */
export interface RecordToProduce {
  /** The partition it must go to; else its key decides, else it goes to the sticky one. */
  readonly partition?: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  /** Milliseconds since the epoch; absent: now. */
  readonly timestamp?: number;
}

/** Records of one request that go to one partition together. `index`: their places in the request. */
export interface PartitionShare {
  readonly partition: number;
  /** They have no key and name no partition: any other partition would do as well. */
  readonly isSticky: boolean;
  readonly indexes: number[];
}

/** Shares records out over the topic's partitions, as Kafka's producer does. `refuse` is told of those that fit none. */
export function assignPartitions(
  broker: Broker,
  topic: CachedTopic,
  records: readonly RecordToProduce[],
  indexes: Iterable<number>,
  refuse: (index: number, refusal: Refusal) => void,
): PartitionShare[] {
  const { topicId, partitionCount, name } = topic.item;
  const shares = new Map<string, PartitionShare>();
  for (const index of indexes) {
    const record = records[index]!;
    const isSticky = record.partition === undefined && record.key === null;
    let partition: number;
    if (record.partition !== undefined) partition = record.partition;
    else if (record.key !== null) partition = partitionForKey(record.key, partitionCount);
    else partition = broker.sticky.next(topicId, partitionCount, record.value?.length ?? 0);
    if (topic.partitions[partition] === undefined) {
      refuse(index, unknownPartition(name, partition, partitionCount).refusal);
      continue;
    }
    const shareKey = `${partition}${isSticky ? "s" : ""}`;
    const share = shares.get(shareKey);
    if (share === undefined) shares.set(shareKey, { partition, isSticky, indexes: [index] });
    else share.indexes.push(index);
  }
  return [...shares.values()];
}
