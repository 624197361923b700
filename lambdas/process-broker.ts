import { fileURLToPath } from "node:url";
import type { Broker } from "../shared/broker/broker.ts";
import type { openBroker } from "../shared/broker/open-broker.ts";
import { openReadingBroker } from "../shared/broker/open-reading-broker.ts";
import type { ReplicaStores } from "../shared/broker/replica-stores.ts";
import type { SegmentStore } from "../shared/log/segment-store.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { systemRandom } from "../shared/runtime/random.ts";
import { dynamoDbClient } from "../shared/storage/dynamodb/client.ts";
import { DynamoDbLogStore } from "../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { DynamoDbSegmentRegistry } from "../shared/storage/dynamodb/dynamodb-segment-registry.ts";
import { FileSegmentStore } from "../shared/storage/file/file-segment-store.ts";
import { LambdaInvocation } from "../shared/storage/lambda/lambda-invocation.ts";
import { MemorySegmentStore } from "../shared/storage/memory/memory-segment-store.ts";
import { S3SegmentStore } from "../shared/storage/s3/s3-segment-store.ts";
import { givenEndpoint } from "../shared/storage/signed-request.ts";
import { type BrokerEnvironment, type BrokerLocation, readBrokerEnvironment } from "./broker-environment.ts";
import { processObservability } from "./observability.ts";

let environment: BrokerEnvironment | undefined;
let broker: Broker | undefined;

/** Opens the stores of a region's group table. */
type OpenGroupStores = (
  client: ReturnType<typeof dynamoDbClient>,
  table: string,
) => Pick<ReplicaStores, "groupStore" | "instanceStore">;

let openGroupStores: OpenGroupStores | undefined;

/**
 * For the function that has to do with consumer groups, before the broker is opened: the others have nothing of these stores in
 * their bundles.
 */
export function bringGroupStores(open: OpenGroupStores): void {
  openGroupStores = open;
}

let open: typeof openBroker = openReadingBroker;

/** Likewise for the function that appends: `opener` brings the writers. */
export function bringAppends(opener: typeof openBroker): void {
  open = opener;
}

/**
 * The broker of this process, opened at the first call. One for all handlers in it: what they cache, group and wake each
 * other by is only worth something when it is shared.
 */
export function processBroker(): Broker {
  broker ??= fromEnvironment();
  return broker;
}

/** What the environment says, as it was at the first call. Errors: an Error that names the variable that is wrong. */
export function processEnvironment(): BrokerEnvironment {
  environment ??= readBrokerEnvironment(process.env);
  return environment;
}

function fromEnvironment(): Broker {
  const { logTable, groupTable, metadataTable, brokers, own, leaseMs, consumerDialect, maintenanceFunction } =
    processEnvironment();
  const { logger, metrics } = processObservability();
  // The metadata are a global table: each region's own copy of it answers.
  const client = dynamoDbClient();
  const metadataStore = new DynamoDbMetadataStore(client, metadataTable);
  const functionName = process.env["AWS_LAMBDA_FUNCTION_NAME"];
  const replicas = new Map(
    brokers.map((location) => [location.brokerId, storesOf(location, { logTable, groupTable }, brokers.length)]),
  );
  const invocation = (name: string, of = client) =>
    new LambdaInvocation(of, name, givenEndpoint(process.env, "LAMBDA"));
  return open({
    ...replicas.get(own.brokerId)!,
    metadataStore,
    segmentRegistry: new DynamoDbSegmentRegistry(client, metadataTable),
    clock: systemClock,
    random: systemRandom,
    logger,
    metrics,
    regions: brokers.map(({ region }) => region),
    consumerDialect,
    ...(brokers.length === 1 ? {} : { replicas, brokerId: own.brokerId, leaseMs }),
    ...(functionName === undefined ? {} : { asyncInvocation: invocation(functionName) }),
    ...(maintenanceFunction === undefined
      ? {}
      : {
          // A function of the same name in each region looks after what its region leads.
          upkeepInvocations: new Map(
            brokers.map(({ brokerId, region }) => {
              const of = brokerId === own.brokerId ? client : dynamoDbClient({ region });
              return [brokerId, invocation(maintenanceFunction, of)];
            }),
          ),
        }),
  });
}

/** The stores of one region. A client opens no connection before its first request. */
function storesOf(
  location: BrokerLocation,
  { logTable, groupTable }: Pick<BrokerEnvironment, "logTable" | "groupTable">,
  regionCount: number,
): ReplicaStores {
  const { region, endpoint, segments } = location;
  // With one region the SDK finds its own, which need not be the one that the cluster calls it.
  const config = regionCount === 1 ? {} : { region };
  const client = dynamoDbClient(endpoint === undefined ? config : { ...config, endpoint });
  return {
    logStore: new DynamoDbLogStore(client, logTable),
    segmentStore: segmentStore(segments, client),
    ...(groupTable === undefined ? {} : openGroupStores?.(client, groupTable)),
  };
}

function segmentStore(url: URL, client: ReturnType<typeof dynamoDbClient>): SegmentStore {
  if (url.protocol === "file:") return new FileSegmentStore(fileURLToPath(url));
  if (url.protocol === "memory:") return new MemorySegmentStore();
  // Path style, so that a bucket is found at an endpoint that has no host name for each.
  const endpoint = givenEndpoint(process.env, "S3");
  return new S3SegmentStore(url.hostname, { client, endpoint, isPathStyle: endpoint !== undefined });
}
