/**
 * Every metric that Millrace publishes: its name, its unit in CloudWatch, and what it counts. The runtime counts by this
 * table, dashboard and alarms read it; it imports nothing. The list is short because each metric is paid for in every month
 * in which it has data. A metric of which nothing was counted is not published: no data is none of it.
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
      "Objects written to S3: batches above millrace.inline.max.bytes, and above 8 KiB for a minute after a lost slot.",
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
  Errors: {
    unit: "Count",
    meaning:
      "What failed through no fault of the client and is answered with a 5xx: requests, and each partition of a produce by itself, also where the answer as a whole is 200 or 207 or, with acks=0, was given before. Throttles are no errors.",
  },
} as const;

export type MetricName = keyof typeof METRICS;

/** Where they are published unless POWERTOOLS_METRICS_NAMESPACE says otherwise. */
export const METRICS_NAMESPACE = "Millrace";

/** Their one dimension. Its value is the deployment's name (POWERTOOLS_SERVICE_NAME). */
export const METRICS_DIMENSION = "service";
