import { fileURLToPath } from "node:url";
import type { Broker } from "../shared/broker/broker.ts";
import { openBroker } from "../shared/broker/open-broker.ts";
import type { ReplicaStores } from "../shared/broker/replica-stores.ts";
import type { SegmentStore } from "../shared/log/segment-store.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { systemRandom } from "../shared/runtime/random.ts";
import { dynamoDbClient } from "../shared/storage/dynamodb/client.ts";
import { DynamoDbLogStore } from "../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { FileSegmentStore } from "../shared/storage/file/file-segment-store.ts";
import { MemorySegmentStore } from "../shared/storage/memory/memory-segment-store.ts";
import { S3SegmentStore } from "../shared/storage/s3/s3-segment-store.ts";
import { givenEndpoint } from "../shared/storage/signed-request.ts";
import { type BrokerLocation, readBrokerEnvironment } from "./broker-environment.ts";
import { processObservability } from "./observability.ts";

let broker: Broker | undefined;

/**
 * The broker of this process, opened at the first call. One for all handlers in it: what they cache, group and wake each
 * other by is only worth something when it is shared.
 */
export function processBroker(): Broker {
  broker ??= fromEnvironment();
  return broker;
}

/** The id of the broker whose region this process runs in. */
export function processBrokerId(): number {
  return readBrokerEnvironment(process.env).own.brokerId;
}

function fromEnvironment(): Broker {
  const { logTable, metadataTable, brokers, own } = readBrokerEnvironment(process.env);
  const { logger, metrics } = processObservability();
  // The metadata are a global table: each region's own copy of it answers.
  const metadataStore = new DynamoDbMetadataStore(dynamoDbClient(), metadataTable);
  const replicas = new Map(
    brokers.map((location) => [location.brokerId, storesOf(location, logTable, brokers.length)]),
  );
  return openBroker({
    ...replicas.get(own.brokerId)!,
    metadataStore,
    clock: systemClock,
    random: systemRandom,
    logger,
    metrics,
    regions: brokers.map(({ region }) => region),
    ...(brokers.length === 1 ? {} : { replicas }),
  });
}

/** The stores of one region. A client opens no connection before its first request. */
function storesOf(location: BrokerLocation, logTable: string, regionCount: number): ReplicaStores {
  const { region, endpoint, segments } = location;
  // With one region the SDK finds its own, which need not be the one that the cluster calls it.
  const config = regionCount === 1 ? {} : { region };
  const client = dynamoDbClient(endpoint === undefined ? config : { ...config, endpoint });
  return { logStore: new DynamoDbLogStore(client, logTable), segmentStore: segmentStore(segments, client) };
}

function segmentStore(url: URL, client: ReturnType<typeof dynamoDbClient>): SegmentStore {
  if (url.protocol === "file:") return new FileSegmentStore(fileURLToPath(url));
  if (url.protocol === "memory:") return new MemorySegmentStore();
  // Path style, so that a bucket is found at an endpoint that has no host name for each.
  const endpoint = givenEndpoint(process.env, "S3");
  return new S3SegmentStore(url.hostname, { client, endpoint, isPathStyle: endpoint !== undefined });
}
