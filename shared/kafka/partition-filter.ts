/**
 * By what state partitions are looked for: the filters of Kafka's `kafka-topics --describe`, each as its TopicCommand has it.
 * `unavailable`: their leader is gone and no other has taken over. The others compare the in-sync set with all replicas, or
 * with min.insync.replicas.
 */
export const PARTITION_FILTERS = ["under_replicated", "unavailable", "under_min_isr", "at_min_isr"] as const;

export type PartitionFilter = (typeof PARTITION_FILTERS)[number];
