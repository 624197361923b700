/**
 * Every metric that Millrace publishes: its name, its unit in CloudWatch, and what it counts. The runtime counts by this
 * table, dashboard and alarms read it; it imports nothing. The list is short because each metric is paid for in every month
 * in which it has data. A metric of which nothing was counted is not published: no data is none of it, of a gauge too.
 *
 * A gauge is what was found at one look, not a sum: its Maximum is what counts. Those of replication are told by the region
 * that leads, in its own CloudWatch; each is there without a dimension beyond the deployment's, for alarms, and where `isByBroker`
 * says so for each follower as well, with the dimension `broker`, a broker's id.
 *
 * Units: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
 */
export const METRICS = {
  Appends: {
    unit: "Count",
    meaning:
      "Items appended to logs, a conditional write each; requests that were grouped into one item are one append.",
  },
  RecordsIn: { unit: "Count", meaning: "Records appended; not those that an idempotent producer sent again." },
  BytesIn: {
    unit: "Bytes",
    meaning:
      "Bytes of the RecordBatches appended, as they are stored: headers included, compressed as the producer sent them.",
  },
  RecordsOut: {
    unit: "Count",
    meaning:
      "Records in the RecordBatches that fetches answered with: whole batches, so some may lie below the offset asked for.",
  },
  BytesOut: { unit: "Bytes", meaning: "Bytes of the RecordBatches that fetches answered with, as they are stored." },
  AppendConflicts: {
    unit: "Count",
    meaning:
      "Slots that an append lost to another writer. AppendConflicts / Appends: conditional writes paid for in vain, per append.",
  },
  StoreThrottles: {
    unit: "Count",
    meaning:
      "Operations on DynamoDB and S3 that ended throttled. Reads that a store repeated with success are not among them: DynamoDB counts each request in ReadThrottleEvents and WriteThrottleEvents.",
  },
  ObjectsWritten: {
    unit: "Count",
    meaning:
      "Objects written to S3: segments, two each, and batches above millrace.inline.max.bytes, and above 8 KiB for a minute after a lost slot.",
  },
  ObjectsRead: { unit: "Count", meaning: "Objects read from S3." },
  ProduceLatency: {
    unit: "Milliseconds",
    meaning: "From a produce's arrival at the broker to its answer, of those that appended; not with acks=0.",
  },
  FetchLatency: {
    unit: "Milliseconds",
    meaning: "From a fetch's arrival at the broker to its answer, less the time it waited for records to come.",
  },
  ReplicaLag: {
    unit: "Count",
    isGauge: true,
    isByBroker: true,
    meaning:
      "Offsets by which a follower is behind the leader's log end once the replicator has done what it could: the largest over the partitions that the region leads, in all and by follower. Kafka's ReplicaFetcherManager MaxLag.",
  },
  ReplicaLagTime: {
    unit: "Milliseconds",
    isGauge: true,
    isByBroker: true,
    meaning:
      "How long a follower has been behind without a break, the longest over partitions, in all and by follower: past replica.lag.time.max.ms it leaves the in-sync set.",
  },
  UnderReplicatedPartitions: {
    unit: "Count",
    isGauge: true,
    meaning: "Partitions that the region leads whose in-sync set lacks a replica.",
  },
  UnderMinIsrPartitions: {
    unit: "Count",
    isGauge: true,
    meaning:
      "Partitions that the region leads with fewer replicas in sync than min.insync.replicas: acks=all is refused.",
  },
  OfflinePartitions: {
    unit: "Count",
    isGauge: true,
    meaning:
      "Partitions without a leader, as far as this region sees: the leader's region is gone, and no other replica in sync answers.",
  },
  IsrShrinks: { unit: "Count", meaning: "Replicas that left an in-sync set." },
  IsrExpands: { unit: "Count", meaning: "Replicas that came back into an in-sync set." },
  LeaderElections: { unit: "Count", meaning: "Leaders elected, of whatever cause: a region that is gone, or the API." },
  UncleanLeaderElections: {
    unit: "Count",
    meaning: "Leaders elected that were not in sync: acknowledged records may be lost by each.",
  },
  TieringLag: {
    unit: "Milliseconds",
    isGauge: true,
    meaning:
      "How long ago all hot items that were due had been copied into segments, of the partition that is furthest behind among those that the region leads: past a day writers set no TTL any more. Told by each run of maintenance, and by writers who find that none came for hours, or cannot ask for one.",
  },
  SegmentsTiered: { unit: "Count", meaning: "Segments that hot items were copied into." },
  BytesTiered: { unit: "Bytes", meaning: "Bytes of the RecordBatches in these." },
  GroupMembers: {
    unit: "Count",
    isGauge: true,
    meaning: "Members of the consumer groups that have their home in the region, as the sweep found them.",
  },
  GroupRebalances: {
    unit: "Count",
    meaning:
      "Target assignments and, of the classic protocol, generations that groups got: by members that came or went, and topics that changed.",
  },
  OffsetCommits: { unit: "Count", meaning: "Offsets committed, one for each partition." },
  ConsumerLag: {
    unit: "Count",
    isGauge: true,
    meaning:
      "Records by which a group that has members is behind a partition's log end, the largest over the partitions that the sweep looked at. Kafka's records-lag-max.",
  },
  Errors: {
    unit: "Count",
    meaning:
      "What failed through no fault of the client and is answered with a 5xx: requests, and each partition of a produce by itself, also where the answer as a whole is 200 or 207 or, with acks=0, was given before. Throttles are no errors.",
  },
} as const;

export type MetricName = keyof typeof METRICS;

/** Where they are published unless POWERTOOLS_METRICS_NAMESPACE says otherwise. */
export const METRICS_NAMESPACE = "Millrace";

/** The dimension that all have. Its value is the deployment's name (POWERTOOLS_SERVICE_NAME). */
export const METRICS_DIMENSION = "service";

/** The further dimension of those that are told by broker. */
export const BROKER_DIMENSION = "broker";
