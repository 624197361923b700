import { fileURLToPath } from "node:url";
import type { Broker } from "../shared/broker/broker.ts";
import { openBroker } from "../shared/broker/open-broker.ts";
import type { SegmentStore } from "../shared/log/segment-store.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { systemRandom } from "../shared/runtime/random.ts";
import { dynamoDbClient } from "../shared/storage/dynamodb/client.ts";
import { DynamoDbLogStore } from "../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { FileSegmentStore } from "../shared/storage/file/file-segment-store.ts";
import { MemorySegmentStore } from "../shared/storage/memory/memory-segment-store.ts";
import { S3SegmentStore } from "../shared/storage/s3/s3-segment-store.ts";
import { readBrokerEnvironment } from "./broker-environment.ts";
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

function fromEnvironment(): Broker {
  const { logTable, metadataTable, segments, regions } = readBrokerEnvironment(process.env);
  const { logger, metrics } = processObservability();
  const client = dynamoDbClient();
  return openBroker({
    logStore: new DynamoDbLogStore(client, logTable),
    metadataStore: new DynamoDbMetadataStore(client, metadataTable),
    segmentStore: segmentStore(segments),
    clock: systemClock,
    random: systemRandom,
    logger,
    metrics,
    regions,
  });
}

function segmentStore(url: URL): SegmentStore {
  if (url.protocol === "file:") return new FileSegmentStore(fileURLToPath(url));
  if (url.protocol === "memory:") return new MemorySegmentStore();
  // Path style, so that a bucket is found at an endpoint that has no host name for each.
  const endpoint = process.env["AWS_ENDPOINT_URL_S3"] || process.env["AWS_ENDPOINT_URL"];
  return new S3SegmentStore(url.hostname, { forcePathStyle: Boolean(endpoint) });
}
