import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Broker } from "../shared/broker/broker.ts";
import { openBroker } from "../shared/broker/open-broker.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { jsonLogger } from "../shared/runtime/logger.ts";
import { silentMetrics } from "../shared/runtime/metrics.ts";
import { systemRandom } from "../shared/runtime/random.ts";
import { dynamoDbClient } from "../shared/storage/dynamodb/client.ts";
import { DynamoDbLogStore } from "../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { MemorySegmentStore } from "../shared/storage/memory/memory-segment-store.ts";

export const BENCH_TABLES = { log: "bench-log", metadata: "bench-metadata" };

export interface Counted {
  readonly client: DynamoDBClient;
  readonly broker: Broker;
  readonly segmentStore: MemorySegmentStore;
  /** Requests that went to DynamoDB, by operation and table. */
  readonly requests: Map<string, number>;
}

/** A broker over the DynamoDB at `endpoint`, every request counted. */
export function countedBroker(endpoint: string): Counted {
  const client = dynamoDbClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
  });
  const requests = new Map<string, number>();
  client.middlewareStack.add(
    (next, context) => (args) => {
      const name = `${context.commandName} ${(args.input as { TableName?: string }).TableName ?? ""}`;
      requests.set(name, (requests.get(name) ?? 0) + 1);
      return next(args);
    },
    // Behind the retries: a repeated request counts again.
    { step: "finalizeRequest", priority: "low", name: "count" },
  );
  const segmentStore = new MemorySegmentStore();
  const broker = openBroker({
    logStore: new DynamoDbLogStore(client, BENCH_TABLES.log),
    metadataStore: new DynamoDbMetadataStore(client, BENCH_TABLES.metadata),
    segmentStore,
    clock: systemClock,
    random: systemRandom,
    logger: jsonLogger((line) => process.stderr.write(line)),
    metrics: silentMetrics,
    regions: ["us-east-1"],
  });
  return { client, broker, segmentStore, requests };
}
